/*
 * fuzz_outline.c
 *	  Any bytes as a small lattice with labels: its outlines must be what
 *	  outline_check.h says, however it is numbered.
 */
#include <stdint.h>

#include "../unit/outline_check.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left to read; a fixed sequence follows. */
static const uint8_t *rest;
static size_t rest_size;
static unsigned int filler;
static unsigned int nlabels;

static unsigned int
chance(unsigned int limit)
{
	if (rest_size == 0)
		return (filler = filler * 1103515245u + 12345u) / 65536 % limit;
	rest_size--;
	return *rest++ % limit;
}

static int
label(int x, int y)
{
	(void) x;
	(void) y;
	return (int) chance(nlabels);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Lattice		l;
	int			width;
	int			height;
	double		jitter;
	double		clearance;

	rest = data;
	rest_size = size;
	filler = 1;
	width = 1 + (int) chance(5);
	height = 1 + (int) chance(5);
	nlabels = 1 + chance(5);
	jitter = 0.2 * chance(4) / 3;
	clearance = 0.1 * chance(8);
	l = lattice_make(width, height, (int) nlabels, label, jitter, clearance, chance(2), chance);
	if (chance(2))
		lattice_fix(&l, 1 + (int) chance(20), chance);
	if (chance(2))
		lattice_thin_sites(&l, 1 + (int) chance(20), chance);
	if (lattice_wrong(&l, chance) != NULL)
		abort();
	lattice_free(&l);
	return 0;
}
