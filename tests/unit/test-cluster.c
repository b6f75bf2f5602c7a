/* The definition language: templates, levels, look-ups, ranges, the compiled form. What each error
 * says is in tests/cli/check. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/suggest.h"
#include "tests/unit/fake-modules.h"

#define GROUP "define lucie_group{\n name g\n subnet 255.255.255.0\n}\n"
#define HOST(name, n, lines)                                                                       \
	"define host{\n host_name " name "\n address 10.0.0." #n                                   \
	"\n mac_address 52:54:00:00:00:0" #n "\n lucie_group g\n" lines "}\n"

static char errors[16384];

static void collect(const char *line, void *arg)
{
	(void)arg;
	strncat(errors, line, sizeof(errors) - strlen(errors) - 2);
	strcat(errors, "\n");
}

static int load(struct cluster **c, const char *text)
{
	errors[0] = '\0';
	return cluster_load_text(c, "test", text, strlen(text), collect, NULL);
}

static struct cluster *load_good(const char *text)
{
	struct cluster *c;
	int ret = load(&c, text);

	if (ret)
		print_message("%s", errors);
	assert_int_equal(ret, 0);
	return c;
}

static void assert_one_error(const char *text, const char *error)
{
	struct cluster *c;
	int ret = load(&c, text);

	cluster_free(c);
	if (ret != 1 || !strstr(errors, error))
		print_message("wanted: %s\ngot: %s", error, errors);
	assert_int_equal(ret, 1);
	assert_non_null(strstr(errors, error));
}

static const struct cluster_object *host(const struct cluster *c, const char *name)
{
	const struct cluster_object *h = cluster_find(c, TYPE_HOST, name);

	assert_non_null(h);
	return h;
}

static void test_empty(void **state)
{
	struct cluster *c = load_good("");

	(void)state;
	assert_int_equal(cluster_count(c, TYPE_HOST), 0);
	assert_non_null(cluster_find(c, TYPE_INSTALLER, "full"));
	assert_true(cluster_find(c, TYPE_INSTALLER, "repair")->builtin);
	assert_null(cluster_at(c, TYPE_HOST, 0));
	cluster_free(c);
}

static void test_comments_and_blanks(void **state)
{
	struct cluster *c =
		load_good("# a comment\n\tdefine   lucie_group {# another\r\n\tname\tg # more\r\n"
			  "subnet 255.255.255.0\n}\n" HOST("n1", 1, "kernel_args a#b  c # d\n"));

	(void)state;
	assert_string_equal(cluster_get(host(c, "n1"), "kernel_args"), "a#b  c");
	assert_int_equal(host(c, "n1")->at.line, 6);
	assert_int_equal(host(c, "n1")->at.column, 8);
	cluster_free(c);
}

/* A parent's own parents come after its own values; the first parent wins; identity is not
 * inherited. */
static void test_templates(void **state)
{
	struct cluster *c = load_good(
		GROUP
		"define host{\n name a\n register 0\n board from-a\n base default\n}\n"
		"define host{\n name b\n register 0\n use a\n board from-b\n console ttyb\n}\n"
		"define host{\n name c\n register 0\n console ttyc\n kernel_args from_c\n}\n" HOST(
			"n1", 1, "use b, c\n"));
	const struct cluster_object *n1 = host(c, "n1");

	(void)state;
	assert_string_equal(cluster_get(n1, "board"), "from-b");
	assert_string_equal(cluster_get(n1, "base"), "default");
	assert_string_equal(cluster_get(n1, "console"), "ttyb");
	assert_string_equal(cluster_get(n1, "kernel_args"), "from_c");
	assert_null(cluster_get(n1, "name"));
	assert_int_equal(cluster_count(c, TYPE_HOST), 1);
	cluster_free(c);
}

/* Lines of a layout belong together: one of its own, and none is inherited. */
static void test_layout_templates(void **state)
{
	struct cluster *c = load_good(
		"define disk_layout{\n name a\n disk d disk1\n partition / 1G- ext4\n}\n"
		"define disk_layout{\n name b\n use a\n}\n"
		"define disk_layout{\n name c\n use a\n disk e disk2\n partition / 2G- ext4\n}\n");
	const struct cluster_object *b = cluster_find(c, TYPE_DISK_LAYOUT, "b"),
				    *other = cluster_find(c, TYPE_DISK_LAYOUT, "c");

	(void)state;
	assert_string_equal(cluster_get(b, "partition"), "/ 1G- ext4");
	assert_string_equal(cluster_get(other, "disk"), "e disk2");
	assert_int_equal(other->count, 4); /* name, use, disk, partition */
	cluster_free(c);
}

static void test_levels(void **state)
{
	struct cluster *c = load_good(
		"define lucie_group{\n name g\n subnet 255.255.255.0\n board l\n base default\n "
		"console ttyl\n}\n"
		"define host_group{\n hostgroup_name first\n members n1\n console tty1\n}\n"
		"define host_group{\n hostgroup_name second\n members n[1-2]\n console tty2\n "
		"board s\n}\n" HOST("n1", 1, "kernel_args own\n") HOST("n2", 2, ""));
	const struct cluster_object *n1 = host(c, "n1"), *n2 = host(c, "n2");

	(void)state;
	assert_string_equal(cluster_host_get(c, n1, "kernel_args"), "own");
	assert_null(cluster_host_get(c, n2, "kernel_args"));
	assert_string_equal(cluster_host_get(c, n1, "console"), "tty1");
	assert_string_equal(cluster_host_get(c, n2, "console"), "tty2");
	assert_string_equal(cluster_host_get(c, n1, "board"), "s");
	assert_string_equal(cluster_host_get(c, n1, "installer"), "full");
	assert_string_equal(cluster_host_ref(c, n1, "installer", TYPE_INSTALLER)->name, "full");
	assert_string_equal(cluster_host_group(n1, 1)->name, "second");
	assert_null(cluster_host_group(n1, 2));
	cluster_free(c);
}

static void test_lucie_group_by_host_group(void **state)
{
	struct cluster *c = load_good(
		GROUP "define host_group{\n hostgroup_name all\n members n1\n lucie_group g\n}\n"
		      "define host{\n host_name n1\n address 10.0.0.1\n mac_address "
		      "52:54:00:00:00:01\n}\n");

	(void)state;
	assert_string_equal(
		cluster_host_ref(c, host(c, "n1"), "lucie_group", TYPE_LUCIE_GROUP)->name, "g");
	cluster_free(c);
}

static void test_by_mac(void **state)
{
	struct cluster *c = load_good(GROUP "define host{\n host_name n1\n address 10.0.0.1\n "
					    "mac_address 52:54:00:00:00:0A, 52-54-00-00-00-0b\n"
					    " lucie_group g\n}\n");

	(void)state;
	assert_ptr_equal(cluster_host_by_mac(c, "52:54:00:00:00:0a"), host(c, "n1"));
	assert_ptr_equal(cluster_host_by_mac(c, "52:54:00:00:00:0B"), host(c, "n1"));
	assert_null(cluster_host_by_mac(c, "52:54:00:00:00:0c"));
	assert_null(cluster_host_by_mac(c, "nonsense"));
	cluster_free(c);
}

static void test_expand_groups(void **state)
{
	struct cluster *c = load_good(GROUP HOST("n1", 1, "") HOST("n2", 2, "") HOST(
		"n3", 3, "") "define host_group{\nhostgroup_name odd\nmembers n[1,3]\n}\n"
			     "define host_group{\nhostgroup_name none\n}\n"
			     "define host_group{\nhostgroup_name n2\nmembers n1\n}\n");
	char **names, why[160];
	size_t count;

	(void)state;
	assert_int_equal(cluster_hosts_expand(c, "n3,odd", &names, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "n3");
	assert_string_equal(names[1], "n1");
	cluster_names_free(names, count);
	assert_int_equal(cluster_hosts_expand(c, "n2", &names, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "n2");
	cluster_names_free(names, count);
	assert_int_equal(cluster_hosts_expand(c, "none", &names, &count, why, sizeof(why)),
			 -ENOENT);
	assert_string_equal(why, "host_group 'none' has no members");
	cluster_free(c);
}

static void test_expand(void **state)
{
	struct cluster *c = load_good(GROUP HOST("n08", 1, "") HOST("n09", 2, "") HOST("n10", 3, "")
					      HOST("n1-a", 4, "") HOST("n2-a", 5, ""));
	char **names, why[160];
	size_t count;

	(void)state;
	assert_int_equal(
		cluster_hosts_expand(c, "n[08-10], n[1,2]-a,n09", &names, &count, why, sizeof(why)),
		0);
	assert_int_equal(count, 5);
	assert_string_equal(names[0], "n08");
	assert_string_equal(names[2], "n10");
	assert_string_equal(names[4], "n2-a");
	cluster_names_free(names, count);
	assert_int_equal(cluster_hosts_expand(c, "n[08-11]", &names, &count, why, sizeof(why)),
			 -ENOENT);
	assert_string_equal(why, "no host or host_group is named 'n11'");
	assert_int_equal(cluster_hosts_expand(c, "n[08", &names, &count, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(cluster_hosts_expand(c, "n[0-99999999]", &names, &count, why, sizeof(why)),
			 -ENOENT);
	cluster_free(c);
}

static const char range[] =
	GROUP "define host{\n name r\n host_name n[08-10]\n address 10.0.0.[1-2], 10.0.0.17\n"
	      " mac_address 52:54:00:00:00:01, 52:54:00:00:00:02,52:54:00:00:00:03\n"
	      " lucie_group g\n packages a\n}\n"
	      "define host{\n host_name x\n use r\n address 10.0.0.9\n"
	      " mac_address 52:54:00:00:00:09\n}\n";

static void test_range(void **state)
{
	struct cluster *c = load_good(range);
	const struct cluster_object *n10 = host(c, "n10");

	(void)state;
	assert_int_equal(cluster_count(c, TYPE_HOST), 4);
	assert_string_equal(cluster_at(c, TYPE_HOST, 0)->name, "n08");
	assert_string_equal(cluster_at(c, TYPE_HOST, 3)->name, "x");
	assert_string_equal(cluster_get(n10, "address"), "10.0.0.17");
	assert_string_equal(cluster_get(n10, "packages"), "a");
	assert_string_equal(cluster_get(host(c, "x"), "packages"), "a");
	assert_int_equal(n10->at.line, 5);
	assert_ptr_equal(cluster_host_by_mac(c, "52:54:00:00:00:02"), host(c, "n09"));
	cluster_free(c);
}

static void test_range_errors(void **state)
{
	struct cluster *c;

	(void)state;
	assert_one_error(GROUP "define host{\n host_name n[0-1]\n address 10.0.0.[1-3]\n"
			       " mac_address 52:54:00:00:00:01, 52:54:00:00:00:02\n"
			       " lucie_group g\n}\n",
			 "test:7:10: address stands for 3, expected 2");
	assert_one_error(GROUP "define host{\n host_name n[0-1]\n address 10.0.0.[1-2]\n"
			       " mac_file f\n lucie_group g\n}\n",
			 "test:8:11: 'mac_file' in a definition that is no file");
	assert_one_error("define host{\n host_name a[0-65535]\n use gone\n}\n"
			 "define host{\n host_name off[0-65535]\n register 0\n}\n",
			 "test:3:6: no host template is named 'gone'");
	assert_true(load(&c, "define host{\n host_name a[0-65535]\n use gone\n}\n"
			     "define host{\n host_name b[0-1]\n use gone\n}\n") == 3);
	cluster_free(c);
	assert_non_null(strstr(errors, "test:6:12: more than 65536 hosts in ranges"));
}

static void test_list(void **state)
{
	char item[8];
	size_t pos = 0, offset;

	(void)state;
	assert_true(cluster_list_next(" a ,b[1,2]c,,longer than it", &pos, item, sizeof(item),
				      &offset));
	assert_string_equal(item, "a");
	assert_int_equal(offset, 1);
	assert_true(cluster_list_next(" a ,b[1,2]c,,longer than it", &pos, item, sizeof(item),
				      &offset));
	assert_string_equal(item, "b[1,2]c");
	assert_true(cluster_list_next(" a ,b[1,2]c,,longer than it", &pos, item, sizeof(item),
				      &offset));
	assert_string_equal(item, "");
	assert_true(cluster_list_next(" a ,b[1,2]c,,longer than it", &pos, item, sizeof(item),
				      &offset));
	assert_string_equal(item, "longer ");
	assert_false(cluster_list_next(" a ,b[1,2]c,,longer than it", &pos, item, sizeof(item),
				       &offset));
}

static void test_builtins_replaced(void **state)
{
	struct cluster *c = load_good("define installer{\n name full\n modules init\n}\n");

	(void)state;
	assert_string_equal(cluster_get(cluster_find(c, TYPE_INSTALLER, "full"), "modules"),
			    "init");
	assert_int_equal(cluster_count(c, TYPE_INSTALLER), 7);
	cluster_free(c);
}

static void test_compiled_form(void **state)
{
	struct cluster
		*c = load_good(GROUP "define host{\n name t\n register 0\n packages a, b\n}\n" HOST(
			"n1", 1,
			"use t\n") "define host{\n host_name m[0-1]\n use t\n lucie_group g\n"
				   " address 10.0.0.[5-6]\n"
				   " mac_address 52:54:00:00:00:05, 52:54:00:00:00:06\n}\n"
				   "define host_group{\n hostgroup_name all\n members n1\n}\n"),
		*again;
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;

	(void)state;
	assert_int_equal(cluster_write(c, &first), 0);
	again = load_good(first.buf);
	assert_string_equal(cluster_host_get(again, host(again, "n1"), "packages"), "a, b");
	assert_null(strstr(first.buf, "use t"));
	assert_null(strchr(first.buf, '['));
	assert_string_equal(cluster_get(host(again, "m1"), "address"), "10.0.0.6");
	assert_int_equal(cluster_write(again, &second), 0);
	assert_string_equal(first.buf, second.buf);
	cluster_set(again, cluster_at(again, TYPE_LUCIE_GROUP, 0), "server_address", "10.0.0.9");
	assert_string_equal(cluster_get(cluster_at(again, TYPE_LUCIE_GROUP, 0), "server_address"),
			    "10.0.0.9");
	strbuf_free(&first);
	strbuf_free(&second);
	cluster_free(again);
	cluster_free(c);
}

/* What would be read back as a comment, or as an end, is refused, not lost. */
static void test_comment_in_value(void **state)
{
	struct cluster *c = load_good(GROUP HOST("n1", 1, ""));
	struct strbuf out = STRBUF_INIT;

	(void)state;
	cluster_set(c, host(c, "n1"), "files", "/srv/a #b");
	assert_int_equal(cluster_write(c, &out), -EINVAL);
	strbuf_free(&out);
	cluster_free(c);
	c = load_good(GROUP HOST("n1", 1, "kernel_args a}\n"));
	cluster_set(c, host(c, "n1"), "files", "/srv/a }");
	assert_int_equal(cluster_write(c, &out), -EINVAL);
	strbuf_free(&out);
	cluster_free(c);
}

static void test_errors(void **state)
{
	(void)state;
	assert_one_error("include x\n", "test:1:9: 'include' in a definition that is no file");
	assert_one_error("define host{\n", "test:1:8: the object is never closed");
	assert_one_error(GROUP HOST("n1", 1, "") HOST("n1", 2, ""), "is defined at test:5 already");
	assert_one_error(GROUP HOST("n1", 1, "use x\n"), "no host template is named 'x'");
	assert_one_error(GROUP HOST("n1", 1, "root_password x\n"),
			 "root_password is no password hash");
	assert_one_error("define host_group{\n hostgroup_name g\n members n[0-99999]\n}\n",
			 "test:3:10: no host is named 'n0'");
	assert_one_error("define installer{\n name x\n modules mount, init\n}\n",
			 "test:3:10: module 'mount' runs before 'init'");
}

/* Many errors are counted, and shown up to a limit. */
static void count_line(const char *line, void *arg)
{
	(void)line;
	++*(int *)arg;
}

static void test_error_limit(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct cluster *c;
	int lines = 0, ret;

	(void)state;
	for (int i = 0; i < 1500; i++)
		strbuf_adds(&text, "}\n");
	ret = cluster_load_text(&c, "test", text.buf, text.len, count_line, &lines);
	assert_int_equal(ret, 1500);
	assert_int_equal(lines, 1001);
	cluster_free(c);
	strbuf_free(&text);
}

static void test_deep_templates(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct cluster *c;

	(void)state;
	for (int i = 0; i < 100; i++)
		strbuf_addf(&text, "define host{\n name t%d\n register 0\n use t%d\n}\n", i, i + 1);
	strbuf_adds(&text, "define host{\n name t100\n register 0\n}\n");
	assert_true(load(&c, text.buf) > 0);
	assert_non_null(strstr(errors, "templates use each other more than 32 deep"));
	cluster_free(c);
	strbuf_free(&text);
}

static void test_map(void **state)
{
	struct map m = {0};
	char keys[1000][16];
	int values[1000];

	(void)state;
	assert_null(map_get(&m, "none"));
	for (int i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		assert_null(map_put(&m, keys[i], &values[i]));
	}
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(map_get(&m, keys[i]), &values[i]);
	assert_ptr_equal(map_put(&m, "k7", &values[8]), &values[7]);
	assert_null(map_get(&m, "k1000"));
	map_free(&m);
}

static const char *suggest(const char *word)
{
	struct suggestion s = suggest_start(word);

	suggest_offer(&s, "address");
	suggest_offer(&s, "mac_address");
	suggest_offer(&s, "use");
	suggest_offer(&s, "cnode00");
	suggest_offer(&s, "rack7-n10");
	return s.best;
}

static void test_suggest(void **state)
{
	(void)state;
	assert_string_equal(suggest("adress"), "address");
	assert_string_equal(suggest("addrses"), "address");
	assert_string_equal(suggest("MAC_ADRESS"), "mac_address");
	assert_string_equal(suggest("uses"), "use");
	assert_null(suggest("colour"));
	assert_null(suggest("busy"));
	assert_null(suggest("xx"));
	assert_null(suggest(""));
	assert_string_equal(suggest("cnod00"), "cnode00");
	assert_string_equal(suggest("cnode0"), "cnode00");
	assert_null(suggest("cnode05"));
	assert_null(suggest("CNODE1"));
	assert_null(suggest("rack8-n10"));
	assert_string_equal(suggest("rack7n10"), "rack7-n10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_comments_and_blanks),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_layout_templates),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_lucie_group_by_host_group),
		cmocka_unit_test(test_by_mac),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_expand_groups),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_errors),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_builtins_replaced),
		cmocka_unit_test(test_compiled_form),
		cmocka_unit_test(test_comment_in_value),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_error_limit),
		cmocka_unit_test(test_deep_templates),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
