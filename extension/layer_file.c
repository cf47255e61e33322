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
 *	  writes, renames to NAME, and removes the files of older versions.
 */
#include "postgres.h"

#include "layer_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_utils.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"

#define FOLDER		"base/" PG_TEMP_FILES_DIR
#define NEW			".new"

/* The beginning of the names of all versions of a layer's image, without the folder. */
static void
name_of_layer(char *name, const LayerImageKey *key)
{
	snprintf(name, MAXPGPATH, "%s_gridtree.%u.%u." UINT64_FORMAT ".", PG_TEMP_FILE_PREFIX,
			 MyDatabaseId, key->relation, key->definition);
}

static void
path_of(char *path, const LayerImageKey *key, const char *suffix)
{
	char		name[MAXPGPATH];

	name_of_layer(name, key);
	snprintf(path, MAXPGPATH, "%s/%s" INT64_FORMAT "." INT64_FORMAT "." INT64_FORMAT "." UINT64_FORMAT "%s", FOLDER, name,
			 key->version.count, key->version.newest, key->version.total, key->storage, suffix);
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
	return fd;
}

/* Remove the files of versions of the same layer that are older. */
static void
remove_older(const LayerImageKey *key)
{
	char		prefix[MAXPGPATH];
	DIR		   *folder = AllocateDir(FOLDER);
	struct dirent *entry;

	name_of_layer(prefix, key);
	while ((entry = ReadDirExtended(folder, FOLDER, LOG)) != NULL)
	{
		const char *version = entry->d_name + strlen(prefix);
		char		path[MAXPGPATH];

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
			strtoll(version, NULL, 10) >= key->version.count)
			continue;
		snprintf(path, MAXPGPATH, "%s/%s", FOLDER, entry->d_name);
		(void) unlink(path);	/* another backend may have been faster */
	}
	FreeDir(folder);
}

/* Room is taken first: a page that the disk has no room for would end the process. */
void *
layer_file_room(int fd, Size bytes)
{
	void	   *room = MAP_FAILED;

	if (ftruncate(fd, 0) == 0)
	{
		errno = posix_fallocate(fd, 0, (off_t) bytes);
		if (errno == 0)
			room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (room == MAP_FAILED)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not make room for an image of %zu bytes: %m", bytes)));
		return NULL;
	}
	return room;
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
	remove_older(key);
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
