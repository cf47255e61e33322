/*
 * layer_image.h
 *	  Which image, if any, may answer for a layer in the statement that runs.
 */
#ifndef GRIDTREE_LAYER_IMAGE_H
#define GRIDTREE_LAYER_IMAGE_H

#include "coverage.h"
#include "layer_kept.h"

typedef struct LayerImage
{
	const Coverage *coverage;
	void	   *scratch;		/* for coverage_locate */
} LayerImage;

/*
 * The image of the layer's polygons as the active snapshot sees them; NULL where
 * the rule's own SQL must answer.  What is returned holds until the next call of
 * anything that may run a query.
 */
extern const LayerImage *layer_image(KeptLayer *kept);

/* Tell what one answer by the rule's own SQL took, in milliseconds. */
extern void layer_image_charge(KeptLayer *kept, double spent);

/* Make the image now if there can be one; NULL where there cannot. */
extern const LayerImage *layer_image_make(KeptLayer *kept);

/* The image that this session has of a layer, of whatever version; NULL where it has none. */
extern const LayerImage *layer_image_of_definition(uint64 definition);

/* Remove the files of layers that are no more. */
extern void layer_image_sweep(void);

/* Define gridtree.layer_cache. */
extern void layer_image_define_settings(void);

#endif							/* GRIDTREE_LAYER_IMAGE_H */
