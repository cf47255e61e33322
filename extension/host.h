/*
 * host.h
 *	  What a pure core asks of whoever runs it: memory, and leave to go on.
 *
 * The server's host takes memory from a memory context, raises an error where
 * there is none, and looks for a cancel in pause; a unit test's is malloc.
 * Both functions may leave by longjmp: a core keeps nothing that would then be
 * lost but memory, which belongs to the host.
 */
#ifndef GRIDTREE_HOST_H
#define GRIDTREE_HOST_H

#include <stddef.h>

typedef struct Host
{
	/* A block of so many bytes that begins as block did (NULL: nothing did); never NULL. */
	void	   *(*resize) (void *block, size_t bytes);
	void		(*release) (void *block);
	/* Called at least every few milliseconds. */
	void		(*pause) (void);
} Host;

/* A new block for n things; n may be 0. Refusing a product that overflows is the host's part: it sees SIZE_MAX. */
#define host_bytes(n, size) \
	((size_t) (n) < (SIZE_MAX - 16) / (size) ? (size_t) (n) * (size) + 1 : SIZE_MAX)
#define host_array(host, type, n) \
	((type *) (host)->resize(NULL, host_bytes(n, sizeof(type))))

#endif							/* GRIDTREE_HOST_H */
