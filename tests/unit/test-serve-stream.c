/* Server-sent events: what a viewer gets, who resumes, who is slow, and how many may look. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/serve-stream.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/seal.h"

static struct stream_hub *hub;
static unsigned int written;

static int set_up(void **arg)
{
	(void)arg;
	written = 0;
	return stream_hub_open(&hub);
}

static int tear_down(void **arg)
{
	(void)arg;
	assert_int_equal(stream_viewers(hub), 0);
	stream_hub_close(hub);
	return 0;
}

static int begin(struct http_reply *reply, const char *peer, const char *after)
{
	struct http_call call = {.after = after};

	*reply = (struct http_reply){.fd = -1};
	snprintf(call.peer, sizeof(call.peer), "%s", peer);
	return stream_begin(hub, &call, reply);
}

/* From one version to the newest. */
static const char *write_step(struct strbuf *out, uint64_t from, void *newest)
{
	written++;
	strbuf_addf(out, "{\"from\":%llu,\"to\":%d}", (unsigned long long)from, *(int *)newest);
	return from ? "nodes" : "snapshot";
}

static const char *write_nothing(struct strbuf *out, uint64_t from, void *arg)
{
	(void)out;
	(void)from;
	(void)arg;
	return NULL;
}

static void tell_at(int newest, int64_t now)
{
	stream_tell(hub, (uint64_t)newest, now, write_step, &newest);
}

static void tell(int newest)
{
	tell_at(newest, now_ms());
}

/* All that there is, read in pieces of a few bytes. */
static ssize_t take(const struct http_reply *reply, char *buf, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while ((got = reply->stream.read(reply->stream.arg, buf + n, 7)) > 0) {
		n += (size_t)got;
		assert_true(n + 8 < size);
	}
	buf[n] = '\0';
	return got < 0 ? got : (ssize_t)n;
}

static void end(const struct http_reply *reply)
{
	reply->stream.close(reply->stream.arg);
}

/* "EPOCH-NUMBER" of the last event in the text; the caller's to free. */
static char *last_id(const char *text)
{
	const char *id = NULL;

	for (const char *p = text; (p = strstr(p, "id: ")); p += 4)
		id = p + 4;
	assert_non_null(id);
	return strndup(id, strcspn(id, "\n"));
}

static void a_snapshot_then_what_is_new(void **arg)
{
	struct http_reply a;
	char text[4096];

	(void)arg;
	tell(3);
	assert_int_equal(begin(&a, "192.0.2.1", NULL), 0);
	tell(3);
	assert_true(take(&a, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "-3\nevent: snapshot\ndata: {\"from\":0,\"to\":3}\n\n"));
	tell(3);
	assert_int_equal(take(&a, text, sizeof(text)), 0);
	tell(4);
	assert_true(take(&a, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "-4\nevent: nodes\ndata: {\"from\":3,\"to\":4}\n\n"));
	end(&a);
}

/* What has not left yet is no queue: the next event leads from there to the newest version. */
static void who_is_slow_gets_the_newest(void **arg)
{
	struct http_reply slow;
	char text[4096], piece[20];

	(void)arg;
	assert_int_equal(begin(&slow, "192.0.2.1", NULL), 0);
	tell(1);
	take(&slow, text, sizeof(text));
	tell(2);
	assert_true(slow.stream.read(slow.stream.arg, piece, sizeof(piece)) > 0);
	for (int version = 3; version <= 1000; version++)
		tell(version);
	assert_int_equal(written, 2);
	assert_true(take(&slow, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "{\"from\":1,\"to\":2}\n\n"));
	assert_int_equal(take(&slow, text, sizeof(text)), 0);
	tell(1001);
	take(&slow, text, sizeof(text));
	assert_non_null(strstr(text, "{\"from\":2,\"to\":1001}\n\n"));
	assert_int_equal(written, 3);
	end(&slow);
}

static void the_same_is_written_once(void **arg)
{
	struct http_reply list[8];
	char text[4096];

	(void)arg;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(begin(&list[i], "192.0.2.1", NULL), 0);
	tell(1);
	assert_int_equal(written, 1);
	take(&list[0], text, sizeof(text)); /* the others have not taken theirs */
	tell(2);
	assert_int_equal(written, 2);
	end(&list[0]);
	end(&list[1]);
	for (size_t i = 2; i < 8; i++) {
		take(&list[i], text, sizeof(text));
		assert_non_null(strstr(text, "{\"from\":0,\"to\":1}\n\n"));
	}
	tell(2);
	assert_int_equal(written, 3);
	for (size_t i = 2; i < 8; i++)
		end(&list[i]);
}

static void a_sign_of_life(void **arg)
{
	struct http_reply a;
	char text[4096];

	(void)arg;
	assert_int_equal(begin(&a, "192.0.2.1", NULL), 0);
	tell(1);
	take(&a, text, sizeof(text));
	tell_at(1, now_ms() + STREAM_QUIET_MS);
	assert_true(take(&a, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "{\"from\":1,\"to\":1}\n\n"));
	end(&a);
}

static void what_cannot_be_written_waits(void **arg)
{
	struct http_reply a;
	char text[4096];

	(void)arg;
	assert_int_equal(begin(&a, "192.0.2.1", NULL), 0);
	stream_tell(hub, 1, now_ms(), write_nothing, NULL);
	take(&a, text, sizeof(text));
	assert_null(strstr(text, "event:"));
	tell(1);
	take(&a, text, sizeof(text));
	assert_non_null(strstr(text, "{\"from\":0,\"to\":1}\n\n"));
	end(&a);
}

static void who_comes_back_goes_on(void **arg)
{
	struct http_reply a;
	char text[4096], *id;

	(void)arg;
	assert_int_equal(begin(&a, "192.0.2.1", NULL), 0);
	tell(7);
	take(&a, text, sizeof(text));
	end(&a);
	id = last_id(text);
	tell(9);
	assert_int_equal(begin(&a, "192.0.2.1", id), 0);
	tell(9);
	take(&a, text, sizeof(text));
	end(&a);
	assert_non_null(strstr(text, "event: nodes\ndata: {\"from\":7,\"to\":9}"));
	free(id);
}

static void begins_anew(const char *id)
{
	struct http_reply a;
	char text[4096];

	assert_int_equal(begin(&a, "192.0.2.1", id), 0);
	tell(7);
	take(&a, text, sizeof(text));
	end(&a);
	assert_non_null(strstr(text, "event: snapshot\n"));
}

static void nobody_resumes_with_what_is_not_ours(void **arg)
{
	static const char *const ids[] = {"",
					  "1",
					  "-1",
					  "0123456789abcdef-1",
					  "0123456789abcdef",
					  "../../etc",
					  "0123456789abcdef-18446744073709551615"};
	static const char *const versions[] = {"", "0", "8", "18446744073709551615", "7x"};
	struct http_reply a;
	char text[4096], *id, other[64];

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		begins_anew(ids[i]);
	assert_int_equal(begin(&a, "192.0.2.1", NULL), 0);
	tell(7);
	take(&a, text, sizeof(text));
	end(&a);
	id = last_id(text);
	id[17] = '\0'; /* the epoch and its '-' */
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		snprintf(other, sizeof(other), "%s%s", id, versions[i]);
		begins_anew(other);
	}
	free(id);
}

static void viewers_are_bounded(void **arg)
{
	struct http_reply list[STREAM_VIEWERS_MAX], more;
	char peer[32];

	(void)arg;
	for (int i = 0; i < STREAM_VIEWERS_MAX; i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%d", i / STREAM_VIEWERS_PER_PEER_MAX);
		assert_int_equal(begin(&list[i], peer, NULL), 0);
		if (i == STREAM_VIEWERS_PER_PEER_MAX - 1)
			assert_int_equal(begin(&more, peer, NULL), -EBUSY);
	}
	assert_int_equal(begin(&more, "192.0.2.99", NULL), -EBUSY);
	end(&list[3]);
	assert_int_equal(begin(&list[3], "192.0.2.99", NULL), 0);
	for (int i = 0; i < STREAM_VIEWERS_MAX; i++)
		end(&list[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_snapshot_then_what_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_slow_gets_the_newest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_is_written_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sign_of_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_comes_back_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_resumes_with_what_is_not_ours, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(viewers_are_bounded, set_up, tear_down),
	};

	return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
