/*
 * layer_kept.h
 *	  The layers a backend has used: what it keeps of each, and how long that
 *	  holds.
 */
#ifndef GRIDTREE_LAYER_KEPT_H
#define GRIDTREE_LAYER_KEPT_H

#include "layer.h"

#include "executor/spi.h"
#include "layer_version.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

struct LayerImage;

/*
 * What was found out for one user under one snapshot.  Two snapshots that are
 * alike in everything see the same rows, but for a rollback of subtransactions
 * in between; so it is forgotten at the end of every one.
 */
typedef struct LayerMemo
{
	uint64		generation;		/* of what all memos depend on; 0 is never current */
	TimestampTz statement;		/* when the client's statement began: rights are looked at in each */
	Oid			user;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	curcid;
	bool		suboverflowed;
	uint32		xcnt;
	int32		subxcnt;
	TransactionId *xids;		/* xcnt in progress, then subxcnt */
	uint32		room;

	struct LayerImage *image;	/* NULL: the rule's own SQL answers */
	bool		wanted;			/* an image could be had, but was not built yet */
	LayerVersion version;		/* where an image is there or wanted */

	bool		same_for_all;	/* no policy or right of columns makes the rule's answer depend on settings */
	bool		has_last;		/* the last point that the rule's own SQL answered */
	double		last_x;
	double		last_y;
	gridcode	last_code;
} LayerMemo;

typedef struct KeptLayer
{
	char		name[NAMEDATALEN];	/* key */
	bool		fresh;
	Oid			relation;
	int32		srid;
	bool		geographic;		/* coordinates are degrees */
	bool		permanent;		/* neither the table nor one below it is unlogged */
	uint64		definition;		/* hash of all that says which polygons these are */
	uint64		storage;		/* hash of the files that hold them */
	List	   *members;		/* the table and all below it */

	/* layer_rule.c */
	SPIPlanPtr	covering;		/* NULL until first needed */
	SPIPlanPtr	nearest;

	/* layer_image.c */
	LayerMemo	memo;
	LayerVersion counted;		/* version of which the next three tell */
	bool		counting;
	int			refused_at;		/* gridtree.layer_cache at which no image could be made, or -1 */
	double		spent;			/* milliseconds in the rule's own SQL */
	double		allowed;		/* about what building the image takes */
} KeptLayer;

/* Where a caller remembers the layer of its last call. */
typedef struct LayerSite
{
	KeptLayer  *kept;
	uint64		era;			/* known to layer_kept_at() */
} LayerSite;

/* The layer of that name, up to date; an error where there is none. */
extern KeptLayer *layer_kept(const char *name);

/* The layer as the catalog has it now; the same errors. */
extern Layer *layer_read_checked(const char *name);

/* The same for a caller who asks for one layer again and again. */
extern KeptLayer *layer_kept_at(LayerSite *site, const char *name);

/* A hash of what says which polygons a layer has, whatever their version. */
extern uint64 layer_definition(const Layer *layer);

/* Between these, nothing that is kept is freed; an error does not end it. */
extern void layer_hold(void);
extern void layer_release(void);

/* Changes whenever a memo may not hold any longer. */
extern uint64 layer_generation(void);
extern void layer_forget_memos(void);

#endif							/* GRIDTREE_LAYER_KEPT_H */
