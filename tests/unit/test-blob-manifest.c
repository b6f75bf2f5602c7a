/* init/lib/blob-manifest.c: what is written is read again, and nothing else is taken for a manifest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/blob.h"
#include "init/lib/io.h"
#include "tests/unit/temp-folder.h"

#define LENGTH (2 * BLOB_CHUNK + 12345)

static struct blob_manifest manifest;
static struct strbuf manifest_text;

static void manifest_round_trip(void **state)
{
	struct blob_manifest m;

	(void)state;
	assert_int_equal(blob_manifest_parse(&m, manifest_text.buf, manifest_text.len), 0);
	assert_true(m.length == LENGTH);
	assert_int_equal(m.chunks, 3);
	assert_string_equal(m.root, manifest.root);
	assert_int_equal(blob_chunk_length(&m, 2), 12345);
	blob_manifest_free(&m);
}

static void parse_is(int expected, const char *text)
{
	struct blob_manifest m;

	assert_int_equal(blob_manifest_parse(&m, text, strlen(text)), expected);
	assert_null(m.hash);
}

#define ZERO64 "0000000000000000000000000000000000000000000000000000000000000000"

static void bad_manifests(void **state)
{
	struct blob_manifest m;

	(void)state;
	parse_is(-EINVAL, "");
	parse_is(-EINVAL, "lucie-blob 2\nlength 0\nroot " ZERO64 "\n");
	parse_is(-EINVAL, "lucie-blob 1\nlength 0\nroot " ZERO64);
	parse_is(-EBADMSG, "lucie-blob 1\nlength 0\nroot " ZERO64 "\n");
	parse_is(-EBADMSG, "lucie-blob 1\nlength 1\nroot " ZERO64 "\nchunk " ZERO64 "\n");
	parse_is(-EINVAL, "lucie-blob 1\nlength 1\nroot " ZERO64 "\n");
	parse_is(-EINVAL, "lucie-blob 1\nlength 0\nroot " ZERO64 "\nchunk " ZERO64 "\n");
	parse_is(-EINVAL,
		 "lucie-blob 1\nlength 18446744073709551615\nroot " ZERO64 "\nchunk " ZERO64 "\n");
	parse_is(-EINVAL, "lucie-blob 1\nlength -1\nroot " ZERO64 "\n");
	parse_is(-EINVAL, "lucie-blob 1\nlength 1\nroot " ZERO64 "\nchunk g" ZERO64 "\n");
	/* every bit of the list is under the root */
	for (size_t i = 0; i < manifest_text.len; i++) {
		manifest_text.buf[i] ^= 4;
		assert_int_not_equal(blob_manifest_parse(&m, manifest_text.buf, manifest_text.len),
				     0);
		manifest_text.buf[i] ^= 4;
	}
	assert_int_equal(blob_manifest_parse(&m, "", BLOB_MANIFEST_MAX + 1), -EFBIG);
}

/* Ties the format to its definition, computed with another program. */
static void known_roots(void **state)
{
	struct blob_manifest m;
	char path[80];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/empty", temp_folder);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(blob_manifest_make(&m, fd), 0);
	assert_int_equal(m.chunks, 0);
	assert_string_equal(m.root,
			    "1f7f69c4d15ed5e670a29aed67ef213281db8efb1a66c347cb915d1cf63454eb");
	blob_manifest_free(&m);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(blob_manifest_make(&m, fd), 0);
	assert_int_equal(m.chunks, 1);
	assert_string_equal(m.root,
			    "2231925f6b2bd2a0bd1de9b01c4da2b8fb22731fab4861ca925955b348ea92b6");
	blob_manifest_free(&m);
	close(fd);
	unlink(path);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(blob_manifest_make(&m, fd), -EINVAL);
	close(fd);
}

/* Of a file with other bytes in each chunk. */
static int setup(void **state)
{
	char path[80];
	int fd, ret;

	if (temp_folder_make(state))
		return -1;
	snprintf(path, sizeof(path), "%s/data", temp_folder);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	for (off_t at = 0; at < (off_t)LENGTH; at += (off_t)BLOB_CHUNK)
		assert_int_equal(pwrite(fd, &at, sizeof(at), at), sizeof(at));
	assert_int_equal(ftruncate(fd, LENGTH), 0);
	ret = blob_manifest_make(&manifest, fd);
	close(fd);
	unlink(path);
	return ret ? ret : blob_manifest_write(&manifest, &manifest_text);
}

static int teardown(void **state)
{
	blob_manifest_free(&manifest);
	strbuf_free(&manifest_text);
	return temp_folder_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_round_trip),
		cmocka_unit_test(bad_manifests),
		cmocka_unit_test(known_roots),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
