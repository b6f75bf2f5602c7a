/* The signing process: it signs plans and nothing else, guards the key file's mode, and its end is
 * noticed. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host-tools/lib/signer.h"
#include "init/lib/io.h"
#include "init/lib/plan-format.h"

static const char plan[] = PLAN_VERSION_LINE "\nsite 0123456789abcdef\n";
static char dir[64], key_path[192];
static uint8_t public_key[SITE_PUBLIC_LEN];

static int set_up(void **arg)
{
	uint8_t secret[SITE_SECRET_LEN];
	char path[128], text[2 * SITE_SECRET_LEN + 2];

	(void)arg;
	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/test-signer.XXXXXX");
	if (seal_init() || !mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/key", dir);
	mkdir(path, 0700);
	snprintf(key_path, sizeof(key_path), "%s/site.key", path);
	site_key_make(public_key, secret);
	str_to_hex(secret, sizeof(secret), text);
	strcat(text, "\n");
	return file_write(key_path, text, strlen(text), 0600);
}

static int tear_down(void **arg)
{
	char path[128];

	(void)arg;
	unlink(key_path);
	snprintf(path, sizeof(path), "%s/key", dir);
	rmdir(path);
	return rmdir(dir);
}

static void a_signature_opens_with_the_public_key(void **arg)
{
	struct strbuf sealed = STRBUF_INIT, opened = STRBUF_INIT;
	uint8_t signature[SIGNATURE_LEN];
	struct box_keys keys;
	struct signer s;

	(void)arg;
	assert_int_equal(signer_start(&s, dir), 0);
	assert_memory_equal(s.public_key, public_key, sizeof(public_key));
	for (int i = 0; i < 3; i++)
		assert_int_equal(signer_sign(&s, plan, strlen(plan), signature), 0);
	box_keys_make(&keys);
	assert_int_equal(plan_seal(&sealed, plan, strlen(plan), signature, keys.public_key), 0);
	assert_int_equal(plan_open(&opened, sealed.buf, sealed.len, &keys, public_key), 0);
	assert_string_equal(opened.buf, plan);
	strbuf_free(&sealed);
	strbuf_free(&opened);
	signer_stop(&s);
}

static void only_plans_of_a_size_are_signed(void **arg)
{
	uint8_t signature[SIGNATURE_LEN];
	char *large = calloc(1, PLAN_MAX + 1);
	struct signer s;

	(void)arg;
	assert_int_equal(signer_start(&s, dir), 0);
	assert_int_equal(signer_sign(&s, "anything", 8, signature), -EINVAL);
	assert_int_equal(signer_sign(&s, "", 0, signature), -EFBIG);
	assert_int_equal(signer_sign(&s, large, PLAN_MAX + 1, signature), -EFBIG);
	memcpy(large, plan, strlen(plan));
	assert_int_equal(signer_sign(&s, large, PLAN_MAX, signature), 0);
	free(large);
	signer_stop(&s);
}

static void a_dead_process_is_an_error_and_no_hang(void **arg)
{
	uint8_t signature[SIGNATURE_LEN];
	struct signer s;

	(void)arg;
	assert_int_equal(signer_start(&s, dir), 0);
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	s.pid = -1;
	assert_int_equal(signer_sign(&s, plan, strlen(plan), signature), -EIO);
	assert_int_equal(signer_sign(&s, plan, strlen(plan), signature), -EIO);
	signer_stop(&s);
}

static void a_key_that_others_can_read_is_refused(void **arg)
{
	struct signer s;

	(void)arg;
	chmod(key_path, 0640);
	assert_int_equal(signer_start(&s, dir), -ENOKEY);
}

static void a_damaged_or_missing_key_is_refused(void **arg)
{
	struct signer s;

	(void)arg;
	file_write(key_path, "0123\n", 5, 0600);
	assert_int_equal(signer_start(&s, dir), -ENOKEY);
	unlink(key_path);
	assert_int_equal(signer_start(&s, dir), -ENOKEY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* What comes out can be opened by the boot only, and only an identity comes out. */
static void identities_are_sealed_anew(void **arg)
{
	static const char text[] = "lucie-identity 1\nnode n1\n", other[] = "anything else";
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT, out = STRBUF_INIT, clear = STRBUF_INIT;
	struct box_keys boot, stranger;
	uint8_t signature[SIGNATURE_LEN];
	struct signer s;

	(void)arg;
	box_keys_make(&boot);
	box_keys_make(&stranger);
	assert_int_equal(signer_start(&s, dir), 0);
	assert_int_equal(box_seal(&in, text, strlen(text), s.identity_key), 0);
	assert_int_equal(signer_reseal(&s, in.buf, in.len, boot.public_key, &out), 0);
	assert_int_equal(box_open(&clear, out.buf, out.len, &stranger), -EBADMSG);
	assert_int_equal(box_open(&clear, out.buf, out.len, &boot), 0);
	assert_string_equal(clear.buf, text);
	in.buf[in.len - 1] ^= 1;
	assert_int_equal(signer_reseal(&s, in.buf, in.len, boot.public_key, &out), -EBADMSG);
	strbuf_reset(&in);
	assert_int_equal(box_seal(&in, other, strlen(other), s.identity_key), 0);
	assert_int_equal(signer_reseal(&s, in.buf, in.len, boot.public_key, &out), -EBADMSG);
	assert_int_equal(signer_reseal(&s, "", 0, boot.public_key, &out), -EBADMSG);
	assert_int_equal(signer_sign(&s, PLAN_VERSION_LINE "\n", 13, signature), 0);
	signer_stop(&s);
}

static int check(struct signer *s, const char *node, const char *text)
{
	_cleanup_strbuf_ struct strbuf in = STRBUF_INIT;

	assert_int_equal(box_seal(&in, text, strlen(text), s->identity_key), 0);
	return signer_check(s, node, in.buf, in.len);
}

static void an_identity_is_of_its_node(void **arg)
{
	static const char text[] = "lucie-identity 1\nnode n1\n";
	char longest[64], garbage[200] = "", long_text[128];
	struct signer s;

	(void)arg;
	assert_int_equal(signer_start(&s, dir), 0);
	assert_int_equal(check(&s, "n1", text), 0);
	assert_int_equal(check(&s, "n11", text), -EBADMSG);
	assert_int_equal(check(&s, "n", text), -EBADMSG);
	assert_int_equal(check(&s, "", text), -EBADMSG);
	assert_int_equal(check(&s, "n1", "lucie-identity 1\n"), -EBADMSG);
	assert_int_equal(check(&s, "n1", "lucie-identity 1\nnode n1\nfile ../x AAAA\n"), -EBADMSG);
	assert_int_equal(check(&s, "n1", "garbage"), -EBADMSG);
	assert_int_equal(signer_check(&s, "n1", garbage, sizeof(garbage)), -EBADMSG);
	assert_int_equal(signer_check(&s, "n1", garbage, 1), -EBADMSG);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	snprintf(long_text, sizeof(long_text), "lucie-identity 1\nnode %s\n", longest);
	assert_int_equal(check(&s, longest, long_text), 0);
	assert_int_equal(check(&s, "n1", text), 0);
	signer_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signature_opens_with_the_public_key),
		TEST(only_plans_of_a_size_are_signed),
		TEST(a_dead_process_is_an_error_and_no_hang),
		TEST(a_key_that_others_can_read_is_refused),
		TEST(a_damaged_or_missing_key_is_refused),
		TEST(identities_are_sealed_anew),
		TEST(an_identity_is_of_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
