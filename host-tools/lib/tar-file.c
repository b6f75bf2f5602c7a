/* See tar-file.h. zstd and xz are decoded here, because libarchive sets no such limits; gzip has
 * none. */
#include "host-tools/lib/tar-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <lzma.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define BLOCK	 ((size_t)256 << 10)
#define XZ_SPARE ((uint64_t)1 << 20) /* what the decoder needs besides its dictionary */

struct tar_file {
	int fd;
	const char *format;
	unsigned long long done, total;
	struct archive *archive;
	ZSTD_DCtx *zstd;
	lzma_stream xz;
	bool ended; /* the file; the decoder may have more */
	size_t in_len, in_pos;
	unsigned char in[BLOCK], out[BLOCK];
};

const char *tar_file_format(int fd)
{
	unsigned char head[6] = {0};

	if (pread(fd, head, sizeof(head), 0) < 2)
		return NULL;
	if (!memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return "tar.zst";
	if (!memcmp(head,
		    "\xfd"
		    "7zXZ",
		    6))
		return "tar.xz";
	return head[0] == 0x1f && head[1] == 0x8b ? "tar.gz" : NULL;
}

/* Bytes into in[]; false on an error, which the archive then has. */
static bool fill(struct tar_file *t)
{
	ssize_t n;

	do
		n = read(t->fd, t->in, sizeof(t->in));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(t->archive, errno, "%s", strerror(errno));
		return false;
	}
	t->in_pos = 0;
	t->in_len = (size_t)n;
	t->done += (unsigned long long)n;
	t->ended = n == 0;
	return true;
}

static ssize_t fail(struct tar_file *t, int err, const char *message)
{
	archive_set_error(t->archive, err, "%s", message);
	return -1;
}

static ssize_t next_gzip(struct tar_file *t)
{
	if (!fill(t))
		return -1;
	memcpy(t->out, t->in, t->in_len);
	return (ssize_t)t->in_len;
}

static ssize_t next_zstd(struct tar_file *t)
{
	ZSTD_outBuffer out = {t->out, sizeof(t->out), 0};
	size_t ret = 1;

	while (out.pos == 0) {
		ZSTD_inBuffer in = {t->in, t->in_len, t->in_pos};

		if (t->in_pos == t->in_len) {
			if (!fill(t))
				return -1;
			if (t->ended)
				return ret ? fail(t, EINVAL, "the zstd data ends too early") : 0;
			continue;
		}
		ret = ZSTD_decompressStream(t->zstd, &out, &in);
		t->in_pos = in.pos;
		if (ZSTD_isError(ret) &&
		    ZSTD_getErrorCode(ret) == ZSTD_error_frameParameter_windowTooLarge)
			return fail(t, EFBIG, "its zstd window is larger than 8 MiB");
		if (ZSTD_isError(ret))
			return fail(t, EINVAL, ZSTD_getErrorName(ret));
	}
	return (ssize_t)out.pos;
}

static ssize_t next_xz(struct tar_file *t)
{
	lzma_ret ret = LZMA_OK;

	t->xz.next_out = t->out;
	t->xz.avail_out = sizeof(t->out);
	while (ret == LZMA_OK && t->xz.avail_out) {
		if (!t->xz.avail_in && !t->ended) {
			if (!fill(t))
				return -1;
			t->xz.next_in = t->in;
			t->xz.avail_in = t->in_len;
		}
		ret = lzma_code(&t->xz, t->ended ? LZMA_FINISH : LZMA_RUN);
	}
	if (ret == LZMA_MEMLIMIT_ERROR)
		return fail(t, EFBIG, "its xz dictionary is larger than 8 MiB");
	if (ret != LZMA_OK && ret != LZMA_STREAM_END)
		return fail(t, EINVAL, "the xz data is damaged or ends too early");
	return (ssize_t)(sizeof(t->out) - t->xz.avail_out);
}

static ssize_t read_cb(struct archive *a, void *arg, const void **block)
{
	struct tar_file *t = arg;

	(void)a;
	*block = t->out;
	if (t->zstd)
		return next_zstd(t);
	return t->format[4] == 'x' ? next_xz(t) : next_gzip(t);
}

static int start_decoder(struct tar_file *t)
{
	t->format = tar_file_format(t->fd);
	if (!t->format)
		return -EINVAL;
	if (!strcmp(t->format, "tar.zst")) {
		t->zstd = ZSTD_createDCtx();
		if (!t->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(t->zstd, ZSTD_d_windowLogMax,
								    TAR_WINDOW_LOG)))
			return -ENOMEM;
	} else if (!strcmp(t->format, "tar.xz")) {
		if (lzma_stream_decoder(&t->xz, TAR_WINDOW_MAX + XZ_SPARE, LZMA_CONCATENATED) !=
		    LZMA_OK)
			return -ENOMEM;
	}
	return 0;
}

static int open_archive(struct tar_file *t)
{
	t->archive = archive_read_new();
	if (!t->archive)
		return -ENOMEM;
	archive_read_support_format_tar(t->archive);
	archive_read_support_filter_gzip(t->archive);
	return archive_read_open(t->archive, t, NULL, read_cb, NULL) ? -EINVAL : 0;
}

int tar_file_open(struct tar_file **out, const char *path)
{
	struct tar_file *t = xcalloc(1, sizeof(*t));
	struct stat st;
	int ret;

	*out = NULL;
	t->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0 || fstat(t->fd, &st)) {
		ret = log_err(-errno, "cannot read '%s'", path);
	} else if (start_decoder(t)) {
		ret = log_err(
			0, "'%s' is no compressed tar file, expected .tar.gz, .tar.xz or .tar.zst",
			path);
	} else {
		t->total = (unsigned long long)st.st_size;
		ret = open_archive(t);
		if (ret)
			log_err(0, "cannot read '%s': %s", path,
				t->archive ? archive_error_string(t->archive) : "out of memory");
	}
	if (ret)
		tar_file_close(t);
	else
		*out = t;
	return ret;
}

struct archive *tar_file_archive(struct tar_file *t)
{
	return t->archive;
}

void tar_file_position(const struct tar_file *t, unsigned long long *done,
		       unsigned long long *total)
{
	*done = t->done;
	*total = t->total;
}

void tar_file_close(struct tar_file *t)
{
	if (!t)
		return;
	if (t->archive)
		archive_read_free(t->archive);
	ZSTD_freeDCtx(t->zstd);
	lzma_end(&t->xz);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}
