/* Plans: what each section says, what makes a plan impossible, the blobs of a state directory.
 * Whole plans are in tests/cli/plan. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host-tools/lib/plan-check.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/store.h"
#include "init/lib/io.h"
#include "init/lib/plan-format.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/fake-modules.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char definition[] =
	"define lucie_group{\n name g\n subnet 255.255.255.0\n server_address 10.0.0.250\n}\n"
	"define host{\n host_name n1\n address 10.0.0.1\n mac_address 52:54:00:00:00:01, "
	"52:54:00:00:00:02\n"
	" lucie_group g\n services mpi, unknown\n packages a, b\n files /srv/files\n}\n"
	"define host_group{\n hostgroup_name all\n members n1\n}\n"
	"define service{\n name mpi\n packages b, c\n}\n";

static struct cluster *cluster;
static const char *const servers[] = {"http://10.0.0.250:8077", NULL};

static void no_error(const char *line, void *arg)
{
	(void)arg;
	print_message("%s\n", line);
}

static int set_up(void **state)
{
	if (temp_folder_make(state))
		return -1;
	return cluster_load_text(&cluster, "test", definition, strlen(definition), no_error, NULL);
}

static int tear_down(void **state)
{
	cluster_free(cluster);
	return temp_folder_remove(state);
}

static struct plan_order order(const char *state_dir)
{
	return (struct plan_order){.state_dir = state_dir,
				   .host = "n1",
				   .install = "n1-1",
				   .nonce = ZEROS,
				   .token = ZEROS,
				   .site = "0011223344556677",
				   .servers = servers};
}

/* Makes it and reads it back. */
static void make(struct plan *plan, const struct plan_order *o)
{
	struct strbuf text = STRBUF_INIT;
	char why[256] = "";
	int ret = plan_make(&text, cluster, o, why, sizeof(why));

	if (!ret)
		ret = plan_parse(plan, text.buf, text.len, why, sizeof(why));
	if (ret)
		print_message("%s\n", why);
	assert_int_equal(ret, 0);
	strbuf_free(&text);
}

static void assert_refused(const struct plan_order *o, int err, const char *words)
{
	struct strbuf text = STRBUF_INIT;
	char why[256] = "";

	assert_int_equal(plan_make(&text, cluster, o, why, sizeof(why)), err);
	assert_non_null(strstr(why, words));
	strbuf_free(&text);
}

static void test_head(void **state)
{
	struct plan_order o = order(NULL);
	struct plan plan;

	(void)state;
	o.wipe = true;
	make(&plan, &o);
	assert_string_equal(plan_head(&plan, "node"), "n1");
	assert_string_equal(plan_head(&plan, "mac"), "52:54:00:00:00:01");
	assert_string_equal(plan_head(&plan, "variant"), "full");
	assert_string_equal(plan_head(&plan, "on_failure"), "shell");
	assert_string_equal(plan_head(&plan, "wipe"), "yes");
	assert_string_equal(plan_head(&plan, "modules"),
			    "init partition mount extrbase install configure finalize");
	plan_free(&plan);
	o.mac = "52:54:00:00:00:02";
	o.wipe = false;
	make(&plan, &o);
	assert_string_equal(plan_head(&plan, "mac"), "52:54:00:00:00:02");
	assert_null(plan_head(&plan, "wipe"));
	plan_free(&plan);
}

/* Own packages first, then those of the services that are defined, each once. */
static void test_packages(void **state)
{
	const char *const wanted[] = {"a", "b", "c"};
	struct plan_order o = order(NULL);
	struct plan plan;
	size_t n = 0;

	(void)state;
	make(&plan, &o);
	plan_for_each (line, plan_section(&plan, "install"), "package") {
		assert_true(n < 3);
		assert_string_equal(line->value, wanted[n++]);
	}
	assert_int_equal(n, 3);
	plan_free(&plan);
}

static void test_variant(void **state)
{
	struct plan_order o = order(NULL);
	struct plan plan;

	(void)state;
	o.variant = "repair";
	make(&plan, &o);
	assert_null(plan_section(&plan, "extrbase"));
	assert_null(plan_section(&plan, "install"));
	assert_non_null(plan_section(&plan, "layout"));
	assert_non_null(plan_section(&plan, "configure"));
	plan_free(&plan);
}

static void test_refusals(void **state)
{
	struct plan_order o = order(temp_folder);

	(void)state;
	assert_refused(&o, -ENOENT, "base 'default' is not there yet");
	o.variant = "nothing";
	assert_refused(&o, -EINVAL, "no installer is named 'nothing'");
	o = order(NULL);
	o.host = "n2";
	assert_refused(&o, -EINVAL, "no host is named 'n2'");
	o = order(NULL);
	o.install = "two\nlines";
	assert_refused(&o, -EINVAL, "cannot be written");
}

static void put(const char *path, const char *text, struct store_blob *blob)
{
	char tmp[PATH_MAX];

	snprintf(tmp, sizeof(tmp), "%s/tmp~", temp_folder);
	assert_int_equal(file_write(tmp, text, strlen(text), 0600), 0);
	assert_int_equal(store_put(temp_folder, tmp, path, blob), 1);
	assert_int_equal(access(tmp, F_OK), -1);
}

/* Blobs: found by name, entered under their root, the same content once more is nothing new. */
static void test_blobs(void **state)
{
	static const char *const classes[] = {"default", "group/all", "host/n1"};
	struct plan_order o = order(temp_folder);
	struct store_blob base, files[3], again;
	char path[PATH_MAX], line[PATH_MAX];
	struct plan plan;
	size_t n = 0;

	(void)state;
	assert_int_equal(store_base_path(temp_folder, "default", "tar.xz", path), 0);
	put(path, "a base", &base);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(store_files_path(temp_folder, "/srv/files", classes[i], path), 0);
		put(path, classes[i], &files[i]);
	}
	make(&plan, &o);
	snprintf(line, sizeof(line), "%s 6", base.root);
	assert_string_equal(plan_get(plan_section(&plan, "extrbase"), "blob"), line);
	assert_string_equal(plan_get(plan_section(&plan, "extrbase"), "format"), "tar.xz");
	plan_for_each (l, plan_section(&plan, "configure"), "files") {
		snprintf(line, sizeof(line), "%s %zu %s", files[n].root, strlen(classes[n]),
			 classes[n]);
		assert_string_equal(l->value, line);
		n++;
	}
	assert_int_equal(n, 3);
	plan_free(&plan);

	snprintf(path, sizeof(path), "%s/tmp~", temp_folder);
	assert_int_equal(file_write(path, "a base", 6, 0600), 0);
	assert_int_equal(store_base_path(temp_folder, "default", "tar.xz", line), 0);
	assert_int_equal(store_put(temp_folder, path, line, &again), 0);
	assert_string_equal(again.root, base.root);
}

static void test_check(void **state)
{
	(void)state;
	assert_int_equal(plan_check(cluster, no_error, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),	cmocka_unit_test(test_packages),
		cmocka_unit_test(test_variant), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_blobs),	cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
