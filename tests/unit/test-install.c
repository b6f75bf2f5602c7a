/* install's own words: names of packages, lines of sources.list, keys, and what apt's status lines
 * become. */
#include "modules/install.c"
#include "tests/unit/module-notes.h"
#include "tests/unit/temp-folder.h"

#include "tests/unit/as-root.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct plan plan;
static struct module_context ctx;
static struct install in;
static uint64_t shown;

static void note_progress(struct module_context *c, uint64_t done, uint64_t total, const char *what)
{
	(void)c, (void)total, (void)what;
	shown = done;
}

static int teardown(void **state)
{
	(void)state;
	plan_free(&plan);
	plan = (struct plan){0};
	for (size_t i = 0; i < in.count; i++)
		strbuf_free(&in.list[i].keys);
	return temp_folder_remove(state);
}

static void with_section(const char *section)
{
	char text[2048], why[160];

	snprintf(text, sizeof(text), PLAN_VERSION_LINE "\n[install]\n%s", section);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	ctx = (struct module_context){.plan = &plan,
				      .section = plan_section(&plan, "install"),
				      .target = temp_folder,
				      .report = note_progress};
	in = (struct install){.ctx = &ctx};
}

static void sources_and_keys(void **state)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *key = NULL;

	(void)state;
	/* "-----BEGIN" and "binary" */
	with_section(
		"repository http://a/debian stable main contrib\nrepository_key LS0tLS1CRUdJTg==\n"
		"repository_key YmluYXJ5\nrepository http://b ./\ntrusted yes\nrepository http://c "
		"./\npackage x\n");
	assert_int_equal(read_repositories(&in), 0);
	for (size_t i = 0; i < in.count; i++)
		add_source(&text, &in.list[i], i, true);
	assert_string_equal(
		text.buf,
		"deb [signed-by=/etc/apt/keyrings/lucie-1.asc,/etc/apt/keyrings/lucie-2.gpg] "
		"http://a/debian stable main contrib\ndeb [trusted=yes] http://b ./\n"
		"deb http://c ./\n");
	assert_int_equal(target_read(temp_folder, "/etc/apt/keyrings/lucie-2.gpg", 100, &key), 0);
	assert_string_equal(key, "binary");
}

static void local_ones_do_not_last(void **state)
{
	_cleanup_strbuf_ struct strbuf now = STRBUF_INIT, lasting = STRBUF_INIT;
	struct repository r = {
		.value = "file:/srv/repo stable main", .trusted = true, .local = true};

	(void)state;
	with_section("package x\n");
	add_source(&now, &r, 3, true);
	add_source(&lasting, &r, 3, false);
	assert_string_equal(now.buf,
			    "deb [trusted=yes] file:/run/lucie/repository-3 stable main\n");
	assert_int_equal(lasting.len, 0);
}

static void a_key_that_is_none(void **state)
{
	(void)state;
	with_section("repository http://a ./\nrepository_key not*base64\n");
	assert_int_equal(read_repositories(&in), -EINVAL);
}

static void status_lines(void **state)
{
	char reason[TARGET_REASON_MAX] = "";

	(void)state;
	with_section("package x\n");
	assert_true(apt_line("dlstatus:1:20.5:Retrieving file 1 of 2", reason, &in));
	assert_int_equal(shown, 20);
	assert_true(apt_line("pmstatus:dpkg-exec:50.0:Running dpkg", reason, &in));
	assert_int_equal(shown, 150);
	assert_true(apt_line("pmstatus:x:1e99:nonsense", reason, &in));
	assert_true(apt_line("pmstatus:", reason, &in));
	assert_int_equal(shown, 150);
	assert_false(apt_line("E: Unable to locate package a", reason, &in));
	assert_false(apt_line("E: another", reason, &in));
	assert_string_equal(reason, "E: Unable to locate package a");
	assert_false(apt_line("pmerror:pkg:10.0:it failed", reason, &in));
	assert_string_equal(reason, "pkg: it failed");
}

static void check_finds_everything(void **state)
{
	struct module_check check = {.error = note};

	(void)state;
	with_section("package g++\npackage libc6:amd64=2.36-9\npackage removed-\npackage "
		     "-o\npackage a;b\n");
	check.plan = &plan;
	check.section = ctx.section;
	notes[0] = '\0';
	install_check(&check);
	assert_string_equal(
		notes,
		"'removed-' is not the name of a package\n'-o' is not the name of a package\n"
		"'a;b' is not the name of a package\n"
		"packages are to be installed, but no package server is named\n");
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, temp_folder_make, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(sources_and_keys),	     folder_test(local_ones_do_not_last),
		folder_test(a_key_that_is_none),     folder_test(status_lines),
		folder_test(check_finds_everything),
	};

	if (become_root())
		return 1;
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
