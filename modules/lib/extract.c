/* libarchive reader -> libarchive writer in a thread with a root of its own; see extract.h.
 *
 * A thread and not a process: the blocks of the source are handed over without a copy.
 * unshare(CLONE_FS) gives this thread its own root and working directory; the thread that fetches
 * keeps the installer's.
 */
#include "modules/lib/extract.h"

#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/window.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1 << 20)

struct extraction {
	const char *target;
	const struct extract_source *source;
	int source_error; /* logged by the source already */
	bool started;
	uint64_t entries;
	int ret;
};

/* --- reading --- */

static int check_window(const struct extraction *x, const void *block, size_t len)
{
	char size[16], max[16];
	uint64_t window;

	if (window_size(x->source->format, block, len, &window))
		return log_err(-EINVAL, "the archive is not the start of a %s", x->source->format);
	if (window > WINDOW_MAX)
		return log_err(-EFBIG,
			       "the archive needs a window of %s to be unpacked, a node may use %s",
			       str_from_size(window, size, sizeof(size)),
			       str_from_size(WINDOW_MAX, max, sizeof(max)));
	return 0;
}

static ssize_t read_block(struct archive *a, void *arg, const void **block)
{
	struct extraction *x = arg;
	ssize_t n = x->source->next(x->source->arg, block);

	if (n > 0 && !x->started)
		x->source_error = check_window(x, *block, (size_t)n);
	else if (n < 0)
		x->source_error = (int)n;
	x->started = true;
	if (!x->source_error)
		return n;
	archive_set_error(a, -x->source_error, "cannot read");
	return ARCHIVE_FATAL;
}

static struct archive *reader_new(struct extraction *x)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_format_tar(a);
	if (!strcmp(x->source->format, "tar.zst"))
		archive_read_support_filter_zstd(a);
	else if (!strcmp(x->source->format, "tar.xz"))
		archive_read_support_filter_xz(a);
	else
		archive_read_support_filter_gzip(a);
	return a;
}

static struct archive *writer_new(void)
{
	struct archive *a = archive_write_disk_new();

	if (a)
		archive_write_disk_set_options(
			a, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
				   ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_XATTR |
				   ARCHIVE_EXTRACT_SECURE_SYMLINKS |
				   ARCHIVE_EXTRACT_SECURE_NODOTDOT |
				   ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	return a;
}

/* --- entries --- */

/* A warning counts as an error: it means that something of the archive did not reach the disk. */
static int fail(const struct extraction *x, struct archive *a, const char *path)
{
	const char *text = archive_error_string(a);
	int err = archive_errno(a);

	if (x->source_error)
		return x->source_error;
	if (!path)
		path = "the archive";
	if (err > 0)
		return log_err(-err, "cannot unpack '%s': %s", path, text ? text : "failed");
	log_err(0, "cannot unpack '%s': %s", path, text ? text : "the archive is damaged");
	return -EBADMSG;
}

static int copy_data(const struct extraction *x, struct archive *in, struct archive *out,
		     const char *path)
{
	const void *block;
	size_t len;
	la_int64_t offset;
	int got;

	while ((got = archive_read_data_block(in, &block, &len, &offset)) == ARCHIVE_OK)
		if (archive_write_data_block(out, block, len, offset) < ARCHIVE_OK)
			return fail(x, out, path);
	return got == ARCHIVE_EOF ? 0 : fail(x, in, path);
}

static bool is_kept(const struct extraction *x, struct archive_entry *entry)
{
	struct stat st;

	return x->source->overlay && archive_entry_filetype(entry) == AE_IFDIR &&
	       !lstat(archive_entry_pathname(entry), &st) && S_ISDIR(st.st_mode);
}

static int copy_entry(const struct extraction *x, struct archive *in, struct archive *out,
		      struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	int ret;

	if (!path)
		return fail(x, in, NULL);
	if (is_kept(x, entry) ||
	    (x->source->wanted && !x->source->wanted(x->source->wanted_arg, path)))
		return 0;
	if (archive_write_header(out, entry) != ARCHIVE_OK)
		return fail(x, out, path);
	ret = archive_entry_size(entry) > 0 ? copy_data(x, in, out, path) : 0;
	if (!ret && archive_write_finish_entry(out) != ARCHIVE_OK)
		return fail(x, out, path);
	return ret;
}

static int copy_all(struct extraction *x, struct archive *in, struct archive *out)
{
	struct archive_entry *entry;
	int got, ret;

	if (archive_read_open(in, x, NULL, read_block, NULL) != ARCHIVE_OK)
		return fail(x, in, NULL);
	while ((got = archive_read_next_header(in, &entry)) == ARCHIVE_OK) {
		ret = copy_entry(x, in, out, entry);
		if (ret)
			return ret;
		x->entries++;
	}
	if (got != ARCHIVE_EOF)
		return fail(x, in, NULL);
	/* Directories get their times and modes only now. */
	if (archive_write_close(out) != ARCHIVE_OK)
		return fail(x, out, NULL);
	return x->entries ? 0 : log_err(-ENODATA, "the archive is empty");
}

/* Names are UTF-8 in pax headers and bytes to us: a UTF-8 locale makes them the same. */
static void *extract_thread(void *arg)
{
	struct extraction *x = arg;
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	struct archive *in = reader_new(x), *out = writer_new();

	if (utf8)
		uselocale(utf8);
	if (!in || !out)
		x->ret = log_err(-ENOMEM, "cannot unpack");
	else if (unshare(CLONE_FS) || chroot(x->target) || chdir("/"))
		x->ret = log_err(-errno, "cannot make '%s' the root for unpacking", x->target);
	else
		x->ret = copy_all(x, in, out);
	archive_write_free(out);
	archive_read_free(in);
	uselocale(LC_GLOBAL_LOCALE);
	if (utf8)
		freelocale(utf8);
	return NULL;
}

int extract(const char *target, const struct extract_source *source)
{
	struct extraction x = {.target = target, .source = source};
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&thread, &attr, extract_thread, &x);
	pthread_attr_destroy(&attr);
	if (err)
		return log_err(-err, "cannot start to unpack");
	pthread_join(thread, NULL);
	return x.ret;
}
