/* Small bounded HTTP exchanges on libcurl; see http.h. */
#include "init/lib/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "init/lib/request-code.h"

struct exchange {
	const struct http_request *request;
	struct strbuf *answer;
	/* with a token */
	uint8_t key[REQUEST_KEY_LEN], code[REQUEST_CODE_LEN];
	char answer_code[REQUEST_CODE_TEXT]; /* of its header */
};

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_NOTHING);
}

void http_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_curl);
}

static size_t take(char *data, size_t size, size_t count, void *arg)
{
	struct strbuf *answer = arg;

	return strbuf_add(answer, data, size * count) ? 0 : size * count;
}

/* A line of the answer's header, without a NUL. */
static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	static const char name[] = ANSWER_CODE_HEADER ": ";
	struct exchange *x = arg;
	size_t len = size * count, skip = sizeof(name) - 1;

	if (len > skip && !strncasecmp(data, name, skip))
		snprintf(x->answer_code, sizeof(x->answer_code), "%.*s", (int)(len - skip),
			 data + skip);
	return len;
}

static int to_errno(CURLcode code, const struct strbuf *answer)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_WRITE_ERROR:
		return answer->error ? answer->error : -EIO;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_GOT_NOTHING:
		return -EPROTO;
	default:
		return -EIO;
	}
}

static const char *method(const struct http_request *q)
{
	return q->body ? "POST" : "GET";
}

static const char *path(const struct http_request *q)
{
	const char *host = strstr(q->url, "://"), *found = strchr(host ? host + 3 : q->url, '/');

	return found ? found : "/";
}

static struct curl_slist *make_headers(const struct exchange *x)
{
	const struct http_request *q = x->request;
	char line[256], code[REQUEST_CODE_TEXT];
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no pause before a body */

	if (q->content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s", q->content_type);
		list = curl_slist_append(list, line);
	}
	if (q->token) {
		str_to_hex(x->code, sizeof(x->code), code);
		snprintf(line, sizeof(line), "Authorization: " REQUEST_SCHEME "%s", code);
		list = curl_slist_append(list, line);
	}
	return list;
}

static void set_options(CURL *curl, struct exchange *x)
{
	const struct http_request *q = x->request;

	curl_easy_setopt(curl, CURLOPT_URL, q->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
			 (long)(q->connect_seconds ? q->connect_seconds : 5));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(q->total_seconds ? q->total_seconds : 20));
	if (q->silent_seconds) {
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)q->silent_seconds);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x->answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	if (q->body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	}
}

static int make_code(struct exchange *x)
{
	const struct http_request *q = x->request;
	int ret = q->token ? request_key(q->token, x->key) : 0;

	if (q->token && !ret)
		request_code(x->key, method(q), path(q), q->body, q->body_len, x->code);
	return ret;
}

/* Who does not know the token cannot say that all is well. */
static bool is_forged(const struct exchange *x, long status)
{
	uint8_t code[REQUEST_CODE_LEN];

	if (!x->request->token || status != 200)
		return false;
	answer_code(x->key, x->code, (unsigned int)status, x->answer->buf, x->answer->len, code);
	return !code_is(code, x->answer_code);
}

static int perform(CURL *curl, struct exchange *x, long *status, char *why, size_t why_len)
{
	struct curl_slist *headers = make_headers(x);
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code;
	int ret;

	set_options(curl, x);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	curl_slist_free_all(headers);
	ret = to_errno(code, x->answer);
	if (ret == -EFBIG)
		snprintf(why, why_len, "the answer is larger than %zu bytes", x->answer->max);
	else if (ret)
		snprintf(why, why_len, "%s", *error ? error : curl_easy_strerror(code));
	if (ret || !is_forged(x, *status))
		return ret;
	snprintf(why, why_len, "the answer is not from who knows this installation's token");
	return -EBADMSG;
}

int http_exchange(const struct http_request *request, struct strbuf *answer, long *status,
		  char *why, size_t why_len)
{
	struct exchange x = {.request = request, .answer = answer};
	size_t callers_max = answer->max;
	char unread[160];
	CURL *curl;
	int ret;

	if (!why) {
		why = unread;
		why_len = sizeof(unread);
	}
	http_init();
	strbuf_reset(answer);
	ret = make_code(&x);
	if (ret) {
		snprintf(why, why_len, "the token is none");
		return ret;
	}
	curl = curl_easy_init();
	if (!curl) {
		snprintf(why, why_len, "out of memory");
		return -ENOMEM;
	}
	answer->max = request->max ? request->max : (size_t)1 << 20;
	ret = perform(curl, &x, status, why, why_len);
	answer->max = callers_max;
	curl_easy_cleanup(curl);
	return ret;
}
