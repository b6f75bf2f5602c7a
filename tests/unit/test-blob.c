/* init/lib/blob.c, blob-fetch.c: the reader gives the right bytes or none, whatever its sources do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "init/lib/blob.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/silent.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/http-stub.h"

#define LENGTH (2 * BLOB_CHUNK + 12345)

static uint8_t *data;
static struct blob_manifest manifest;
static struct strbuf manifest_text;
static struct http_stub stub, deaf; /* deaf: takes connections and never answers */
static unsigned int deaf_requests;
static char silent[80]; /* the file of silent.h; "" : none is given */
static char file[64];
static unsigned int requests; /* for data, by the server's thread */
static long first_byte;	      /* of the last one of them */

/* What each path does with the request that starts at `from`. */
static void send_data(int client, const char *path, long from)
{
	size_t start = from > 0 ? (size_t)from : 0, len = start < LENGTH ? LENGTH - start : 0;

	requests++;
	first_byte = from;
	if (!strcmp(path, "good"))
		stub_answer(client, 206, data + start, len);
	else if (!strcmp(path, "norange"))
		stub_answer(client, 200, data, LENGTH);
	else if (!strcmp(path, "cut")) /* a whole chunk and a part, then the end */
		stub_answer(client, 206, data + start,
			    len < BLOB_CHUNK + 1000 ? len : BLOB_CHUNK + 1000);
	else if (!strcmp(path, "dribble")) /* never a whole chunk */
		stub_answer(client, 206, data + start, 1000);
	else if (!strcmp(path, "wrong")) {
		uint8_t *copy = malloc(len);

		memcpy(copy, data + start, len);
		copy[len / 2] ^= 1;
		stub_answer(client, 206, copy, len);
		free(copy);
	} else if (!strcmp(path, "more")) {
		uint8_t *copy = calloc(1, len + 100);

		memcpy(copy, data + start, len);
		stub_answer(client, 206, copy, len + 100);
		free(copy);
	} else if (!strcmp(path, "silent")) {
		stub_send(client, "HTTP/1.1 206 X\r\nContent-Length: 1000\r\n\r\nabc", 42);
		(void)!read(client, &(char){0}, 1); /* until the client has gone */
	} else
		stub_answer(client, 404, "no\n", 3);
}

static void handle(int client, const char *path, long from, void *arg)
{
	size_t n = strlen(path);

	(void)arg;
	if (n < 5 || strcmp(path + n - 5, ".blob") != 0)
		send_data(client, path, from);
	else if (!strcmp(path, "nomanifest.blob"))
		stub_answer(client, 404, "no\n", 3);
	else if (!strcmp(path, "badmanifest.blob"))
		stub_answer(client, 200, manifest_text.buf, manifest_text.len - 1);
	else
		stub_answer(client, 200, manifest_text.buf, manifest_text.len);
}

static void handle_never(int client, const char *path, long from, void *arg)
{
	(void)path, (void)from, (void)arg;
	__atomic_add_fetch(&deaf_requests, 1, __ATOMIC_SEQ_CST);
	(void)!read(client, &(char){0}, 1); /* until the client has gone */
}

/* Reads everything from these sources ("file:...", "deaf", or a path of the stub). Every byte that comes is
 * compared. 0 or -errno. */
static int read_all(const char *const *sources, size_t count, const char *root,
		    bool (*cancelled)(void *arg))
{
	char text[4][128];
	const char *urls[4];
	struct blob_request q = {.root = root,
				 .urls = urls,
				 .url_count = count,
				 .stall_seconds = 1,
				 .silent = *silent ? silent : NULL,
				 .tries = 2,
				 .cancelled = cancelled};
	struct blob_reader *r;
	const void *block;
	size_t done = 0;
	ssize_t n;
	int ret;

	for (size_t i = 0; i < count; i++) {
		snprintf(text[i], sizeof(text[i]),
			 strncmp(sources[i], "file:", 5) ? "http://127.0.0.1:%2$d/%1$s" : "%1$s",
			 sources[i], strcmp(sources[i], "deaf") ? stub.port : deaf.port);
		urls[i] = text[i];
	}
	requests = 0;
	ret = blob_open(&r, &q);
	if (ret)
		return ret;
	assert_true(blob_length(r) == LENGTH);
	while ((n = blob_next(r, &block)) > 0) {
		assert_true(done + (size_t)n <= LENGTH);
		assert_memory_equal(block, data + done, (size_t)n);
		done += (size_t)n;
	}
	blob_close(r);
	if (n == 0)
		assert_int_equal(done, LENGTH);
	return (int)n;
}

#define READ(...)                                                                                  \
	read_all((const char *const[]){__VA_ARGS__},                                               \
		 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), manifest.root, NULL)

static void good_sources(void **state)
{
	char url[80];

	(void)state;
	assert_int_equal(READ("good"), 0);
	assert_int_equal(requests, 1);
	assert_int_equal(READ("norange"), 0);
	snprintf(url, sizeof(url), "file:%s", file);
	assert_int_equal(READ(url), 0);
}

static void goes_on_where_it_broke(void **state)
{
	(void)state;
	assert_int_equal(READ("cut"), 0);
	assert_int_equal(requests, 3);
	assert_int_equal(READ("cut", "good"), 0);
	assert_int_equal(requests, 2);
}

static void next_source(void **state)
{
	(void)state;
	assert_int_equal(READ("missing", "good"), 0);
	assert_int_equal(READ("wrong", "good"), 0);
	assert_int_equal(READ("silent", "good"), 0);
	assert_int_equal(READ("nomanifest", "badmanifest", "good"), 0);
	assert_int_equal(READ("file:/nonexistent", "good"), 0);
}

static void gives_up(void **state)
{
	(void)state;
	assert_int_equal(READ("missing"), -EIO);
	assert_non_null(strstr(log_last_error(), "HTTP status 404; gave up after 2 tries"));
	assert_int_equal(READ("wrong"), -EIO);
	assert_non_null(strstr(log_last_error(), "is not what the manifest says"));
	assert_int_equal(READ("dribble"), -EIO);
	assert_non_null(strstr(log_last_error(), "it ends too early"));
	assert_int_equal(READ("cut", "dribble", "missing"), 0);
	assert_int_equal(READ("badmanifest"), -EIO);
	assert_non_null(strstr(log_last_error(), "its manifest is damaged"));
	assert_int_equal(READ("nomanifest"), -EIO);
}

/* Bytes after the end are an error of the source; what was verified before them is right, and
 * complete. */
static void more_than_promised(void **state)
{
	(void)state;
	assert_int_equal(READ("more"), 0);
}

static void another_root_is_refused(void **state)
{
	char root[BLOB_ROOT_TEXT];

	(void)state;
	memset(root, 'a', sizeof(root) - 1);
	root[sizeof(root) - 1] = '\0';
	assert_int_equal(read_all((const char *const[]){"good"}, 1, root, NULL), -EIO);
	assert_non_null(strstr(log_last_error(), "its manifest is of another blob"));
}

/* What is remembered is for the blobs that come, in whatever process. */
static void silent_source_costs_one_wait(void **state)
{
	(void)state;
	snprintf(silent, sizeof(silent), "%s/silent", temp_folder);
	for (int i = 0; i < 3; i++)
		assert_int_equal(READ("deaf", "good"), 0);
	assert_int_equal(deaf_requests, 1);
	assert_int_equal(READ("deaf", "file:/nonexistent", "cut", "good"), 0);
	assert_int_equal(deaf_requests, 1);
	assert_int_equal(READ("deaf", "file:/nonexistent"), -EIO); /* not given up for good */
	assert_int_equal(deaf_requests, 3);
	silent[0] = '\0';
}

static void silent_sources_come_last(void **state)
{
	char *urls[] = {"http://a:1/x", "file:/b", "http://c/x", "http://a:12/y", "http://d"};
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/order", temp_folder);
	silent_last(path, urls, 5);
	assert_string_equal(urls[0], "http://a:1/x");
	silent_note(path, "http://c/some/other");
	silent_note(path, "http://a:1/other");
	silent_note(path, "file:/b");
	silent_last(path, urls, 5);
	assert_string_equal(urls[0], "file:/b");
	assert_string_equal(urls[1], "http://a:12/y");
	assert_string_equal(urls[2], "http://d");
	assert_string_equal(urls[3], "http://c/x");
	assert_string_equal(urls[4], "http://a:1/x");
	silent_note(path, "http://c");
	silent_last(path, urls, 5);
	assert_string_equal(urls[3], "http://a:1/x");
	assert_string_equal(urls[4], "http://c/x");
	silent_note("/nonexistent/folder/file", "http://c");
}

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static void can_be_cancelled(void **state)
{
	(void)state;
	assert_int_equal(read_all((const char *const[]){"good"}, 1, manifest.root, always),
			 -ECANCELED);
}

static void closed_in_the_middle(void **state)
{
	char url[80];
	const char *urls[] = {url};
	struct blob_reader *r;
	const void *block;

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/good", stub.port);
	assert_int_equal(blob_open(&r, &(struct blob_request){.root = manifest.root,
							      .urls = urls,
							      .url_count = 1}),
			 0);
	assert_int_equal(blob_next(r, &block), BLOB_CHUNK);
	blob_close(r);
}

struct stream {
	size_t bytes; /* to give */
	size_t wrong; /* one of them that is; LENGTH: none */
	int ret, calls;
	bool lingers, released;
};

static int run_stream(struct blob_reader *r, void *arg, char *why, size_t size)
{
	struct stream *s = arg;
	uint8_t *copy = malloc(LENGTH + 1);
	int ret = 0;

	s->calls++;
	assert_true(blob_wanted(r) == 0);
	memcpy(copy, data, LENGTH);
	copy[LENGTH] = 0;
	copy[s->wrong] ^= 1;
	for (size_t at = 0, n; !ret && at < s->bytes; at += n) {
		n = s->bytes - at < 1000000 ? s->bytes - at : 1000000;
		ret = blob_give(r, copy + at, n);
	}
	free(copy);
	if (!ret && s->ret)
		snprintf(why, size, "it is gone");
	while (s->lingers && !__atomic_load_n(&s->released, __ATOMIC_SEQ_CST))
		assert_false(blob_stopped(r));
	return ret ? ret : s->ret;
}

/* Through a stream and, where that ends, `url`; 0 or -errno. */
static int read_stream(struct stream *s, const char *url)
{
	struct blob_stream stream = {.name = "ring x:1", .run = run_stream, .arg = s};
	const char *urls[] = {url};
	struct blob_request q = {
		.root = manifest.root, .urls = urls, .url_count = 1, .stream = &stream, .tries = 1};
	struct blob_reader *r;
	const void *block;
	size_t done = 0;
	ssize_t n;

	assert_int_equal(blob_open(&r, &q), 0);
	while ((n = blob_next(r, &block)) > 0) {
		assert_memory_equal(block, data + done, (size_t)n);
		done += (size_t)n;
	}
	assert_true(n < 0 || done == LENGTH);
	assert_true(!s->lingers || blob_lingers(r));
	__atomic_store_n(&s->released, true, __ATOMIC_SEQ_CST);
	blob_close(r);
	assert_int_equal(s->calls, 1);
	return (int)n;
}

static void stream_before_urls(void **state)
{
	char url[80];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/good", stub.port);
	requests = 0;
	assert_int_equal(
		read_stream(&(struct stream){.bytes = LENGTH, .wrong = LENGTH, .lingers = true},
			    url),
		0);
	assert_int_equal(requests, 0);
	assert_int_equal(read_stream(&(struct stream){.bytes = LENGTH + 1, .wrong = LENGTH}, url),
			 0);
	assert_int_equal(requests, 0);
}

/* Whatever is wrong with it, the URLs go on at the first chunk that is missing. */
static void stream_that_ends(void **state)
{
	char url[80];

	(void)state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/good", stub.port);
	first_byte = -1;
	assert_int_equal(read_stream(&(struct stream){.wrong = LENGTH, .ret = -EIO}, url), 0);
	assert_int_equal(first_byte, 0);
	assert_int_equal(
		read_stream(&(struct stream){.bytes = BLOB_CHUNK + 9, .wrong = LENGTH}, url), 0);
	assert_int_equal(first_byte, BLOB_CHUNK);
	assert_int_equal(
		read_stream(&(struct stream){.bytes = LENGTH, .wrong = BLOB_CHUNK + 7}, url), 0);
	assert_int_equal(first_byte, BLOB_CHUNK);
	assert_int_equal(read_stream(&(struct stream){.bytes = BLOB_CHUNK + 9,
						      .wrong = LENGTH,
						      .ret = -ECANCELED},
				     url),
			 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/wrong", stub.port);
	assert_int_equal(read_stream(&(struct stream){.wrong = LENGTH, .ret = -EIO}, url), -EIO);
}

static void stream_closed_early(void **state)
{
	struct stream s = {.bytes = LENGTH, .wrong = LENGTH};
	struct blob_stream stream = {.name = "ring x:1", .run = run_stream, .arg = &s};
	char file_url[80];
	const char *urls[] = {file_url};
	struct blob_reader *r;

	(void)state;
	snprintf(file_url, sizeof(file_url), "file:%s", file);
	assert_int_equal(blob_open(&r, &(struct blob_request){.root = manifest.root,
							      .urls = urls,
							      .url_count = 1,
							      .stream = &stream}),
			 0);
	blob_close(r);
}

static int setup(void **state)
{
	char path[80];
	int fd;

	data = malloc(LENGTH);
	for (size_t i = 0; i < LENGTH; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(temp_folder_make(state), 0);
	snprintf(file, sizeof(file), "%s/data", temp_folder);
	assert_int_equal(file_write(file, data, LENGTH, 0600), 0);
	fd = open(file, O_RDONLY);
	assert_int_equal(blob_manifest_make(&manifest, fd), 0);
	close(fd);
	assert_int_equal(blob_manifest_write(&manifest, &manifest_text), 0);
	snprintf(path, sizeof(path), "%s.blob", file);
	assert_int_equal(file_write(path, manifest_text.buf, manifest_text.len, 0600), 0);
	stub.handle = handle;
	deaf.handle = handle_never;
	return stub_start(&stub) || stub_start(&deaf);
}

static int teardown(void **state)
{
	stub_stop(&stub);
	stub_stop(&deaf);
	blob_manifest_free(&manifest);
	strbuf_free(&manifest_text);
	free(data);
	return temp_folder_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_sources),
		cmocka_unit_test(goes_on_where_it_broke),
		cmocka_unit_test(next_source),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(more_than_promised),
		cmocka_unit_test(another_root_is_refused),
		cmocka_unit_test(silent_source_costs_one_wait),
		cmocka_unit_test(silent_sources_come_last),
		cmocka_unit_test(can_be_cancelled),
		cmocka_unit_test(closed_in_the_middle),
		cmocka_unit_test(stream_before_urls),
		cmocka_unit_test(stream_that_ends),
		cmocka_unit_test(stream_closed_early),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
