/* Unpacking: what an honest archive carries arrives; a hostile one reaches nothing outside of the
 * target, whatever it tries. */
#include "modules/lib/extract.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/as-root.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cmocka.h>

#define UTF8_NAME "F\xc5\x91tan\xc3\xbas\xc3\xadtv\xc3\xa1ny"
#define BUFFER	  ((size_t)4 << 20)

static char target[PATH_MAX], buffer[BUFFER];
static size_t used;
static struct archive *out;

static int setup(void **state)
{
	if (temp_folder_make(state))
		return -1;
	snprintf(target, sizeof(target), "%s/target", temp_folder);
	return mkdir(target, 0755);
}

/* The writer needs a locale for names that are not ASCII; the one that unpacks has to do without.
 */
static locale_t utf8;

static void start(int filter)
{
	uselocale(utf8);
	out = archive_write_new();
	assert_int_equal(archive_write_add_filter(out, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_pax(out), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(out, buffer, sizeof(buffer), &used), ARCHIVE_OK);
}

static struct archive_entry *entry(const char *path, unsigned int type, unsigned int mode)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, (__LA_MODE_T)mode);
	archive_entry_set_mtime(e, 1000000000, 0);
	return e;
}

static void add(struct archive_entry *e, const char *text)
{
	if (text)
		archive_entry_set_size(e, (la_int64_t)strlen(text));
	assert_int_equal(archive_write_header(out, e), ARCHIVE_OK);
	if (text)
		assert_int_equal(archive_write_data(out, text, strlen(text)), strlen(text));
	archive_entry_free(e);
}

static void add_file(const char *path, const char *text)
{
	add(entry(path, AE_IFREG, 0644), text);
}

static void add_link(const char *path, const char *to)
{
	struct archive_entry *e = entry(path, AE_IFLNK, 0777);

	archive_entry_set_symlink(e, to);
	add(e, NULL);
}

static void add_hard_link(const char *path, const char *to)
{
	struct archive_entry *e = entry(path, AE_IFREG, 0644);

	archive_entry_set_hardlink(e, to);
	add(e, NULL);
}

static void finish(void)
{
	assert_int_equal(archive_write_close(out), ARCHIVE_OK);
	archive_write_free(out);
	uselocale(LC_GLOBAL_LOCALE);
}

/* Small blocks, so that headers and data are split everywhere. */
struct feed {
	size_t at, step;
	int fail;
};

static ssize_t feed_next(void *arg, const void **block)
{
	struct feed *f = arg;
	size_t n = used - f->at < f->step ? used - f->at : f->step;

	if (!n && f->fail)
		return f->fail;
	*block = buffer + f->at;
	f->at += n;
	return (ssize_t)n;
}

static int unpack(const char *format, bool overlay)
{
	struct feed f = {.step = 1000};
	struct extract_source source = {
		.next = feed_next, .arg = &f, .format = format, .overlay = overlay};

	return extract(target, &source);
}

static const char *in_target(const char *path)
{
	static char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", target, path);
	return full;
}

static void holds(const char *path, const char *text)
{
	_cleanup_free_ char *got = NULL;

	assert_int_equal(file_read(in_target(path), 4096, &got, NULL), 0);
	assert_string_equal(got, text);
}

static void add_honest_entries(void)
{
	struct archive_entry *e = entry("./usr/bin/tool", AE_IFREG, 04755);

	add(entry("./", AE_IFDIR, 0755), NULL);
	add(entry("./usr", AE_IFDIR, 0500), NULL);
	add(entry("./usr/bin", AE_IFDIR, 0755), NULL);
	archive_entry_xattr_add_entry(e, "user.note", "xyz", 3);
	add(e, "tool");
	add_hard_link("./usr/bin/same", "./usr/bin/tool");
	add_link("./bin", "usr/bin");
	add_link("./absolute", "/usr/bin/tool");
	add_file("./" UTF8_NAME, "utf8");
	add(entry("./fifo", AE_IFIFO, 0600), NULL);
}

static void honest_archive(void **state)
{
	static const struct {
		int filter;
		const char *format;
	} kinds[] = {{ARCHIVE_FILTER_GZIP, "tar.gz"},
		     {ARCHIVE_FILTER_XZ, "tar.xz"},
		     {ARCHIVE_FILTER_ZSTD, "tar.zst"}};
	struct stat a, b;
	char note[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		start(kinds[i].filter);
		add_honest_entries();
		finish();
		assert_int_equal(unpack(kinds[i].format, false), 0);
		holds("usr/bin/tool", "tool");
		holds(UTF8_NAME, "utf8");
		assert_int_equal(stat(in_target("usr/bin/tool"), &a), 0);
		assert_int_equal(stat(in_target("usr/bin/same"), &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_int_equal(a.st_mode, S_IFREG | 04755);
		assert_int_equal(a.st_mtime, 1000000000);
		assert_int_equal(stat(in_target("usr"), &a), 0);
		assert_int_equal(a.st_mode, S_IFDIR | 0500);
		assert_int_equal(a.st_mtime, 1000000000);
		assert_int_equal(lstat(in_target("fifo"), &a), 0);
		assert_true(S_ISFIFO(a.st_mode));
		assert_int_equal(
			getxattr(in_target("usr/bin/tool"), "user.note", note, sizeof(note)), 3);
	}
}

/* Nothing but the target may be in the base folder afterwards. */
static void nothing_got_out(void)
{
	DIR *dir = opendir(temp_folder);
	struct dirent *e;

	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, "target"))
			fail_msg("'%s' got out", e->d_name);
	closedir(dir);
	assert_int_not_equal(access("/tmp/lucie-extract-escaped", F_OK), 0);
}

static void climb(void)
{
	add_file("../escaped", "x");
}

static void climb_inside(void)
{
	add(entry("./a", AE_IFDIR, 0755), NULL);
	add_file("./a/../../escaped", "x");
}

static void absolute_name(void)
{
	add_file("/tmp/lucie-extract-escaped", "x");
}

static void through_link(void)
{
	add_link("./out", "..");
	add_file("./out/escaped", "x");
}

static void through_absolute_link(void)
{
	add_link("./out", temp_folder);
	add_file("./out/escaped", "x");
}

static void through_two_links(void)
{
	add_link("./a", "..");
	add_link("./b", "a/..");
	add_file("./b/escaped", "x");
}

static void hard_link_out(void)
{
	add_hard_link("./secret", "../../etc/passwd");
	add_file("./secret", "x");
}

static void hard_link_absolute(void)
{
	add_hard_link("./secret", "/etc/passwd");
}

static void hard_link_through_link(void)
{
	add_link("./etc", "/etc");
	add_hard_link("./secret", "./etc/passwd");
}

static void hostile_archives(void **state)
{
	static const struct {
		void (*make)(void);
		const char *name;
	} cases[] = {
		{climb, "climb"},
		{climb_inside, "climb inside"},
		{absolute_name, "absolute name"},
		{through_link, "through a link"},
		{through_absolute_link, "through an absolute link"},
		{through_two_links, "through two links"},
		{hard_link_out, "hard link out"},
		{hard_link_absolute, "absolute hard link"},
		{hard_link_through_link, "hard link through a link"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start(ARCHIVE_FILTER_GZIP);
		cases[i].make();
		finish();
		if (unpack("tar.gz", false) == 0)
			fail_msg("%s was unpacked", cases[i].name);
		if (strncmp(log_last_error(), "cannot unpack '", 15))
			fail_msg("%s: '%s'", cases[i].name, log_last_error());
		nothing_got_out();
		temp_folder_remove(state);
		assert_int_equal(setup(state), 0);
	}
}

/* A link that is replaced by a file is replaced, not followed. */
static void link_replaced(void **state)
{
	(void)state;
	start(ARCHIVE_FILTER_GZIP);
	add_link("./out", "../escaped");
	add_file("./out", "x");
	finish();
	assert_int_equal(unpack("tar.gz", false), 0);
	nothing_got_out();
	holds("out", "x");
}

static void broken_archives(void **state)
{
	size_t whole;

	(void)state;
	start(ARCHIVE_FILTER_ZSTD);
	add_honest_entries();
	finish();
	whole = used;
	assert_int_equal(unpack("tar.gz", false), -EINVAL);
	for (used = 1; used < whole; used += 37)
		assert_true(unpack("tar.zst", false) < 0);
	used = whole;
	for (size_t i = 20; i < whole; i += 11) {
		buffer[i] ^= 0x55;
		unpack("tar.zst", false);
		buffer[i] ^= 0x55;
	}
	nothing_got_out();
	used = 0;
	assert_true(unpack("tar.zst", false) < 0);
	start(ARCHIVE_FILTER_GZIP);
	finish();
	assert_int_equal(unpack("tar.gz", false), -ENODATA);
}

static void window_too_large(void **state)
{
	(void)state;
	out = archive_write_new();
	archive_write_add_filter_xz(out);
	archive_write_set_format_pax(out);
	archive_write_set_options(out, "xz:compression-level=9");
	archive_write_open_memory(out, buffer, sizeof(buffer), &used);
	add_file("./file", "x");
	finish();
	assert_int_equal(unpack("tar.xz", false), -EFBIG);
	assert_int_not_equal(access(in_target("file"), F_OK), 0);
}

static void source_that_fails(void **state)
{
	struct feed f = {.step = 100, .fail = -ETIMEDOUT};
	struct extract_source source = {.next = feed_next, .arg = &f, .format = "tar.gz"};

	(void)state;
	start(ARCHIVE_FILTER_GZIP);
	add_honest_entries();
	finish();
	used = 200;
	log_err(0, "the source said why");
	assert_int_equal(extract(target, &source), -ETIMEDOUT);
	assert_string_equal(log_last_error(), "the source said why");
}

static void overlay_keeps_directories(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(in_target("etc"), 0711), 0);
	assert_int_equal(file_write(in_target("etc/issue"), "old", 3, 0600), 0);
	start(ARCHIVE_FILTER_ZSTD);
	add(entry("./", AE_IFDIR, 0700), NULL);
	add(entry("./etc", AE_IFDIR, 0700), NULL);
	add_file("./etc/issue", "new");
	add(entry("./new", AE_IFDIR, 0700), NULL);
	finish();
	assert_int_equal(unpack("tar.zst", true), 0);
	holds("etc/issue", "new");
	assert_int_equal(stat(in_target("etc"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(stat(in_target("new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, setup, temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(honest_archive),
		folder_test(hostile_archives),
		folder_test(link_replaced),
		folder_test(broken_archives),
		folder_test(window_too_large),
		folder_test(source_that_fails),
		folder_test(overlay_keeps_directories),
	};
	int ret;

	if (become_root())
		return 1;
	umask(022);
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	freelocale(utf8);
	return ret;
}
