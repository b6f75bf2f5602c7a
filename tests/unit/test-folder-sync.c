/* host-tools/lib/folder-sync.c: a folder that a build and an administrator share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/folder-sync.h"
#include "init/lib/str.h"
#include "tests/unit/temp-folder.h"

static char from[64], to[64];

static void put(const char *folder, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, text, strlen(text), 0644), 0);
}

static void has(const char *name, const char *text)
{
	char path[256], *got = NULL;

	snprintf(path, sizeof(path), "%s/%s", to, name);
	assert_int_equal(file_read(path, 4096, &got, NULL), text ? 0 : -ENOENT);
	if (text)
		assert_string_equal(got, text);
	free(got);
}

static void add_file(struct strbuf *list, const char *name, const char *text)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	str_to_hex(hash, sizeof(hash), hex);
	strbuf_addf(list, "file /%s 0644 %s\n", name, hex);
	put(from, name, text);
}

/* Syncs a build of these lines and files; counts what is expected. */
static void sync_is(struct strbuf *list, unsigned int written, unsigned int removed,
		    unsigned int kept)
{
	struct folder_sync s = {.from = from, .to = to, .name = "root"};
	char path[80];

	snprintf(path, sizeof(path), "%s.list", from);
	assert_int_equal(file_write(path, list->buf, list->len, 0644), 0);
	assert_int_equal(folder_sync(&s), 0);
	assert_int_equal(s.written, written);
	assert_int_equal(s.removed, removed);
	assert_int_equal(s.kept, kept);
	strbuf_reset(list);
}

static void versions_of_a_folder(void **state)
{
	struct strbuf list = STRBUF_INIT;
	char path[256];

	(void)state;
	strbuf_adds(&list, "dir /sub 0755\nlink /sh /bin/busybox\n");
	add_file(&list, "init", "one");
	add_file(&list, "sub/a", "a");
	add_file(&list, "sub/b", "b");
	sync_is(&list, 5, 0, 0);
	has("init", "one");
	has("sub/a", "a");

	/* The administrator adds a file and changes two. */
	put(to, "sub/own", "own");
	put(to, "sub/a", "changed");
	put(to, "sub/b", "changed too");

	/* A new build: init is another, b is another, c is new. */
	strbuf_adds(&list, "dir /sub 0755\nlink /sh /bin/sh2\n");
	add_file(&list, "init", "two");
	add_file(&list, "sub/a", "a");
	add_file(&list, "sub/b", "b2");
	add_file(&list, "sub/c", "c");
	sync_is(&list, 3, 0, 1);
	has("init", "two");
	has("sub/a", "changed");
	has("sub/b", "changed too");
	has("sub/own", "own");

	/* What the build no longer has goes, what is the administrator's stays. */
	add_file(&list, "init", "two");
	add_file(&list, "sub/b", "b2");
	sync_is(&list, 0, 2, 0);
	has("sub/c", NULL);
	has("sub/a", "changed");
	has("sub/own", "own");

	/* A file that is missing comes back. */
	snprintf(path, sizeof(path), "%s/init", to);
	assert_int_equal(unlink(path), 0);
	add_file(&list, "init", "two");
	add_file(&list, "sub/b", "b2");
	sync_is(&list, 1, 0, 0);
	has("init", "two");
	strbuf_free(&list);
}

/* What a machine has open keeps a name. */
static void replaced_files_stay(void **state)
{
	char path[256];
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];
	struct stat st;

	(void)state;
	crypto_hash_sha256(hash, (const unsigned char *)"one", 3);
	str_to_hex(hash, sizeof(hash), hex);
	snprintf(path, sizeof(path), "%s.replaced/%s", to, hex);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
}

static void refused(const char *list)
{
	struct folder_sync s = {.from = from, .to = to, .name = "root"};
	char path[80];

	snprintf(path, sizeof(path), "%s.list", from);
	assert_int_equal(file_write(path, list, strlen(list), 0644), 0);
	assert_int_equal(folder_sync(&s), -EINVAL);
}

static void lists_that_lead_out(void **state)
{
	(void)state;
	refused("file /../x 0644 00\n");
	refused("file /a/.. 0644 00\n");
	refused("file a 0644 00\n");
	refused("file /a 0644\n");
	refused("link /a\n");
}

static int folders_make(void **state)
{
	char path[80];

	if (temp_folder_make(state))
		return -1;
	snprintf(from, sizeof(from), "%s/from", temp_folder);
	snprintf(to, sizeof(to), "%s/to", temp_folder);
	snprintf(path, sizeof(path), "%s/sub", from);
	return mkdir(from, 0755) || mkdir(path, 0755);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_of_a_folder),
		cmocka_unit_test(replaced_files_stay),
		cmocka_unit_test(lists_that_lead_out),
	};

	return cmocka_run_group_tests(tests, folders_make, temp_folder_remove);
}
