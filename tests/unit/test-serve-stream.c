/* Server-sent events: what a viewer gets, who resumes, who is too slow, and how many may look. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/serve-stream.h"
#include "init/lib/seal.h"

static struct stream_hub *hub;

static int set_up(void **arg)
{
	(void)arg;
	return stream_hub_open(&hub);
}

static int tear_down(void **arg)
{
	(void)arg;
	assert_int_equal(stream_viewers(hub), 0);
	stream_hub_close(hub);
	return 0;
}

static int begin(struct http_reply *reply, const char *peer, const char *after,
		 const char *snapshot)
{
	struct http_call call = {.after = after};

	*reply = (struct http_reply){.fd = -1};
	snprintf(call.peer, sizeof(call.peer), "%s", peer);
	return stream_begin(hub, &call, snapshot, reply);
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

static void a_snapshot_then_what_is_told(void **arg)
{
	struct http_reply a;
	char text[4096];

	(void)arg;
	stream_tell(hub, "nodes", "{\"early\":1}");
	assert_int_equal(begin(&a, "192.0.2.1", NULL, "{\"all\":1}"), 0);
	assert_true(take(&a, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\nevent: snapshot\ndata: {\"all\":1}\n\n"));
	assert_null(strstr(text, "early"));
	assert_int_equal(take(&a, text, sizeof(text)), 0);
	stream_tell(hub, "nodes", "{\"late\":1}");
	stream_tell(hub, "nodes", "{\"later\":1}");
	assert_true(take(&a, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\nevent: nodes\ndata: {\"late\":1}\n\nid: "));
	assert_non_null(strstr(text, "data: {\"later\":1}\n\n"));
	end(&a);
}

static void who_comes_back_goes_on(void **arg)
{
	struct http_reply a;
	char text[4096], *id;

	(void)arg;
	assert_int_equal(begin(&a, "192.0.2.1", NULL, "{}"), 0);
	take(&a, text, sizeof(text));
	end(&a);
	id = last_id(text);
	assert_true(stream_can_resume(hub, id));
	stream_tell(hub, "nodes", "{\"missed\":1}");
	assert_true(stream_can_resume(hub, id));
	assert_int_equal(begin(&a, "192.0.2.1", id, NULL), 0);
	take(&a, text, sizeof(text));
	end(&a);
	assert_non_null(strstr(text, "missed"));
	for (int i = 0; i < 1000; i++)
		stream_tell(hub, "nodes", "{}");
	assert_false(stream_can_resume(hub, id));
	free(id);
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
	struct http_reply a;
	char text[4096], *id, future[64];

	(void)arg;
	assert_false(stream_can_resume(hub, NULL));
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_false(stream_can_resume(hub, ids[i]));
	assert_int_equal(begin(&a, "192.0.2.1", NULL, "{}"), 0);
	take(&a, text, sizeof(text));
	end(&a);
	id = last_id(text);
	id[17] = '\0'; /* the epoch and its '-' */
	snprintf(future, sizeof(future), "%s%s", id, "18446744073709551615");
	assert_false(stream_can_resume(hub, future));
	snprintf(future, sizeof(future), "%s%s", id, "99");
	assert_false(stream_can_resume(hub, future));
	free(id);
}

static void who_is_too_slow_is_sent_away(void **arg)
{
	struct http_reply slow;
	char text[4096], piece[4];

	(void)arg;
	assert_int_equal(begin(&slow, "192.0.2.1", NULL, "{}"), 0);
	take(&slow, text, sizeof(text));
	stream_tell(hub, "nodes", "{\"n\":1}");
	assert_int_equal(slow.stream.read(slow.stream.arg, piece, sizeof(piece)), sizeof(piece));
	for (int i = 0; i < 1000; i++)
		stream_tell(hub, "nodes", "{}");
	assert_int_equal(take(&slow, text, sizeof(text)), -1);
	end(&slow);
}

static void viewers_are_bounded(void **arg)
{
	struct http_reply list[STREAM_VIEWERS_MAX], more;
	char peer[32];

	(void)arg;
	for (int i = 0; i < STREAM_VIEWERS_MAX; i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%d", i / STREAM_VIEWERS_PER_PEER_MAX);
		assert_int_equal(begin(&list[i], peer, NULL, "{}"), 0);
		if (i == STREAM_VIEWERS_PER_PEER_MAX - 1)
			assert_int_equal(begin(&more, peer, NULL, "{}"), -EBUSY);
	}
	assert_int_equal(begin(&more, "192.0.2.99", NULL, "{}"), -EBUSY);
	end(&list[3]);
	assert_int_equal(begin(&list[3], "192.0.2.99", NULL, "{}"), 0);
	for (int i = 0; i < STREAM_VIEWERS_MAX; i++)
		end(&list[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_snapshot_then_what_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_comes_back_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_resumes_with_what_is_not_ours, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(who_is_too_slow_is_sent_away, set_up, tear_down),
		cmocka_unit_test_setup_teardown(viewers_are_bounded, set_up, tear_down),
	};

	return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
