/* init/lib/http.c: answers of every kind end in time, bounded, and with a reason in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "init/lib/http.h"
#include "init/lib/io.h"
#include "tests/unit/http-stub.h"

static struct http_stub stub;

static void handle(int client, const char *path, long from, void *arg)
{
	static char big[100000];

	(void)from, (void)arg;
	if (!strcmp(path, "hello"))
		stub_answer(client, 200, "hello", 5);
	else if (!strcmp(path, "refused"))
		stub_answer(client, 403, "not armed\n", 10);
	else if (!strcmp(path, "big"))
		stub_answer(client, 200, big, sizeof(big));
	else if (!strcmp(path, "garbage"))
		stub_send(client, "garbage\r\n\r\n", 11);
	else if (!strcmp(path, "redirect"))
		stub_send(client,
			  "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: "
			  "0\r\n\r\n",
			  67);
	else if (!strcmp(path, "short"))
		stub_send(client, "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc", 42);
	else if (!strcmp(path, "slow"))
		sleep_ms(1500);
}

static int get(const char *path, struct strbuf *answer, long *status, size_t max, char *why)
{
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", stub.port, path);
	return http_exchange(&(struct http_request){.url = url, .total_seconds = 1, .max = max},
			     answer, status, why, 160);
}

static void answers(void **state)
{
	struct strbuf answer = STRBUF_INIT;
	char why[160] = "";
	long status = 0;

	(void)state;
	assert_int_equal(get("hello", &answer, &status, 0, why), 0);
	assert_int_equal(status, 200);
	assert_string_equal(answer.buf, "hello");
	assert_int_equal(get("refused", &answer, &status, 0, why), 0);
	assert_int_equal(status, 403);
	assert_string_equal(answer.buf, "not armed\n");
	assert_int_equal(get("redirect", &answer, &status, 0, why), 0);
	assert_int_equal(status, 302);
	strbuf_free(&answer);
}

static void failures(void **state)
{
	struct strbuf answer = STRBUF_INIT;
	char why[160];
	long status;

	(void)state;
	assert_int_equal(get("big", &answer, &status, 99999, why), -EFBIG);
	assert_string_equal(why, "the answer is larger than 99999 bytes");
	assert_int_equal(get("big", &answer, &status, 100000, why), 0);
	assert_int_equal(get("garbage", &answer, &status, 0, why), -EPROTO);
	assert_int_equal(get("short", &answer, &status, 0, why), -EIO);
	assert_int_equal(get("slow", &answer, &status, 0, why), -ETIMEDOUT);
	strbuf_free(&answer);
}

static void only_http(void **state)
{
	struct strbuf answer = STRBUF_INIT;
	char why[160];
	long status;

	(void)state;
	assert_int_equal(http_exchange(&(struct http_request){.url = "file:///etc/passwd"}, &answer,
				       &status, why, 160),
			 -EPROTO);
	assert_int_equal(http_exchange(&(struct http_request){.url = "http://127.0.0.1:1/"},
				       &answer, &status, why, 160),
			 -ECONNREFUSED);
	strbuf_free(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(failures),
		cmocka_unit_test(only_http),
	};
	int ret;

	stub.handle = handle;
	if (stub_start(&stub))
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	stub_stop(&stub);
	return ret;
}
