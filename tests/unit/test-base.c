/* Passing over the tar of a base: what is left out, what is counted, ACLs that GNU tar kept as
 * attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "host-tools/lib/acl-xattr.h"
#include "host-tools/lib/base-tar.h"

#define TAR_MAX ((size_t)1 << 20)

static void add(struct archive *a, const char *path, const char *text)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, (text ? S_IFREG : S_IFDIR) | 0755);
	archive_entry_set_size(e, text ? (int64_t)strlen(text) : 0);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (text)
		assert_int_equal(archive_write_data(a, text, strlen(text)), strlen(text));
	archive_entry_free(e);
}

static struct archive *writer(void *buf, size_t *used)
{
	struct archive *a = archive_write_new();

	assert_int_equal(archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, buf, TAR_MAX, used), ARCHIVE_OK);
	return a;
}

static struct archive *reader(const void *buf, size_t used)
{
	struct archive *a = archive_read_new();

	assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, buf, used), ARCHIVE_OK);
	return a;
}

static size_t make_base(void *buf)
{
	size_t used;
	struct archive *a = writer(buf, &used);

	add(a, "./", NULL);
	add(a, "./etc/", NULL);
	add(a, "./etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	add(a, "./etc/hostname", "builder\n");
	add(a, "./etc/ssh/ssh_host_ed25519_key", "secret\n");
	add(a, "./etc/ssh/sshd_config", "# kept\n");
	add(a, "./usr/sbin/init", "x");
	add(a, "./boot/vmlinuz-6.1", "x");
	add(a, "./boot/initrd.img-6.1", "x");
	add(a, "./tmp/", NULL);
	add(a, "./tmp/x/", NULL);
	add(a, "./tmp/x/y", "left by the build");
	add(a, "./var/lib/apt/lists/", NULL);
	add(a, "./var/lib/apt/lists/partial/", NULL);
	add(a, "./var/lib/apt/lists/an_InRelease", "x");
	add(a, "./var/log/dpkg.log", "x");
	add(a, "./var/log/journal/", NULL);
	add(a, "./var/lib/dpkg/status",
	    "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\n"
	    "Status: deinstall ok config-files\nVersion: 2\n\nPackage: c\nStatus: hold ok "
	    "installed\n"
	    "Description: x\n Package: d\nVersion: 3");
	archive_write_close(a);
	archive_write_free(a);
	return used;
}

static void test_copy(void **state)
{
	static const char *const kept[] = {
		"./",
		"./etc/",
		"./etc/machine-id",
		"./etc/ssh/sshd_config",
		"./usr/sbin/init",
		"./boot/vmlinuz-6.1",
		"./boot/initrd.img-6.1",
		"./tmp/",
		"./var/lib/apt/lists/",
		"./var/log/journal/",
		"./var/lib/dpkg/status",
	};
	char *from = malloc(TAR_MAX), *to = malloc(TAR_MAX);
	struct base_contents c = {0};
	size_t used = make_base(from), copied, n = 0;
	struct archive *in = reader(from, used), *out = writer(to, &copied), *check;
	struct archive_entry *e;

	(void)state;
	assert_int_equal(base_tar_pass(in, out, "test", &c, NULL, NULL), 0);
	archive_read_free(in);
	archive_write_close(out);
	archive_write_free(out);
	assert_int_equal(c.entries, 18);
	assert_true(c.has_init && c.has_kernel && c.has_initrd);
	assert_string_equal(c.packages.buf, "a 1\nc 3\n");
	strbuf_free(&c.packages);

	check = reader(to, copied);
	while (archive_read_next_header(check, &e) == ARCHIVE_OK) {
		assert_true(n < sizeof(kept) / sizeof(kept[0]));
		assert_string_equal(archive_entry_pathname(e), kept[n++]);
		if (strstr(archive_entry_pathname(e), "machine-id"))
			assert_int_equal(archive_entry_size(e), 0);
	}
	assert_int_equal(n, sizeof(kept) / sizeof(kept[0]));
	archive_read_free(check);
	free(from);
	free(to);
}

static void test_acl(void **state)
{
	/* user::rwx user:4:r-x group::r-x mask::r-x other::--- */
	static const unsigned char acl[] = {
		2, 0, 0,    0,	  1,	0,    7,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,	   5,
		0, 4, 0,    0,	  0,	4,    0,    5, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
		5, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,	   0xff, 0xff, 0xff, 0xff};
	struct archive_entry *e = archive_entry_new();

	(void)state;
	archive_entry_set_mode(e, S_IFDIR | 0755);
	archive_entry_xattr_add_entry(e, "user.other", "x", 1);
	archive_entry_xattr_add_entry(e, "system.posix_acl_default", acl, sizeof(acl));
	assert_int_equal(acl_from_xattrs(e), 0);
	assert_int_equal(archive_entry_acl_count(e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT), 5);
	archive_entry_free(e);

	for (size_t len = 0; len < sizeof(acl); len++) {
		e = archive_entry_new();
		archive_entry_xattr_add_entry(e, "system.posix_acl_access", acl, len);
		assert_int_equal(acl_from_xattrs(e), len >= 4 && len % 8 == 4 ? 0 : -22);
		archive_entry_free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_acl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
