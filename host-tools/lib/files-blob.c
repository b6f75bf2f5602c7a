/* See files-blob.h. The same content gives the same bytes, so that a second setup finds nothing to
 * do. */
#include "host-tools/lib/files-blob.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define BLOCK ((size_t)64 << 10)

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int write_failed(struct archive *a, const char *path)
{
	int err = archive_errno(a);

	return log_err(err > 0 ? -err : -EIO, "cannot pack '%s'", path);
}

/* Exactly size bytes, or the file changed while it was read. */
static int copy_data(struct archive *a, const char *path, const char *shown, int64_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char buf[BLOCK];
	int64_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return log_err(-errno, "cannot read '%s'", shown);
	while (done < size && (n = read(fd, buf, sizeof(buf))) > 0) {
		if (n > size - done)
			n = (ssize_t)(size - done);
		if (archive_write_data(a, buf, (size_t)n) != n)
			return write_failed(a, shown);
		done += n;
	}
	if (n < 0)
		return log_err(-errno, "cannot read '%s'", shown);
	return done == size ? 0 : log_err(-EAGAIN, "'%s' became shorter while it was read", shown);
}

static int fill_entry(struct archive_entry *e, const FTSENT *f, const char *name)
{
	const struct stat *st = f->fts_statp;
	char target[PATH_MAX];
	ssize_t n;

	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, st->st_mode);
	archive_entry_set_uname(e, "root");
	archive_entry_set_gname(e, "root");
	archive_entry_set_mtime(e, st->st_mtime, 0);
	if (S_ISREG(st->st_mode))
		archive_entry_set_size(e, st->st_size);
	if (!S_ISLNK(st->st_mode))
		return 0;
	n = readlink(f->fts_accpath, target, sizeof(target) - 1);
	if (n < 0)
		return log_err(-errno, "cannot read the link '%s'", f->fts_path);
	target[n] = '\0';
	archive_entry_set_symlink(e, target);
	return 0;
}

static int pack_one(struct archive *a, const FTSENT *f, const char *name)
{
	struct archive_entry *e = archive_entry_new();
	int ret = e ? fill_entry(e, f, name) : -ENOMEM;

	if (!ret && archive_write_header(a, e))
		ret = write_failed(a, f->fts_path);
	if (!ret && S_ISREG(f->fts_statp->st_mode))
		ret = copy_data(a, f->fts_accpath, f->fts_path, f->fts_statp->st_size);
	archive_entry_free(e);
	return ret;
}

static int pack_tree(struct archive *a, const char *folder)
{
	char *paths[] = {(char *)folder, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *f;
	int ret = 0;

	if (!tree)
		return log_err(-errno, "cannot read '%s'", folder);
	while (!ret && (f = fts_read(tree))) {
		if (f->fts_level == 0 && f->fts_info == FTS_D)
			continue;
		if (f->fts_info == FTS_F || f->fts_info == FTS_D || f->fts_info == FTS_SL ||
		    f->fts_info == FTS_SLNONE)
			ret = pack_one(a, f, f->fts_path + strlen(folder) + 1);
		else if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS)
			ret = log_err(-f->fts_errno, "cannot read '%s'", f->fts_path);
		else if (f->fts_info != FTS_DP)
			ret = log_err(0, "'%s' is no file, folder or symbolic link", f->fts_path);
	}
	fts_close(tree);
	return ret;
}

int files_pack(const char *folder, const char *out)
{
	struct archive *a = archive_write_new();
	int ret = 0;

	if (!a)
		return -ENOMEM;
	if (archive_write_set_format_pax_restricted(a) || archive_write_add_filter_zstd(a) ||
	    archive_write_open_filename(a, out))
		ret = write_failed(a, out);
	if (!ret)
		ret = pack_tree(a, folder);
	if (archive_write_close(a) && !ret)
		ret = write_failed(a, out);
	archive_write_free(a);
	return ret;
}
