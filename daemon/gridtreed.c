/*
 * gridtreed.c
 *	  Entry point of the daemon.
 */
#include <stdio.h>

int
main(void)
{
	printf("gridtreed %s\n", GRIDTREE_VERSION);
	return 0;
}
