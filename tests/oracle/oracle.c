/*
 * oracle.c
 *	  oracle points N SEED POLYGONS		N points to ask about
 *	  oracle locate POLYGONS POINTS		number and code of each point; \N in a gap
 *	  oracle explain POLYGONS ANSWERS	why these answers are not the rule's
 *
 * POLYGONS are lines of code and geometry, POINTS of number, geometry and kind,
 * ANSWERS of number, geometry and the code that somebody gave.
 */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

static FILE *
open_to_read(const char *path)
{
	FILE	   *file = fopen(path, "r");

	if (file == NULL)
		fail("cannot read %s", path);
	return file;
}

static void
locate_all(const Parts *parts, FILE *points)
{
	char	   *fields[3];
	Point		p;

	while (read_point_line(points, fields, 3, &p))
	{
		const char *code = locate(parts, &p, exact_side, SETTLES_NOTHING);

		printf("%s\t%s\n", fields[0], code ? code : "\\N");
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	Parts		parts;

	if (strcmp(what, "points") == 0 && argc == 5)
	{
		parts = read_parts(argv[4]);
		write_points(&parts, atol(argv[2]), strtoull(argv[3], NULL, 10));
	}
	else if (strcmp(what, "locate") == 0 && argc == 4)
	{
		parts = read_parts(argv[2]);
		locate_all(&parts, open_to_read(argv[3]));
	}
	else if (strcmp(what, "explain") == 0 && argc == 4)
	{
		parts = read_parts(argv[2]);
		explain_all(&parts, open_to_read(argv[3]));
	}
	else
		fail("points N SEED POLYGONS | locate POLYGONS POINTS | explain POLYGONS ANSWERS");
	if (ferror(stdout) || fclose(stdout) != 0)
		fail("cannot write");
	return 0;
}
