/* See store.h. Blobs are entered by hard links, so that a name can be given to new content while
 * the old is still being fetched. */
#include "host-tools/lib/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <blake3.h>

#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static const char *const formats[] = {"tar.zst", "tar.xz", "tar.gz"};

__attribute__((format(printf, 2, 3))) static int path_set(char out[PATH_MAX], const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, PATH_MAX - 8, fmt, ap); /* 8: for suffixes like ".blob" */
	va_end(ap);
	return n < 0 || n >= PATH_MAX - 8 ? -ENAMETOOLONG : 0;
}

static int manifest_read_file(const char *manifest, struct store_blob *out)
{
	struct blob_manifest m;
	int ret = blob_manifest_load(&m, manifest);

	if (ret)
		return ret;
	memcpy(out->root, m.root, sizeof(out->root));
	out->bytes = m.length;
	blob_manifest_free(&m);
	return 0;
}

/* "PATH.blob" */
static int manifest_read(const char *path, struct store_blob *out)
{
	char manifest[PATH_MAX + 8];

	snprintf(manifest, sizeof(manifest), "%s.blob", path);
	return manifest_read_file(manifest, out);
}

int store_dataset_path(const char *state_dir, const char *name, char out[PATH_MAX])
{
	return path_set(out, "%s/datasets/%s.blob", state_dir, name);
}

int store_dataset(const char *state_dir, const char *name, struct store_blob *out)
{
	char path[PATH_MAX];
	int ret = store_dataset_path(state_dir, name, path);

	out->format = NULL;
	return ret ? ret : manifest_read_file(path, out);
}

int store_base_path(const char *state_dir, const char *name, const char *format, char out[PATH_MAX])
{
	return path_set(out, "%s/bases/%s.%s", state_dir, name, format);
}

int store_base(const char *state_dir, const char *name, struct store_blob *out)
{
	char path[PATH_MAX];
	int ret = -ENOENT;

	for (size_t i = 0; ret == -ENOENT && i < ARRAY_SIZE(formats); i++) {
		ret = store_base_path(state_dir, name, formats[i], path);
		if (!ret)
			ret = manifest_read(path, out);
		out->format = formats[i];
	}
	return ret;
}

int store_listing_path(const char *state_dir, const char *base, char out[PATH_MAX])
{
	return path_set(out, "%s/bases/%s.listing", state_dir, base);
}

int store_listing(const char *state_dir, const char *base, struct store_blob *out)
{
	char path[PATH_MAX];
	int ret = store_listing_path(state_dir, base, path);

	out->format = NULL;
	return ret ? ret : manifest_read(path, out);
}

int store_drop_other_formats(const char *state_dir, const char *name, const char *format)
{
	char path[PATH_MAX], manifest[PATH_MAX + 8];
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i], format))
			continue;
		ret = store_base_path(state_dir, name, formats[i], path);
		snprintf(manifest, sizeof(manifest), "%s.blob", path);
		if (!ret &&
		    ((unlink(manifest) && errno != ENOENT) || (unlink(path) && errno != ENOENT)))
			ret = -errno;
	}
	return ret;
}

int store_files_path(const char *state_dir, const char *folder, const char *class,
		     char out[PATH_MAX])
{
	blake3_hasher h;
	uint8_t hash[8];
	char id[2 * sizeof(hash) + 1];

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, folder, strlen(folder));
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	str_to_hex(hash, sizeof(hash), id);
	return path_set(out, "%s/files/%s/%s.tar.zst", state_dir, id, class);
}

int store_files(const char *state_dir, const char *folder, const char *class,
		struct store_blob *out)
{
	char path[PATH_MAX];
	int ret = store_files_path(state_dir, folder, class, path);

	out->format = formats[0];
	return ret ? ret : manifest_read(path, out);
}

/* The blob is complete under its root before anything names it. */
static int enter(const char *state_dir, const char *tmp, const char *path,
		 const struct blob_manifest *m)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char blob[PATH_MAX], manifest[PATH_MAX + 8], own[PATH_MAX + 8];
	int ret = path_set(blob, "%s/blobs/%s", state_dir, m->root);

	if (ret)
		return ret;
	snprintf(manifest, sizeof(manifest), "%s.blob", blob);
	snprintf(own, sizeof(own), "%s.blob", path);
	ret = blob_manifest_write(m, &text);
	if (ret)
		return ret;
	unlink(blob); /* what lies there may be damaged, and a reader keeps what it has open */
	if (link(tmp, blob))
		return -errno;
	ret = file_update(manifest, text.buf, text.len, 0644);
	if (ret < 0)
		return ret;
	if (rename(tmp, path))
		return -errno;
	ret = file_update(own, text.buf, text.len, 0644);
	return ret < 0 ? ret : 0;
}

static int make_private(const char *dir, mode_t mode)
{
	int ret = mkdir_path(dir, mode);

	return ret ? ret : chmod(dir, mode) ? -errno : 0;
}

int store_make_files(const char *state_dir)
{
	char dir[PATH_MAX];
	int ret = path_set(dir, "%s/files", state_dir);

	return ret ? ret : make_private(dir, 0700);
}

static int make_parents(const char *state_dir, const char *path)
{
	char dir[PATH_MAX];
	int ret = path_set(dir, "%s/blobs", state_dir);

	if (!ret)
		ret = make_private(dir, 0711);
	if (!ret)
		ret = path_set(dir, "%.*s", (int)(strrchr(path, '/') - path), path);
	return ret ? ret : mkdir_path(dir, 0755);
}

static int put(const char *state_dir, const char *tmp, const char *path, struct store_blob *out)
{
	_cleanup_close_ int fd = open(tmp, O_RDONLY | O_CLOEXEC);
	struct store_blob old;
	struct blob_manifest m = {0};
	char blob[PATH_MAX];
	int ret = fd < 0 ? -errno : blob_manifest_make(&m, fd);

	if (ret)
		return ret;
	memcpy(out->root, m.root, sizeof(out->root));
	out->bytes = m.length;
	ret = path_set(blob, "%s/blobs/%s", state_dir, m.root);
	if (!ret && !manifest_read(path, &old) && !strcmp(old.root, m.root) &&
	    !access(path, F_OK) && !access(blob, F_OK)) {
		blob_manifest_free(&m);
		return 0;
	}
	if (!ret && (fchmod(fd, 0644) || fsync(fd)))
		ret = -errno;
	if (!ret)
		ret = enter(state_dir, tmp, path, &m);
	blob_manifest_free(&m);
	return ret ? ret : 1;
}

int store_put(const char *state_dir, const char *tmp, const char *path, struct store_blob *out)
{
	int ret = make_parents(state_dir, path);

	if (!ret)
		ret = put(state_dir, tmp, path, out);
	unlink(tmp);
	return ret < 0 ? log_err(ret, "cannot make the blob '%s'", path) : ret;
}

int store_prune(const char *state_dir)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	struct dirent *e;
	int ret = path_set(path, "%s/blobs", state_dir);

	dir = ret ? NULL : opendir(path);
	if (!dir)
		return ret || errno == ENOENT ? ret : log_err(-errno, "cannot read '%s'", path);
	while ((e = readdir(dir))) {
		char manifest[NAME_MAX + 8];
		struct stat st;

		if (strlen(e->d_name) != BLOB_ROOT_TEXT - 1 ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (!S_ISREG(st.st_mode) || st.st_nlink > 1 ||
		    time(NULL) - st.st_ctime < STORE_KEEP_SECONDS)
			continue;
		snprintf(manifest, sizeof(manifest), "%s.blob", e->d_name);
		unlinkat(dirfd(dir), manifest, 0);
		unlinkat(dirfd(dir), e->d_name, 0);
	}
	return 0;
}
