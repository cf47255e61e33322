/*
 * rollup_def.h
 *	  A rollup as it is defined, and the SQL that follows from it.
 *
 * A rollup NAME on a source is
 *	  NAME		 the figures: code, level, bucket, dimensions…, measures…; one
 *				 row an area that has rows, at every level kept
 *	  NAME_rest  the figures of source rows that are coded to no area of the
 *				 lowest level ("not further coded"), by the code they have;
 *				 they count in every area around them
 *	  NAME_log	 the touched cells, and how many source rows are in no cell:
 *				 rollup_log.h
 *	  NAME_rows	 view: what every source row contributes to which cell
 *	  NAME_live	 view: NAME, exact under the reader's snapshot
 *	  NAME_bi	 view: the lowest areas, in plain types
 *
 * A cell is a code and a bucket.  Its code is that of the source row, cut to
 * the lowest level where it is longer.
 *
 * The view NAME_rows is the definition.  PostgreSQL keeps it: renames of
 * columns follow, columns and functions it uses cannot be dropped or retyped,
 * a dump restores it.  The catalog tables hold only what is no expression, so
 * nothing in them can go stale.
 */
#ifndef GRIDTREE_ROLLUP_DEF_H
#define GRIDTREE_ROLLUP_DEF_H

#include "gridtree.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "scheme.h"

/* Whose function it is. */
typedef enum MeasureHome
{
	HOME_CORE,
	HOME_GRIDTREE,
	HOME_HLL
} MeasureHome;

/* An aggregate whose stored results merge exactly. */
typedef struct MeasureKind
{
	const char *name;			/* as stored in grid_rollup_measure.kind */
	MeasureHome home;
	const char *aggregate;
	const char *merge;
	bool		cast;			/* the merge yields a wider type */
	const char *alias;			/* another name of the aggregate, or NULL */
} MeasureKind;

typedef struct RollupMeasure
{
	char	   *name;			/* its column in the rollup */
	const MeasureKind *kind;
	int			nargs;			/* columns m<i>_1 … of NAME_rows */
	bool		filtered;		/* column m<i>_f of NAME_rows */
	char	   *type;			/* SQL name of the column's type */
	Oid			type_oid;

	/* The rest is known while the rollup is being created only. */
	char	   *expression;		/* as it was given */
	char	   *at;				/* time column, or NULL */
	int			slot;			/* index into RollupDef.times */
	Oid			collation;
	List	   *args;			/* SQL of the arguments, source as s */
	char	   *filter;			/* SQL, or NULL */
} RollupMeasure;

typedef struct RollupColumn
{
	char	   *name;			/* in the source; a dimension's also in the rollup */
	Oid			type;
	int32		typmod;
	Oid			collation;
} RollupColumn;

typedef struct RollupDef
{
	Oid			rollup;
	Oid			source;
	Oid			log;
	Oid			rest;
	Oid			rows;
	Oid			live;			/* InvalidOid when it was dropped */
	Oid			bi;				/* the same */

	/* Qualified and quoted names. */
	char	   *rollup_name;
	char	   *source_name;
	char	   *log_name;
	char	   *rest_name;
	char	   *rows_name;
	char	   *schema;			/* of the extension, quoted */

	RollupColumn code;
	int			ntimes;			/* 0: no buckets */
	RollupColumn *times;		/* time columns that measures use */
	bool		bucket_is_date;
	Interval   *width;
	char	   *zone;			/* or NULL */
	int			ndims;
	RollupColumn *dims;
	int			nmeasures;
	RollupMeasure *measures;

	int			nlevels;
	char	  **levels;			/* names, the lowest first */
	int		   *digits;			/* of the codes of each */
} RollupDef;

/* --- rollup_catalog.c --- */

/* The definition of a rollup, palloc'd; NULL if missing_ok and it is none. */
extern RollupDef *rollup_load(Oid rollup, bool missing_ok);

/* Add it to the catalog; options are columns of the catalog beyond the definition. */
extern void rollup_store(const RollupDef *def, Datum scheme, const char *lowest, const char *top,
						 const char *bucket_column, const char *schedule, Interval *max_lag);
extern void rollup_forget(Oid rollup);

/* What a refresh leaves for the next one. */
typedef struct RollupState
{
	bool		filled;
	int64		cells;			/* lowest ones, after the last full build */
} RollupState;

/*
 * Begin a refresh: wait for others, note the time, read the state.  False if
 * the transaction's snapshot is older than the rollup; 40001 if it is older
 * than the last refresh.
 */
extern bool rollup_begin_state(const RollupDef *def, RollupState *state);

/* Keep refreshes away until the transaction ends; false where one is at work. */
extern bool rollup_lock_state(Oid rollup);

/* And end a full build. */
extern void rollup_end_state(const RollupDef *def, int64 cells);

/* Note that the log holds nothing that was committed before this transaction began. */
extern void rollup_caught_up(const RollupDef *def);

/* The rollups whose source is this relation or one that it descends from. */
extern List *rollups_of_source(Oid relation);

/* The log of a rollup; InvalidOid where that is none. */
extern Oid	rollup_log_of(Oid rollup);

/* What part of a rollup a relation is: 'r' the rollup itself, 'l' its log, 'o' NAME_rest; 0 where it is none. */
extern char rollup_part(Oid relation);

/* Fill in levels, lowest first, from a scheme; errors name what is wrong. */
extern void rollup_set_levels(RollupDef *def, const GridScheme *scheme, const char *lowest,
							  const char *top);

/* Fill in the qualified names from the oids. */
extern void rollup_set_names(RollupDef *def);

/* --- rollup_measure.c --- */

/* The measures of the argument json, analysed against def->source as the current user. */
extern void rollup_parse_measures(RollupDef *def, Datum measures, const char *bucket_column,
								  const char *search_path);
extern const MeasureKind *measure_kind(const char *name);
extern bool measure_is_stats(const RollupMeasure *measure);
extern bool measure_is_plain(const RollupMeasure *measure);
extern bool measure_is_code(const RollupMeasure *measure);

/*
 * --- rollup_sql.c ---
 *
 * Everything is qualified, also operators.  Lists begin with a comma, so that
 * an empty one can follow anything.
 */

/* Level number of the ancestor of a code; the lowest is 0. */
extern char *sql_ancestor(const RollupDef *def, const char *code, int level);

/* The name of a level, which compares bytewise. */
extern char *sql_level(const RollupDef *def, int level);

/* The code of the cell of a source row. */
extern char *sql_cell(const RollupDef *def, const char *code);

/* Is a row of NAME_rows in a cell, which is an area of the lowest level or the rest? */
extern char *sql_in_cell(const RollupDef *def, const char *alias, const char *cell, bool rest);

/* The bucket of a time, which is a value of the column's type. */
extern char *sql_bucket_of(const RollupDef *def, const RollupColumn *column, const char *value);
extern const char *sql_bucket_type(const RollupDef *def);

/*
 * " AND …": a condition on the times of NAME_rows that holds for all rows of the
 * buckets from first to last, and that an index can serve.
 */
extern char *sql_times_near(const RollupDef *def, const char *alias, const char *first,
							const char *last);

/* Equality of codes; order of codes. */
extern char *sql_code_is(const RollupDef *def, const char *left, const char *right);
extern char *sql_code_between(const RollupDef *def, const char *code, const char *first,
							  const char *last);

/* ", a.bucket"; " AND a.bucket = b.bucket"; nothing without buckets. */
extern char *sql_bucket(const RollupDef *def, const char *alias);
extern char *sql_same_bucket(const RollupDef *def, const char *left, const char *right);

/* Dimensions and measures as columns of the rollup. */
extern char *sql_dims(const RollupDef *def, const char *alias);
extern char *sql_measures(const RollupDef *def, const char *alias);

/* " GROUP BY …" the dimensions, if there are any. */
extern char *sql_group_by_dims(const RollupDef *def, const char *alias);

/* NAME_rest with the rollup's names. */
extern char *sql_rest(const RollupDef *def, const char *alias);

/* Dimensions as columns of NAME_rows, with or without the rollup's names. */
extern char *sql_rows_dims(const RollupDef *def, const char *alias, bool named);

/* Measures aggregated from NAME_rows, and merged from figures. */
extern char *sql_aggregates(const RollupDef *def, const char *alias);
extern char *sql_merges(const RollupDef *def, const char *alias);

/* The number of source rows that are in no cell. */
extern char *sql_count_unassigned(const RollupDef *def);

/* (VALUES (level, area), …) of the areas around a code, from level number first up. */
extern char *sql_areas(const RollupDef *def, const char *code, int first);

/* --- rollup_views.c --- */

extern void rollup_create_rows_view(const RollupDef *def, const char *name);
extern void rollup_create_live_view(const RollupDef *def, const char *name);
extern void rollup_create_bi_view(const RollupDef *def, const char *name);

/* --- rollup_trigger.c --- */

/* Give the source and all its children the triggers; an error where one cannot have them. */
extern void rollup_equip(Oid source, bool wait_for_writers);

/* Take them away from the relation and its children. */
extern void rollup_unequip(Oid source);

/* Is one of them missing on a table? */
extern bool rollup_lacks_trigger(Oid relation);

/* An error if a trigger with the name of one of them is another one. */
extern void rollup_check_trigger(Oid table, const char *name);

/* Is one of them disabled, on a table or below it? */
extern bool rollup_triggers_disabled(Oid top);

/* Have those that are enabled fire when they shall: for replicated rows, too. */
extern void rollup_enable_triggers(Oid top);

/* --- rollup_index.c --- */

/*
 * A table of the source without an index on code that serves to look cells up,
 * with a time behind it if that is not NULL; InvalidOid if all have one.
 */
extern Oid	rollup_table_without_index(const RollupDef *def, const char *time);

/* --- rollup_alter.c --- */

/* An error unless the schedule is NULL or one that grid_schedule_next understands. */
extern void rollup_check_schedule(const char *schedule, const char *zone);

/* An error unless the interval, which is spelled value, is longer than nothing. */
extern void rollup_check_length(const char *setting, const Interval *interval, const char *value);

/* --- rollup_drop.c --- */

/* The current user owns the rollup, or an error. */
extern void rollup_check_owner(Oid rollup);

#endif							/* GRIDTREE_ROLLUP_DEF_H */
