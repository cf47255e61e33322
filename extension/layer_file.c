/*
 * layer_file.c
 *	  Images of layers as files that all backends map.
 *
 * They are temporary files in every sense: they lie where PostgreSQL keeps its
 * own and carry its prefix, so that it removes them at every start, base backups
 * and checksums leave them out, and they need no server setting.  The name says
 * which image it is, and a file appears under it by rename, whole or not at all.
 * A mapping outlives the removal of its file.
 *
 *	  Where they would outlive a crash there are none: a transaction that was
 *	  lost in it gives its number, and so a version, to another.
 *
 * PROTOCOL
 *	  Who wants to make a file opens NAME.new and locks it with flock, which ends
 *	  with the process; who finds it locked leaves it to the other.  The holder
 *	  writes and renames to NAME.  A file may be removed at any time, if it is not
 *	  locked: at worst an image is made again.
 */
#include "postgres.h"

#include "layer_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/dbcommands.h"
#include "common/file_utils.h"
#include "common/string.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"

#define FOLDER		"base/" PG_TEMP_FILES_DIR
#define PREFIX		PG_TEMP_FILE_PREFIX "_gridtree."
#define NEW			".new"

/* Bytes that are written between two looks for interrupts. */
#define MOST_AT_ONCE	((Size) 8 * 1024 * 1024)

static void
path_of(char *path, const LayerImageKey *key, const char *suffix)
{
	snprintf(path, MAXPGPATH, FOLDER "/" PREFIX "%u.%u." UINT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT "." UINT64_FORMAT "%s",
			 MyDatabaseId, key->relation, key->definition, key->version.count, key->version.newest, key->version.total,
			 key->storage, suffix);
}

/* Of which database and image a file is by its name; false where it is no image. */
static bool
parse_name(const char *name, Oid *database, LayerImageKey *key)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
		sscanf(name + strlen(PREFIX), "%u.%u." UINT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT "." UINT64_FORMAT,
			   database, &key->relation, &key->definition, &key->version.count, &key->version.newest, &key->version.total,
			   &key->storage) == 7;
}

const Coverage *
layer_file_map(const LayerImageKey *key, Size *bytes)
{
	char		path[MAXPGPATH];
	struct stat status;
	void	   *image = MAP_FAILED;
	int			fd;

	if (!remove_temp_files_after_crash)
		return NULL;
	path_of(path, key, "");
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && status.st_size > 0)
	{
		*bytes = (Size) status.st_size;
		image = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	}
	CloseTransientFile(fd);
	if (image == MAP_FAILED)
		return NULL;
	if (!coverage_is_image(image, *bytes))	/* made by another version of this library */
	{
		munmap(image, *bytes);
		return NULL;
	}
	return image;
}

void
layer_file_unmap(const Coverage *image, Size bytes)
{
	munmap(unconstify(Coverage *, image), bytes);
}

/* The file may have been renamed by its maker between our opening and locking it. */
static bool
is_still_there(int fd, const char *path)
{
	struct stat opened;
	struct stat named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int
layer_file_begin(const LayerImageKey *key)
{
	char		path[MAXPGPATH];
	int			fd;

	if (!remove_temp_files_after_crash)
		return LAYER_FILE_NONE;
	path_of(path, key, NEW);
	fd = OpenTransientFile(path, O_RDWR | O_CREAT | PG_BINARY);
	if (fd < 0 && errno == ENOENT)
	{
		(void) MakePGDirectory(FOLDER);
		fd = OpenTransientFile(path, O_RDWR | O_CREAT | PG_BINARY);
	}
	if (fd < 0)
	{
		ereport(DEBUG1,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", path)));
		return LAYER_FILE_NONE;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_still_there(fd, path))
	{
		CloseTransientFile(fd);
		return LAYER_FILE_BUSY;
	}
	if (ftruncate(fd, 0) != 0)	/* of one that died at it */
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not truncate file \"%s\": %m", path)));
		layer_file_abandon(fd, key);
		return LAYER_FILE_NONE;
	}
	return fd;
}

bool
layer_file_write(int fd, const void *bytes, Size n)
{
	const char *at = bytes;

	while (n > 0)
	{
		ssize_t		written;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		written = write(fd, at, Min(n, MOST_AT_ONCE));
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			/* if write didn't set errno, assume problem is no disk space */
			if (errno == 0)
				errno = ENOSPC;
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not write an image of a layer: %m")));
			return false;
		}
		at += written;
		n -= (Size) written;
	}
	return true;
}

bool
layer_file_publish(int fd, const LayerImageKey *key)
{
	char		path[MAXPGPATH];
	char		made[MAXPGPATH];

	path_of(made, key, NEW);
	path_of(path, key, "");
	if (rename(made, path) != 0)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not rename file \"%s\" to \"%s\": %m", made, path)));
		layer_file_abandon(fd, key);
		return false;
	}
	CloseTransientFile(fd);
	return true;
}

void
layer_file_abandon(int fd, const LayerImageKey *key)
{
	char		made[MAXPGPATH];

	path_of(made, key, NEW);
	(void) unlink(made);
	CloseTransientFile(fd);
}

/* Remove a file, unless somebody is making it. */
static void
remove_file(const char *path)
{
	bool		made = pg_str_endswith(path, NEW);
	int			fd = made ? OpenTransientFile(path, O_RDWR | PG_BINARY) : -1;

	if (!made || (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0))
		(void) unlink(path);	/* another backend may have been faster */
	if (fd >= 0)
		CloseTransientFile(fd);
}

void
layer_file_sweep(bool (*is_wanted) (void *arg, const LayerImageKey *key), void *arg)
{
	DIR		   *folder = AllocateDir(FOLDER);
	struct dirent *entry;

	if (folder == NULL)			/* nobody has made a file yet */
		return;
	while ((entry = ReadDirExtended(folder, FOLDER, LOG)) != NULL)
	{
		char		path[MAXPGPATH];
		LayerImageKey key;
		Oid			database;

		if (!parse_name(entry->d_name, &database, &key) ||
			(database == MyDatabaseId ? is_wanted(arg, &key) : get_database_name(database) != NULL))
			continue;
		snprintf(path, MAXPGPATH, FOLDER "/%s", entry->d_name);
		remove_file(path);
	}
	FreeDir(folder);
}
