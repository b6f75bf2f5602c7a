/* init/lib/http.c: answers of every kind end in time, bounded, and with a reason in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/lib/request-code.h"
#include "tests/unit/http-stub.h"

static struct http_stub stub;

#define TOKEN "abababababababababababababababababababababababababababababababab"

/* An answer with the code of GET /PATH, status and text: right but for what is asked for. */
static void answer_with_code(int client, const char *path)
{
	const char *text = strcmp(path, "forged-text") ? "hello" : "HELLO";
	int status = strcmp(path, "forged-status") ? 200 : 201;
	uint8_t key[REQUEST_KEY_LEN], request[REQUEST_CODE_LEN], code[REQUEST_CODE_LEN];
	char url[64], hex[REQUEST_CODE_TEXT], answer[256];

	request_key(TOKEN, key);
	snprintf(url, sizeof(url), "/%s", strcmp(path, "forged-path") ? path : "proven");
	request_code(key, "GET", url, NULL, 0, request);
	answer_code(key, request, (unsigned int)status, "hello", 5, code);
	str_to_hex(code, sizeof(code), hex);
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 200 X\r\nContent-Length: 5\r\nlucie-code: %s\r\n\r\n%s", hex, text);
	stub_send(client, answer, strlen(answer));
}

static void handle(int client, const char *path, long from, void *arg)
{
	static char big[100000];

	(void)from, (void)arg;
	if (!strcmp(path, "hello"))
		stub_answer(client, 200, "hello", 5);
	else if (!strcmp(path, "proven") || !strncmp(path, "forged", 6))
		answer_with_code(client, path);
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

static int get_with(const char *token, const char *path, char *why)
{
	struct strbuf answer = STRBUF_INIT;
	char url[128];
	long status;
	int ret;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", stub.port, path);
	ret = http_exchange(&(struct http_request){.url = url, .total_seconds = 1, .token = token},
			    &answer, &status, why, 160);
	if (!ret && status == 200)
		assert_string_equal(answer.buf, "hello");
	strbuf_free(&answer);
	return ret;
}

/* Who does not know the token can refuse, but not agree. */
static void forged_answers(void **state)
{
	char why[160] = "";

	(void)state;
	assert_int_equal(get_with(TOKEN, "proven", why), 0);
	assert_int_equal(get_with(NULL, "proven", why), 0);
	assert_int_equal(get_with(NULL, "hello", why), 0);
	assert_int_equal(get_with(TOKEN, "refused", why), 0);
	assert_string_equal(why, "");
	assert_int_equal(get_with(TOKEN, "hello", why), -EBADMSG);
	assert_string_equal(why, "the answer is not from who knows this installation's token");
	assert_int_equal(get_with(TOKEN, "forged-text", why), -EBADMSG);
	assert_int_equal(get_with(TOKEN, "forged-status", why), -EBADMSG);
	assert_int_equal(get_with(TOKEN, "forged-path", why), -EBADMSG);
	assert_int_equal(get_with("no token", "proven", why), -EINVAL);
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
		cmocka_unit_test(forged_answers),
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
