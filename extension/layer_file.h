/*
 * layer_file.h
 *	  Images of layers as files that all backends map, so that one builds and
 *	  none pays again.
 *
 * Knows files; knows nothing of how images are made or when they are right.
 */
#ifndef GRIDTREE_LAYER_FILE_H
#define GRIDTREE_LAYER_FILE_H

#include "coverage.h"
#include "layer_version.h"

/* Which image: the layer's definition and the version of its polygons. */
typedef struct LayerImageKey
{
	Oid			relation;
	uint64		definition;
	uint64		storage;		/* of the files that the polygons are in: TRUNCATE is not for snapshots */
	LayerVersion version;
} LayerImageKey;

/* Map the image of a key, read-only; NULL where no backend has made it. */
extern const Coverage *layer_file_map(const LayerImageKey *key, Size *bytes);
extern void layer_file_unmap(const Coverage *image, Size bytes);

/*
 * Begin to make the file of a key; returns what the other three take.  -1 where
 * another backend is at it, -2 where no file can be made here.
 */
#define LAYER_FILE_BUSY		(-1)
#define LAYER_FILE_NONE		(-2)
extern int	layer_file_begin(const LayerImageKey *key);

/* Write the next bytes; false where there is no room for them. */
extern bool layer_file_write(int fd, const void *bytes, Size n);

/* Publish the file under its key; false where it cannot be. */
extern bool layer_file_publish(int fd, const LayerImageKey *key);
extern void layer_file_abandon(int fd, const LayerImageKey *key);

/* Remove the files of this database that are not wanted, and of databases that are no more. */
extern void layer_file_sweep(bool (*is_wanted) (void *arg, const LayerImageKey *key), void *arg);

#endif							/* GRIDTREE_LAYER_FILE_H */
