/*
 * gridtree_figures.h
 *	  Figures are arguments of any numeric type; here they become doubles.
 */
#ifndef GRIDTREE_FIGURES_H
#define GRIDTREE_FIGURES_H

#include "postgres.h"

#include "fmgr.h"

typedef double (*FigureRead) (Datum value);

/*
 * How to read each argument from number first on, in memory that lives as long
 * as fn_extra; an error for types that are not numeric.
 */
extern FigureRead *figure_readers(FunctionCallInfo fcinfo, int first);

#endif							/* GRIDTREE_FIGURES_H */
