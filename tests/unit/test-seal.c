/* init/lib/seal.c: only this site's plan, for this boot's key, as it was written, can be opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/plan-format.h"
#include "init/lib/seal.h"

static const char text[] = "lucie-plan 1\nnode a\n";
#define TEXT_LEN (sizeof(text) - 1)

static uint8_t site_public[SITE_PUBLIC_LEN], site_secret[SITE_SECRET_LEN];
static struct box_keys keys;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(seal_init(), 0);
	site_key_make(site_public, site_secret);
	box_keys_make(&keys);
	return 0;
}

static void make(struct strbuf *sealed)
{
	uint8_t signature[SIGNATURE_LEN];

	assert_int_equal(plan_sign(text, TEXT_LEN, site_secret, signature), 0);
	assert_int_equal(plan_seal(sealed, text, TEXT_LEN, signature, keys.public_key), 0);
}

static int open_it(const struct strbuf *sealed, const struct box_keys *k, const uint8_t *site)
{
	struct strbuf out = STRBUF_INIT;
	int ret = plan_open(&out, sealed->buf, sealed->len, k, site);

	if (!ret) {
		assert_int_equal(out.len, TEXT_LEN);
		assert_memory_equal(out.buf, text, TEXT_LEN);
	} else {
		assert_int_equal(out.len, 0);
	}
	strbuf_free(&out);
	return ret;
}

static void opens_what_was_sealed(void **state)
{
	struct strbuf sealed = STRBUF_INIT;

	(void)state;
	make(&sealed);
	assert_int_equal(open_it(&sealed, &keys, site_public), 0);
	strbuf_free(&sealed);
}

static void no_bit_may_change(void **state)
{
	struct strbuf sealed = STRBUF_INIT;

	(void)state;
	make(&sealed);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.buf[i] ^= 0x10;
		assert_int_equal(open_it(&sealed, &keys, site_public), -EBADMSG);
		sealed.buf[i] ^= 0x10;
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_int_equal(open_it(&(struct strbuf){.buf = sealed.buf, .len = len}, &keys,
					 site_public),
				 -EBADMSG);
	strbuf_free(&sealed);
}

static void another_boot_cannot_open_it(void **state)
{
	struct strbuf sealed = STRBUF_INIT;
	struct box_keys other;

	(void)state;
	box_keys_make(&other);
	make(&sealed);
	assert_int_equal(open_it(&sealed, &other, site_public), -EBADMSG);
	strbuf_free(&sealed);
}

static void another_site_is_refused(void **state)
{
	uint8_t other_public[SITE_PUBLIC_LEN], other_secret[SITE_SECRET_LEN];
	struct strbuf sealed = STRBUF_INIT;

	(void)state;
	site_key_make(other_public, other_secret);
	make(&sealed);
	assert_int_equal(open_it(&sealed, &keys, other_public), -EKEYREJECTED);
	strbuf_free(&sealed);
}

static void large_ones_are_refused(void **state)
{
	struct strbuf out = STRBUF_INIT;
	uint8_t signature[SIGNATURE_LEN];

	(void)state;
	assert_int_equal(plan_sign(text, PLAN_MAX + 1, site_secret, signature), -EFBIG);
	assert_int_equal(plan_open(&out, text, PLAN_MAX + 4096, &keys, site_public), -EFBIG);
}

static void signature_alone(void **state)
{
	uint8_t signature[SIGNATURE_LEN];

	(void)state;
	assert_int_equal(plan_sign(text, TEXT_LEN, site_secret, signature), 0);
	assert_int_equal(plan_verify(text, TEXT_LEN, signature, site_public), 0);
	assert_int_equal(plan_verify(text, TEXT_LEN - 1, signature, site_public), -EKEYREJECTED);
}

/* Ties the identity to its definition: the first 8 bytes of BLAKE3 of 32 zero bytes. */
static void site_identity(void **state)
{
	uint8_t zero[SITE_PUBLIC_LEN] = {0}, derived[SITE_PUBLIC_LEN];
	char id[SITE_ID_TEXT];

	(void)state;
	site_id(zero, id);
	assert_string_equal(id, "2ada83c1819a5372");
	site_key_public(site_secret, derived);
	assert_memory_equal(derived, site_public, sizeof(derived));
}

static void public_key_file(void **state)
{
	char path[] = "/tmp/lucie-test-XXXXXX";
	int fd = mkstemp(path);
	uint8_t got[SITE_PUBLIC_LEN];

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < SITE_PUBLIC_LEN; i++)
		dprintf(fd, "%02x", site_public[i]);
	dprintf(fd, "\n");
	assert_int_equal(site_public_read(path, got), 0);
	assert_memory_equal(got, site_public, sizeof(got));
	dprintf(fd, "00\n");
	assert_int_equal(site_public_read(path, got), -EINVAL);
	close(fd);
	unlink(path);
	assert_int_equal(site_public_read(path, got), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_was_sealed),
		cmocka_unit_test(no_bit_may_change),
		cmocka_unit_test(another_boot_cannot_open_it),
		cmocka_unit_test(another_site_is_refused),
		cmocka_unit_test(large_ones_are_refused),
		cmocka_unit_test(signature_alone),
		cmocka_unit_test(site_identity),
		cmocka_unit_test(public_key_file),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
