/* Files of the target: links lead into the target and never out of it; what is replaced is replaced
 * whole. */
#include "modules/lib/target.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/as-root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char target[PATH_MAX];

static int setup(void **state)
{
	if (temp_folder_make(state))
		return -1;
	snprintf(target, sizeof(target), "%s/target", temp_folder);
	return mkdir(target, 0755);
}

static const char *at(const char *path)
{
	static char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", target, path);
	return full;
}

static void holds(const char *path, const char *text)
{
	_cleanup_free_ char *got = NULL;

	assert_int_equal(file_read(at(path), 4096, &got, NULL), 0);
	assert_string_equal(got, text);
}

static void writes_and_makes_directories(void **state)
{
	_cleanup_free_ char *got = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(target_write_text(target, "/etc/a/b/file", "one", 0640), 0);
	assert_int_equal(target_write_text(target, "/etc/a/b/file", "two", 0600), 0);
	holds("/etc/a/b/file", "two");
	assert_int_equal(stat(at("/etc/a/b/file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(target_read(target, "/etc/a/b/file", 3, &got), 0);
	assert_string_equal(got, "two");
	assert_int_equal(target_read(target, "/etc/none", 3, &got), -ENOENT);
	assert_int_equal(target_write_text(target, "/etc/a/b/file", "larger", TARGET_KEEP), 0);
	assert_int_equal(stat(at("/etc/a/b/file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void reads_are_bounded(void **state)
{
	char *got = NULL;

	(void)state;
	assert_int_equal(target_write_text(target, "/file", "four", 0600), 0);
	assert_int_equal(target_read(target, "/file", 3, &got), -EFBIG);
	assert_int_equal(mkfifo(at("/fifo"), 0600), 0);
	assert_int_equal(target_read(target, "/fifo", 3, &got), -EINVAL);
	assert_int_equal(target_write_text(target, "/fifo", "x", TARGET_KEEP), -EINVAL);
}

/* The base has absolute links; followed by the installer's root they would lead to the installer's
 * own files. */
static void absolute_links_stay_inside(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("/real"), 0755), 0);
	assert_int_equal(symlink("/real", at("/absolute")), 0);
	assert_int_equal(symlink("../../../..", at("/up")), 0);
	assert_int_equal(target_write_text(target, "/absolute/file", "x", 0644), 0);
	holds("/real/file", "x");
	assert_int_equal(target_write_text(target, "/up/up/file", "y", 0644), 0);
	holds("/file", "y");
	assert_true(target_exists(target, "/absolute/file"));
	assert_false(target_exists(target, temp_folder));
	assert_int_equal(symlink(temp_folder, at("/base")), 0);
	assert_int_not_equal(target_mkdir(target, "/base/escaped", 0755), 0);
}

static void directories_and_places_stay_inside(void **state)
{
	char outside[PATH_MAX], place[PATH_MAX];
	struct stat st;

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside", temp_folder);
	assert_int_equal(mkdir(outside, 0700), 0);
	assert_int_equal(symlink(outside, at("/out")), 0);
	assert_int_not_equal(target_mkdir(target, "/out", 0777), 0);
	assert_int_equal(stat(outside, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(target_place(target, "/out", place), -ENOENT);
	assert_int_equal(mkdir(at("/real"), 0700), 0);
	assert_int_equal(symlink("/real", at("/link")), 0);
	assert_int_equal(target_mkdir(target, "/link", 0750), 0);
	assert_int_equal(stat(at("/real"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(target_place(target, "/link", place), 0);
	assert_string_equal(place, at("/real"));
	assert_int_equal(target_place(target, "/", place), 0);
	assert_string_equal(place, target);
	assert_int_equal(symlink("/real", at("/proc")), 0);
	assert_int_not_equal(target_enter(target), 0);
}

static void links_are_replaced(void **state)
{
	char outside[PATH_MAX], to[PATH_MAX];

	(void)state;
	snprintf(outside, sizeof(outside), "%s/outside", temp_folder);
	assert_int_equal(file_write(outside, "untouched", 9, 0644), 0);
	assert_int_equal(symlink(outside, at("/file")), 0);
	assert_int_equal(target_write_text(target, "/file", "x", 0644), 0);
	holds("/file", "x");
	holds("/../outside", "untouched");
	assert_int_equal(target_symlink(target, "elsewhere", "/file"), 0);
	assert_int_equal(target_readlink(target, "/file", to, sizeof(to)), 9);
	assert_string_equal(to, "elsewhere");
	assert_int_equal(target_readlink(target, "/none", to, sizeof(to)), -ENOENT);
}

static void removes_and_renames(void **state)
{
	(void)state;
	assert_int_equal(target_write_text(target, "/a/file", "x", 0644), 0);
	assert_int_equal(target_rename(target, "/a/file", "/a/other"), 0);
	holds("/a/other", "x");
	assert_int_equal(target_rename(target, "/a/none", "/a/other"), 0);
	assert_int_equal(target_remove(target, "/a/other"), 0);
	assert_int_equal(target_remove(target, "/a/other"), 0);
	assert_int_equal(target_remove(target, "/none/at/all"), 0);
	assert_false(target_exists(target, "/none"));
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, setup, temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(writes_and_makes_directories),	 folder_test(reads_are_bounded),
		folder_test(absolute_links_stay_inside),	 folder_test(links_are_replaced),
		folder_test(directories_and_places_stay_inside), folder_test(removes_and_renames),
	};

	if (become_root())
		return 1;
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
