/* Small bounded HTTP exchanges on libcurl; see http.h. */
#include "init/lib/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

static struct curl_slist *make_headers(const struct http_request *q)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no pause before a body */
	char line[256];

	if (q->content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s", q->content_type);
		list = curl_slist_append(list, line);
	}
	if (q->token) {
		snprintf(line, sizeof(line), "Authorization: Bearer %s", q->token);
		list = curl_slist_append(list, line);
	}
	return list;
}

static void set_options(CURL *curl, const struct http_request *q, struct strbuf *answer)
{
	curl_easy_setopt(curl, CURLOPT_URL, q->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
			 (long)(q->connect_seconds ? q->connect_seconds : 5));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(q->total_seconds ? q->total_seconds : 20));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (q->body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	}
}

int http_exchange(const struct http_request *request, struct strbuf *answer, long *status,
		  char *why, size_t why_len)
{
	char error[CURL_ERROR_SIZE] = "";
	size_t callers_max = answer->max;
	struct curl_slist *headers;
	CURLcode code;
	CURL *curl;
	int ret;

	http_init();
	strbuf_reset(answer);
	answer->max = request->max ? request->max : (size_t)1 << 20;
	curl = curl_easy_init();
	if (!curl) {
		if (why)
			snprintf(why, why_len, "out of memory");
		return -ENOMEM;
	}
	headers = make_headers(request);
	set_options(curl, request, answer);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	ret = to_errno(code, answer);
	if (ret == -EFBIG && why)
		snprintf(why, why_len, "the answer is larger than %zu bytes", answer->max);
	else if (ret && why)
		snprintf(why, why_len, "%s", *error ? error : curl_easy_strerror(code));
	answer->max = callers_max;
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return ret;
}
