/* The listing of a base system: what its reader refuses, and what a tar comes out as. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <archive_entry.h>

#include "host-tools/lib/base-listing.h"
#include "modules/lib/drift.h"

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD "lucie-listing 1\nbase " ROOT "\n"

static int parse(const char *text, char why[160])
{
	struct listing l;
	int ret = listing_parse(&l, strdup(text), strlen(text), why, 160);

	if (!ret)
		listing_free(&l);
	return ret;
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "it is not a whole 'lucie-listing 1'"},
		{"lucie-listing 1\nbase 00\n", "it is not a whole 'lucie-listing 1'"},
		{HEAD "f 644 0 0 1 - - a", "it is not a whole 'lucie-listing 1'"},
		{HEAD "x 644 0 0 1 - - a\n", "line 3: unknown type of an entry"},
		{HEAD "f 648 0 0 1 - - a\n", "line 3: bad mode"},
		{HEAD "f 644 0 4294967296 1 - - a\n", "line 3: bad owner"},
		{HEAD "f 644 0 0 -1 - - a\n", "line 3: bad size"},
		{HEAD "f 644 0 0 1 00 - a\n", "line 3: bad hash"},
		{HEAD "f 644 0 0 1 - - a b\n", "line 3: too many fields"},
		{HEAD "f 644 0 0 1 - - a\nf 644 0 0 1 - - ../b\n", "line 4: unsafe path"},
		{HEAD "f 644 0 0 1 - - /a\n", "line 3: unsafe path"},
		{HEAD "f 644 0 0 1 - - a\\141\n", "line 3: unsafe path"},
	};
	char why[160];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].text, why), -EINVAL);
		assert_string_equal(why, bad[i].why);
	}
	assert_int_equal(parse(HEAD, why), 0);
	assert_int_equal(parse(HEAD "d 755 0 0 0 - - .\nl 777 1 2 0 " ROOT " - a\\040b\n", why), 0);
}

static struct archive_entry *entry(unsigned int type, unsigned int mode)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, (mode_t)mode);
	archive_entry_set_size(e, 4);
	return e;
}

static int add(struct base_listing *l, struct archive_entry *e, const char *path, const char *data)
{
	int ret = base_listing_entry(l, e, path);

	if (data)
		base_listing_data(l, data, strlen(data));
	archive_entry_free(e);
	return ret;
}

static struct listing_entry look_up(const struct listing *l, const char *path)
{
	struct listing_index x;
	const struct listing_entry *e;

	assert_int_equal(listing_index_make(&x, l), 0);
	e = listing_index_find(&x, path);
	assert_non_null(e);
	listing_index_free(&x);
	return *e;
}

static void test_from_tar(void **state)
{
	struct base_listing *b = base_listing_new();
	struct strbuf text = STRBUF_INIT;
	struct archive_entry *e;
	struct listing l;
	struct listing_entry x;
	uint8_t hash[LISTING_HASH];
	char why[160];

	(void)state;
	assert_int_equal(add(b, entry(AE_IFDIR, 0755), "", NULL), 0);
	assert_int_equal(add(b, entry(AE_IFDIR, 01777), "tmp/", NULL), 0);
	assert_int_equal(add(b, entry(AE_IFREG, 0644), "a", "old!"), 0);
	e = entry(AE_IFREG, 04755);
	archive_entry_xattr_add_entry(e, "security.capability", "xyz", 3);
	assert_int_equal(add(b, e, ".//a", "newer"), 0);
	e = entry(AE_IFREG, 0);
	archive_entry_set_hardlink(e, "./a");
	assert_int_equal(add(b, e, "dir//b", NULL), 0);
	e = entry(AE_IFLNK, 0777);
	archive_entry_set_symlink(e, "../x");
	assert_int_equal(add(b, e, "c", NULL), 0);
	base_listing_write(b, ROOT, &text);
	base_listing_free(b);

	assert_int_equal(listing_parse(&l, text.buf, text.len, why, sizeof(why)), 0);
	assert_string_equal(l.base, ROOT);
	x = look_up(&l, "a");
	assert_int_equal(x.mode, 04755);
	listing_hash_text("newer", hash);
	assert_memory_equal(x.hash, hash, sizeof(hash));
	assert_memory_equal(look_up(&l, "dir/b").hash, hash, sizeof(hash));
	assert_memory_equal(look_up(&l, "dir/b").xattrs, x.xattrs, sizeof(hash));
	listing_hash_text("../x", hash);
	assert_memory_equal(look_up(&l, "c").hash, hash, sizeof(hash));
	assert_int_equal(look_up(&l, "tmp").mode, 01777);
	assert_int_equal(look_up(&l, ".").type, LISTING_DIR);
	listing_free(&l);
}

static void test_bad_tar(void **state)
{
	struct base_listing *b = base_listing_new();
	struct archive_entry *e = entry(AE_IFREG, 0);

	(void)state;
	assert_true(add(b, entry(AE_IFREG, 0644), "x/../../etc", NULL) < 0);
	archive_entry_set_hardlink(e, "nowhere");
	assert_true(add(b, e, "d", NULL) < 0);
	base_listing_free(b);
}

/* In which order the attributes are read is the kernel's choice. */
static void test_xattrs(void **state)
{
	struct listing_xattrs x = {.count = 0}, y = {.count = 0};
	uint8_t a[LISTING_HASH], b[LISTING_HASH], zeros[LISTING_HASH] = {0};

	(void)state;
	listing_xattrs_hash(&x, a);
	assert_memory_equal(a, zeros, sizeof(a));
	listing_xattr(&x, "user.a", "1", 1);
	listing_xattr(&x, "user.b", "2", 1);
	listing_xattr(&y, "system.posix_acl_access", "...", 3);
	listing_xattr(&y, "user.b", "2", 1);
	listing_xattr(&y, "user.a", "1", 1);
	listing_xattrs_hash(&x, a);
	listing_xattrs_hash(&y, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zeros, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_from_tar),
		cmocka_unit_test(test_bad_tar),
		cmocka_unit_test(test_xattrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
