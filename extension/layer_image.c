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
 *	  layer, the snapshot is older than the layer, a row-level policy applies to
 *	  the user, or the user may not SELECT the whole table (who may read the
 *	  columns is found out by the query).
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
#include "storage/lmgr.h"
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

/* --- images this backend has --- */

static Size
most_bytes(void)
{
	return (Size) layer_cache * 1024;
}

static void
drop_image(CachedImage *cached)
{
	dlist_delete(&cached->node);
	if (cached->mapped)
		layer_file_unmap(cached->image.coverage, cached->bytes);
	else
		pfree(unconstify(Coverage *, cached->image.coverage));
	if (cached->image.scratch)
		pfree(cached->image.scratch);
	pfree(cached);
	layer_forget_memos();
}

/* Drop what was used least, down to a bound. */
static void
shrink_to(Size most)
{
	dlist_mutable_iter iter;
	Size		total = 0;

	dlist_foreach_modify(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);
		Size		bytes = cached->bytes + coverage_scratch_size(cached->image.coverage);

		if (total + bytes > most)
			drop_image(cached);
		else
			total += bytes;
	}
}

static void
drop_images_of(uint64 definition)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);

		if (cached->key.definition == definition)
			drop_image(cached);
	}
}

/* Images over the new bound go at once; also, what a memo says depends on it. */
static void
cache_changed(int kilobytes, void *extra pg_attribute_unused())
{
	shrink_to((Size) kilobytes * 1024);
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

/* The image, used last of all. */
static LayerImage *
use_image(CachedImage *cached)
{
	if (cached->image.scratch == NULL)
		cached->image.scratch = MemoryContextAllocHuge(TopMemoryContext, coverage_scratch_size(cached->image.coverage));
	dlist_move_head(&images, &cached->node);
	return &cached->image;
}

/* Add an image in place of those of other versions. */
static LayerImage *
add_image(const LayerImageKey *key, const Coverage *coverage, Size bytes, bool mapped)
{
	Size		needed = bytes + coverage_scratch_size(coverage);
	CachedImage *cached;

	drop_images_of(key->definition);
	shrink_to(most_bytes() > needed ? most_bytes() - needed : 0);
	cached = MemoryContextAllocZero(TopMemoryContext, sizeof(CachedImage));
	cached->image.coverage = coverage;
	cached->key = *key;
	cached->bytes = bytes;
	cached->mapped = mapped;
	dlist_push_head(&images, &cached->node);
	return use_image(cached);
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

/*
 * The image of a key, if this backend has it or another has made its file;
 * *too_large where there is a file that may not be mapped.
 */
static LayerImage *
find_image(const LayerImageKey *key, bool *too_large)
{
	dlist_iter	iter;
	const Coverage *coverage;
	Size		bytes;

	dlist_foreach(iter, &images)
	{
		CachedImage *cached = dlist_container(CachedImage, node, iter.cur);

		if (same_key(&cached->key, key))
			return use_image(cached);
	}
	coverage = layer_file_map(key, &bytes);
	*too_large = coverage && bytes > most_bytes();
	if (*too_large)
		layer_file_unmap(coverage, bytes);
	return coverage && !*too_large ? add_image(key, coverage, bytes, true) : NULL;
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
	return geometry_head(geometry).srid == kept->srid && geometry_rings(geometry, feed_ring, feed) &&
		coverage_fits(feed->builder);
}

static char *
rows_query(const Layer *layer)
{
	const char *geom = quote_identifier(NameStr(layer->geom_column));

	return psprintf("SELECT %s, %s %s AND %s IS NOT NULL", quote_identifier(NameStr(layer->code_column)),
					geom, layer_rows_clause(layer), geom);
}

/* Add the rows that a fetch brought. */
static bool
feed_fetched(Feed *feed, const KeptLayer *kept, MemoryContext row_context)
{
	MemoryContext outer = MemoryContextSwitchTo(row_context);
	bool		fits = true;

	for (uint64 i = 0; fits && i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fits = feed_row(feed, kept, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(outer);
	return fits;
}

/* Read the layer's polygons under the active snapshot, as the rule's own SQL would. */
static bool
feed_rows(Feed *feed, const KeptLayer *kept, MemoryContext context)
{
	MemoryContext row_context = AllocSetContextCreate(context, "gridtree layer row", ALLOCSET_DEFAULT_SIZES);
	Layer	   *layer = layer_read(kept->name);
	Portal		portal;
	uint64		fetched;
	bool		fits;

	if (layer == NULL)
		layer_unknown(kept->name);
	portal = SPI_cursor_open_with_args(NULL, rows_query(layer), 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	do
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		fetched = SPI_processed;
		fits = feed_fetched(feed, kept, row_context);
		SPI_freetuptable(SPI_tuptable);
	} while (fits && fetched > 0);
	SPI_cursor_close(portal);
	return fits;
}

/* A builder with the layer's polygons; NULL where it has something that an image cannot hold. */
static CoverageBuilder *
collect(const KeptLayer *kept, MemoryContext context)
{
	CoverageHost host = {host_alloc, host_resize, host_free, host_pause, context};
	Feed		feed = {coverage_begin(&host, most_bytes()), 0};
	ErrorContextCallback errors;
	int			nest = safe_search_path_begin();
	bool		fits;

	layer_name_in_errors(&errors, kept->name);
	SPI_connect();
	fits = feed_rows(&feed, kept, context);
	SPI_finish();
	error_context_stack = errors.previous;
	safe_search_path_end(nest);
	return fits ? feed.builder : NULL;
}

/* Which files are wanted: the newest one, as far as is known, of each layer that there is. */
typedef struct Wanted
{
	const LayerImageKey *published;	/* NULL where there is none */
	List	   *layers;
} Wanted;

static bool
is_wanted(void *arg, const LayerImageKey *key)
{
	Wanted	   *wanted = arg;
	const LayerImageKey *published = wanted->published;
	ListCell   *cell;

	if (published && key->definition == published->definition)
		return key->version.count > published->version.count ||
			(key->version.count == published->version.count && key->storage == published->storage);
	foreach(cell, wanted->layers)
		if (layer_definition(lfirst(cell)) == key->definition)
			return true;
	return false;
}

static void
sweep(const LayerImageKey *published)
{
	Wanted		wanted = {published, layer_read_all()};

	layer_file_sweep(is_wanted, &wanted);
}

void
layer_image_sweep(void)
{
	sweep(NULL);
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
	if (!layer_file_publish(file, key))
		return false;
	sweep(key);
	return true;
}

/* Keep an image that has no file in memory of our own. */
static LayerImage *
keep_private(const LayerImageKey *key, CoverageBuilder *builder, Size bytes)
{
	Coverage   *own = coverage_image(builder, MemoryContextAllocHuge(TopMemoryContext, bytes));

	return add_image(key, own, bytes, false);
}

/* Build the image of a key and share it; NULL, and the layer refused, where there can be none. */
static LayerImage *
build_and_share(KeptLayer *kept, const LayerImageKey *key, MemoryContext context, volatile int *fd)
{
	CoverageBuilder *builder = collect(kept, context);
	Size		bytes = builder ? coverage_build(builder) : 0;
	LayerImage *image = NULL;
	bool		too_large;

	if (bytes == 0)
	{
		kept->refused_at = layer_cache;
		return NULL;
	}
	if (share(builder, key, fd))
		image = find_image(key, &too_large);
	return image ? image : keep_private(key, builder, bytes);
}

/* Could the same be done a little later without an error? */
static bool
may_pass(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES ||
		sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * Build in memory of its own.  An error that would come again, such as of a
 * filter that cannot take one of the rows, is met but once.
 */
static LayerImage *
build(KeptLayer *kept, const LayerImageKey *key, int file)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "gridtree layer image", ALLOCSET_DEFAULT_SIZES);
	LayerImage *volatile image = NULL;
	volatile int fd = file;

	layer_hold();
	PG_TRY();
	{
		image = build_and_share(kept, key, context, &fd);
	}
	PG_CATCH();
	{
		if (!may_pass(geterrcode()))
			kept->refused_at = layer_cache;
		layer_release();
		if (fd >= 0)
			layer_file_abandon(fd, key);
		PG_RE_THROW();
	}
	PG_END_TRY();
	layer_release();
	if (fd >= 0)
		layer_file_abandon(fd, key);
	MemoryContextDelete(context);
	return image;
}

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

/*
 * Build the image that a memo wants, unless another backend is building it, or
 * the layer was changed before we had a lock.
 */
static LayerImage *
build_wanted(KeptLayer *kept)
{
	LayerImageKey key = key_of(kept, &kept->memo.version);
	LayerImage *image;
	bool		too_large;
	int			fd;

	LockRelationOid(key.relation, AccessShareLock);
	if (!memo_holds(&kept->memo, GetActiveSnapshot()))
		return NULL;
	image = find_image(&key, &too_large);
	if (image)
		return image;
	fd = layer_file_begin(&key);
	if (fd == LAYER_FILE_BUSY)
		return NULL;
	return build(kept, &key, fd);
}

/* --- what the statement may use --- */

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
			bool		too_large;

			memo->image = find_image(&key, &too_large);
			memo->version = version;
			if (memo->image == NULL)
			{
				begin_counting(kept, &version);
				if (too_large)
					kept->refused_at = layer_cache;
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
	LayerImage *image;

	/* Should it end in an error, the next attempt is later. */
	kept->spent = 0;
	kept->allowed *= 2;
	image = build_wanted(kept);
	kept->allowed /= 2;
	kept->memo.wanted = layer_cache > kept->refused_at;
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

	/* The layer may have been changed while we waited for its table. */
	if (!memo_holds(&kept->memo, GetActiveSnapshot()))
		image = layer_image(kept);
	if (image == NULL && kept->memo.wanted)
		image = build_for_memo(kept);
	return image;
}
