/*
 * layer_image.c
 *	  Which image, if any, may answer for a layer in the statement that runs.
 *
 * VERSIONS
 *	  The image of a layer is right for a snapshot that sees the same version
 *	  rows as the one it was built under (layer_version.c).  A statement reads
 *	  them once; what it found is remembered in the layer's memo for as long as
 *	  the same user asks under a snapshot that is alike.
 *
 * WHEN THE RULE'S OWN SQL ANSWERS
 *	  Where an image would not be right: the current transaction has edited the
 *	  layer, the snapshot is older than the layer, a row-level policy applies to the user, or the user may not SELECT
 *	  the whole table (who may read the columns is found out by the query).
 *	  Where there can be none: rows that are no polygons or of another SRID,
 *	  coordinates that are not finite, an unlogged table, more than
 *	  gridtree.layer_cache.  And where it does not pay yet: an image is built when
 *	  the rule's own SQL has taken as long as building it would, so that neither
 *	  one point nor a million cost more than about twice what they must.
 *
 * SHARING
 *	  An image is a file that every backend maps (layer_file.c).  Only where none
 *	  can be written a backend keeps its own.
 */
#include "layer_image.h"

#include <limits.h>

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "layer_file.h"
#include "layer_rule.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "postgis.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* Kilobytes of images a backend may have mapped. */
static int	layer_cache = 512 * 1024;

/* About what building reads and enters in a millisecond, in blocks. */
#define BLOCKS_PER_MILLISECOND	10

/* Building takes a millisecond at least: a query for the rows. */
#define LEAST_MILLISECONDS		1.0

/* Rows fetched at a time. */
#define FETCH_ROWS				256

typedef struct CachedImage
{
	dlist_node	node;			/* in the list of images, last used first */
	LayerImage	image;
	LayerImageKey key;
	Size		bytes;
	bool		mapped;			/* a file; else memory of our own */
} CachedImage;

static dlist_head images = DLIST_STATIC_INIT(images);

/* What a memo says depends on it. */
static void
cache_changed(int kilobytes pg_attribute_unused(), void *extra pg_attribute_unused())
{
	layer_forget_memos();
}

void
layer_image_define_settings(void)
{
	DefineCustomIntVariable("gridtree.layer_cache",
							"Sets the most memory a session uses for images of layers.",
							"Images are files that sessions share. A layer whose image would be larger is located by SQL; 0 locates all layers so.",
							&layer_cache, 512 * 1024, 0, INT_MAX, PGC_USERSET, GUC_UNIT_KB,
							NULL, cache_changed, NULL);
}

static Size
most_bytes(void)
{
	return (Size) layer_cache * 1024;
}

/* --- images this backend has --- */

static void
drop_image(CachedImage *cached)
{
	dlist_delete(&cached->node);
	if (cached->mapped)
		layer_file_unmap(cached->image.coverage, cached->bytes);
	else
		pfree(unconstify(Coverage *, cached->image.coverage));
	pfree(cached->image.scratch);
	pfree(cached);
	layer_forget_memos();
}

/* Drop the image of an older version of a layer, then what was used least, down to the bound. */
static void
make_room(const LayerImageKey *key, Size bytes)
{
	dlist_mutable_iter iter;
	Size		total = bytes;

	dlist_foreach_modify(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);

		total += cached->bytes;
		if (cached->key.definition == key->definition || total > most_bytes())
		{
			total -= cached->bytes;
			drop_image(cached);
		}
	}
}

static CachedImage *
add_image(const LayerImageKey *key, const Coverage *coverage, Size bytes, bool mapped)
{
	CachedImage *cached;

	make_room(key, bytes);
	cached = MemoryContextAllocZero(TopMemoryContext, sizeof(CachedImage));
	cached->image.coverage = coverage;
	cached->image.scratch = MemoryContextAllocHuge(TopMemoryContext, coverage_scratch_size(coverage));
	cached->key = *key;
	cached->bytes = bytes;
	cached->mapped = mapped;
	dlist_push_head(&images, &cached->node);
	return cached;
}

static bool
same_key(const LayerImageKey *a, const LayerImageKey *b)
{
	return a->definition == b->definition && a->relation == b->relation && a->storage == b->storage &&
		a->version.count == b->version.count && a->version.newest == b->version.newest &&
		a->version.total == b->version.total;
}

static LayerImageKey
key_of(const KeptLayer *kept, const LayerVersion *version)
{
	LayerImageKey key = {kept->relation, kept->definition, kept->storage, *version};

	return key;
}

/* The image of a key, if this backend has it or another has made its file. */
static LayerImage *
find_image(const LayerImageKey *key)
{
	dlist_iter	iter;
	const Coverage *coverage;
	Size		bytes;

	dlist_foreach(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);

		if (same_key(&cached->key, key))
		{
			if (cached->bytes > most_bytes())	/* the setting has changed */
				return NULL;
			dlist_move_head(&images, &cached->node);
			return &cached->image;
		}
	}
	coverage = layer_file_map(key, &bytes);
	if (coverage == NULL)
		return NULL;
	if (bytes > most_bytes())
	{
		layer_file_unmap(coverage, bytes);
		return NULL;
	}
	return &add_image(key, coverage, bytes, true)->image;
}

const LayerImage *
layer_image_of_definition(uint64 definition)
{
	dlist_iter	iter;

	dlist_foreach(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);

		if (cached->key.definition == definition)
			return &cached->image;
	}
	return NULL;
}

/* --- building --- */

static void *
host_alloc(void *context, size_t size)
{
	return MemoryContextAllocHuge(context, size);
}

static void *
host_resize(void *context pg_attribute_unused(), void *pointer, size_t size)
{
	return repalloc_huge(pointer, size);
}

static void
host_free(void *context pg_attribute_unused(), void *pointer)
{
	pfree(pointer);
}

static void
host_pause(void *context pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
}

typedef struct Feed
{
	CoverageBuilder *builder;
	gridcode	code;
} Feed;

static void
feed_ring(void *arg, int polygon pg_attribute_unused(), int ring, const double *xy, uint32 n, int stride)
{
	Feed	   *feed = arg;

	if (ring == 0)
		coverage_add_part(feed->builder, feed->code);
	coverage_add_ring(feed->builder, xy, n, (size_t) stride);
}

/* Add a row's polygons; false where it has something that an image cannot hold. */
static bool
feed_row(Feed *feed, const KeptLayer *kept, HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		geometry = PointerGetDatum(PG_DETOAST_DATUM(SPI_getbinval(row, desc, 2, &isnull)));

	feed->code = DatumGetGridcode(SPI_getbinval(row, desc, 1, &isnull));
	return geometry_head(geometry).srid == kept->srid && geometry_rings(geometry, feed_ring, feed);
}

/* Read the layer's polygons under the active snapshot, as the rule's own SQL would. */
static bool
feed_rows(Feed *feed, const KeptLayer *kept, MemoryContext context)
{
	Layer	   *layer = layer_read(kept->name);
	const char *geom = quote_identifier(NameStr(layer->geom_column));
	char	   *query = psprintf("SELECT %s, %s %s AND %s IS NOT NULL", quote_identifier(NameStr(layer->code_column)),
								 geom, layer_rows_clause(layer), geom);
	Portal		portal = SPI_cursor_open_with_args(NULL, query, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	MemoryContext row_context = AllocSetContextCreate(context, "gridtree layer row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(row_context);
	bool		fits = true;

	do
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		for (uint64 i = 0; fits && i < SPI_processed; i++)
		{
			CHECK_FOR_INTERRUPTS();
			fits = feed_row(feed, kept, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			MemoryContextReset(row_context);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (fits && SPI_processed > 0);
	SPI_cursor_close(portal);
	MemoryContextSwitchTo(outer);
	return fits;
}

/* A builder with the layer's polygons; NULL where it has something that an image cannot hold. */
static CoverageBuilder *
collect(const KeptLayer *kept, MemoryContext context)
{
	CoverageHost host = {host_alloc, host_resize, host_free, host_pause, context};
	Feed		feed = {coverage_begin(&host), 0};
	ErrorContextCallback errors;
	int			nest = safe_search_path_begin();
	bool		fits;

	layer_name_in_errors(&errors, kept->name);
	SPI_connect();
	layer_hold();
	fits = feed_rows(&feed, kept, context);
	layer_release();
	SPI_finish();
	error_context_stack = errors.previous;
	safe_search_path_end(nest);
	return fits ? feed.builder : NULL;
}

static bool
write_to_file(void *fd, const void *bytes, size_t n)
{
	return layer_file_write(*(int *) fd, bytes, n);
}

/* Share an image by its file, which is closed then; false where it cannot be. */
static bool
share(CoverageBuilder *builder, const LayerImageKey *key, volatile int *fd)
{
	int			file = *fd;

	if (file < 0 || !coverage_write(builder, write_to_file, &file))
		return false;
	*fd = -1;
	return layer_file_publish(file, key);
}

/* Keep an image that has no file in memory of our own. */
static LayerImage *
keep_private(const LayerImageKey *key, CoverageBuilder *builder, Size bytes)
{
	Coverage   *own = coverage_image(builder, MemoryContextAllocHuge(TopMemoryContext, bytes));

	return &add_image(key, own, bytes, false)->image;
}

/* Build the image of a key and share it; NULL, and the layer refused, where there can be none. */
static LayerImage *
build_and_share(KeptLayer *kept, const LayerImageKey *key, int file)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "gridtree layer image", ALLOCSET_DEFAULT_SIZES);
	LayerImage *volatile image = NULL;
	volatile int fd = file;

	PG_TRY();
	{
		CoverageBuilder *builder = collect(kept, context);
		Size		bytes = builder ? coverage_build(builder, most_bytes()) : 0;

		if (bytes == 0)
			kept->refused_at = layer_cache;
		else if (share(builder, key, &fd))
			image = find_image(key);
		if (bytes > 0 && image == NULL)
			image = keep_private(key, builder, bytes);
	}
	PG_FINALLY();
	{
		if (fd >= 0)
			layer_file_abandon(fd, key);
	}
	PG_END_TRY();
	MemoryContextDelete(context);
	return image;
}

/* Build the image that a memo wants, unless another backend is building it. */
static LayerImage *
build_wanted(KeptLayer *kept)
{
	LayerImageKey key = key_of(kept, &kept->memo.version);
	LayerImage *image = find_image(&key);
	int			fd;

	if (image)
		return image;
	fd = layer_file_begin(&key);
	if (fd == LAYER_FILE_BUSY)
		return NULL;
	return build_and_share(kept, &key, fd);
}

/* --- what the statement may use --- */

/* Is the memo of this user and of a snapshot that is alike? */
static inline bool
memo_holds(const LayerMemo *memo, Snapshot snapshot)
{
	return memo->generation == layer_generation() &&
		memo->statement == GetCurrentStatementStartTimestamp() &&
		memo->user == GetUserId() &&
		memo->xmin == snapshot->xmin && memo->xmax == snapshot->xmax &&
		memo->curcid == snapshot->curcid && memo->suboverflowed == snapshot->suboverflowed &&
		memo->xcnt == snapshot->xcnt && memo->subxcnt == snapshot->subxcnt &&
		(memo->xcnt == 0 || memcmp(memo->xids, snapshot->xip, memo->xcnt * sizeof(TransactionId)) == 0) &&
		(memo->subxcnt <= 0 || memcmp(memo->xids + memo->xcnt, snapshot->subxip,
									  (Size) memo->subxcnt * sizeof(TransactionId)) == 0);
}

static void
memo_set(LayerMemo *memo, Snapshot snapshot, uint64 generation)
{
	uint32		subxcnt = (uint32) Max(snapshot->subxcnt, 0);
	uint32		needed = snapshot->xcnt + subxcnt;

	memo->generation = 0;		/* until all is in place */
	if (needed > memo->room)
	{
		if (memo->xids)
			pfree(memo->xids);
		memo->xids = NULL;
		memo->room = 0;
		memo->xids = MemoryContextAlloc(TopMemoryContext, needed * sizeof(TransactionId));
		memo->room = needed;
	}
	if (snapshot->xcnt > 0)
		memcpy(memo->xids, snapshot->xip, snapshot->xcnt * sizeof(TransactionId));
	if (subxcnt > 0)
		memcpy(memo->xids + snapshot->xcnt, snapshot->subxip, subxcnt * sizeof(TransactionId));
	memo->statement = GetCurrentStatementStartTimestamp();
	memo->user = GetUserId();
	memo->xmin = snapshot->xmin;
	memo->xmax = snapshot->xmax;
	memo->curcid = snapshot->curcid;
	memo->suboverflowed = snapshot->suboverflowed;
	memo->xcnt = snapshot->xcnt;
	memo->subxcnt = snapshot->subxcnt;
	memo->generation = generation;
}

/* May the current user read all of the layer's table? */
static bool
may_read_all(const KeptLayer *kept)
{
	return pg_class_aclcheck(kept->relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(kept->relation, InvalidOid, true) != RLS_ENABLED;
}

/* Blocks of a table, with what is out of line. */
static double
blocks_of(Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	double		blocks = 0;
	Oid			toast = rel->rd_rel->reltoastrelid;

	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		blocks = RelationGetNumberOfBlocks(rel);
	table_close(rel, AccessShareLock);
	if (OidIsValid(toast))
		blocks += blocks_of(toast);
	return blocks;
}

/* Begin to count what the rule's own SQL takes for a version that has no image. */
static void
begin_counting(KeptLayer *kept, const LayerVersion *version)
{
	ListCell   *cell;
	double		blocks = 0;

	if (kept->counting && kept->counted.count == version->count && kept->counted.newest == version->newest &&
		kept->counted.total == version->total)
		return;
	foreach(cell, find_all_inheritors(kept->relation, AccessShareLock, NULL))
		blocks += blocks_of(lfirst_oid(cell));
	kept->counted = *version;
	kept->counting = true;
	kept->refused_at = -1;
	kept->spent = 0;
	kept->allowed = blocks / BLOCKS_PER_MILLISECOND + LEAST_MILLISECONDS;
}

/* Find out what may answer under a snapshot, and remember it. */
static void
find_out(KeptLayer *kept, Snapshot snapshot)
{
	LayerMemo  *memo = &kept->memo;
	uint64		generation;
	LayerVersion version;

	/* A statement that names no table has not heard yet of a REVOKE. */
	AcceptInvalidationMessages();
	if (!kept->fresh)
		kept = layer_kept(kept->name);
	generation = layer_generation();	/* what arrives from here on ends the memo */

	memo->generation = 0;
	memo->image = NULL;
	memo->wanted = false;
	memo->has_last = false;
	memo->same_for_all = may_read_all(kept);
	if (layer_cache > 0 && kept->permanent && snapshot->snapshot_type == SNAPSHOT_MVCC && memo->same_for_all)
	{
		layer_version_read(kept->relation, snapshot, &version);
		if (!version.own && version.count > 0)
		{
			LayerImageKey key = key_of(kept, &version);

			memo->image = find_image(&key);
			memo->version = version;
			if (memo->image == NULL)
			{
				begin_counting(kept, &version);
				memo->wanted = layer_cache > kept->refused_at;
			}
		}
	}
	memo_set(memo, snapshot, generation);
}

const LayerImage *
layer_image(KeptLayer *kept)
{
	Snapshot	snapshot = GetActiveSnapshot();

	if (!memo_holds(&kept->memo, snapshot))
		find_out(kept, snapshot);
	return kept->memo.image;
}

static const LayerImage *
build_for_memo(KeptLayer *kept)
{
	LayerImage *image = build_wanted(kept);

	kept->memo.wanted = layer_cache > kept->refused_at;
	kept->spent = 0;
	if (image == NULL)
		return NULL;
	kept->memo.generation = 0;	/* it does not know of the image */
	return layer_image(kept);
}

void
layer_image_charge(KeptLayer *kept, double spent)
{
	if (!kept->memo.wanted || !memo_holds(&kept->memo, GetActiveSnapshot()))
		return;
	kept->spent += spent;
	if (kept->spent >= kept->allowed)
		(void) build_for_memo(kept);
}

const LayerImage *
layer_image_make(KeptLayer *kept)
{
	const LayerImage *image = layer_image(kept);

	if (image == NULL && kept->memo.wanted)
		image = build_for_memo(kept);
	return image;
}
