/* Writer of initramfs archives by libarchive; see newc.h. */
#include "host-tools/lib/newc.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

struct newc {
	struct archive *archive;
	char *file; /* name, for messages */
	time_t mtime;
	int64_t ino; /* of the last entry */
};

/* What libarchive says; its errno is positive, or its own code below 0 where there is none. */
static int newc_error(struct newc *n, const char *path)
{
	int err = archive_errno(n->archive);
	const char *why = archive_error_string(n->archive);

	log_err(0, "cannot write '%s' into '%s': %s", path, n->file, why ? why : "no memory");
	return err > 0 ? -err : -EIO;
}

int newc_create(struct newc **out, const char *file, time_t mtime)
{
	struct newc *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return log_err(-ENOMEM, "cannot write '%s'", file);
	n->mtime = mtime;
	n->file = strdup(file);
	n->archive = archive_write_new();
	if (!n->file || !n->archive) {
		err = log_err(-ENOMEM, "cannot write '%s'", file);
	} else if (archive_write_set_format_cpio_newc(n->archive) != ARCHIVE_OK ||
		   archive_write_set_bytes_in_last_block(n->archive, 512) != ARCHIVE_OK ||
		   archive_write_open_filename(n->archive, file) != ARCHIVE_OK) {
		err = newc_error(n, "its header");
	} else {
		*out = n;
		return 0;
	}
	archive_write_free(n->archive);
	free(n->file);
	free(n);
	return err;
}

static struct archive_entry *newc_entry(struct newc *n, const char *path, mode_t mode)
{
	struct archive_entry *e = archive_entry_new();

	if (!e)
		return NULL;
	archive_entry_copy_pathname(e, path);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, 0);
	archive_entry_set_mtime(e, n->mtime, 0);
	archive_entry_set_ino64(e, ++n->ino);
	archive_entry_set_nlink(e, S_ISDIR(mode) ? 2 : 1);
	return e;
}

/* Writes and frees e (NULL: out of memory), then the data. */
static int newc_put(struct newc *n, struct archive_entry *e, const char *path, const void *data,
		    size_t len)
{
	int r;

	if (!e)
		return log_err(-ENOMEM, "cannot write '%s' into '%s'", path, n->file);
	archive_entry_set_size(e, (la_int64_t)len);
	r = archive_write_header(n->archive, e);
	archive_entry_free(e);
	if (r != ARCHIVE_OK ||
	    (len && archive_write_data(n->archive, data, len) != (la_ssize_t)len))
		return newc_error(n, path);
	return 0;
}

int newc_dir(struct newc *n, const char *path, mode_t mode)
{
	return newc_put(n, newc_entry(n, path, S_IFDIR | mode), path, NULL, 0);
}

int newc_data(struct newc *n, const char *path, mode_t mode, const void *data, size_t len)
{
	return newc_put(n, newc_entry(n, path, S_IFREG | mode), path, data, len);
}

int newc_file(struct newc *n, const char *path, mode_t mode, const char *source)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int err = file_read(source, (size_t)1 << 30, &data, &len);

	if (err)
		return log_err(err, "cannot read '%s'", source);
	return newc_data(n, path, mode, data, len);
}

int newc_link(struct newc *n, const char *path, const char *target)
{
	struct archive_entry *e = newc_entry(n, path, S_IFLNK | 0777);

	if (e)
		archive_entry_copy_symlink(e, target);
	return newc_put(n, e, path, NULL, 0);
}

int newc_node(struct newc *n, const char *path, mode_t mode, unsigned int major, unsigned int minor)
{
	struct archive_entry *e = newc_entry(n, path, mode);

	if (e) {
		archive_entry_set_rdevmajor(e, major);
		archive_entry_set_rdevminor(e, minor);
	}
	return newc_put(n, e, path, NULL, 0);
}

int newc_close(struct newc *n)
{
	int err = 0;

	if (archive_write_close(n->archive) != ARCHIVE_OK)
		err = newc_error(n, "its end");
	archive_write_free(n->archive);
	free(n->file);
	free(n);
	return err;
}
