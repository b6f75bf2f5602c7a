/* The HTTP server on loopback: bodies and their limits, files and ranges, and clients that do not
 * behave. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host-tools/lib/http-server.h"
#include "host-tools/lib/serve-work.h"
#include "init/lib/io.h"

#define BODY_MAX  1000
#define FILE_SIZE 100000

static struct http_server *server;
static struct work *work;
static int listen_fd, file_fd;

static size_t body_max(const char *path, void *arg)
{
	(void)arg;
	return strcmp(path, "/post") && strcmp(path, "/kept") ? 0 : BODY_MAX;
}

/* What is sent on a stream: as many letters as there are by now. */
static _Atomic int letters;
static _Atomic int streams_closed;

static ssize_t stream_read(void *arg, char *buf, size_t max)
{
	int *sent = arg, n = letters - *sent;

	if (n < 0)
		return -1;
	if ((size_t)n > max)
		n = (int)max;
	memset(buf, 'x', (size_t)n);
	*sent += n;
	return n;
}

static void stream_close(void *arg)
{
	free(arg);
	streams_closed++;
}

static void stream_begin(struct http_reply *reply)
{
	static const struct http_header headers[] = {{"X-Kind", "stream"}, {NULL, NULL}};

	reply->status = HTTP_OK;
	reply->headers = headers;
	reply->stream = (struct http_stream){stream_read, stream_close, calloc(1, sizeof(int))};
}

static void say_what_arrived(const struct http_call *call)
{
	if (call->after) {
		http_reply_text(call->reply, HTTP_OK, "after %s", call->after);
		return;
	}
	http_reply_text(call->reply, HTTP_OK, "%s %s %s %zu %s", call->method, call->path,
			call->token  ? call->token
			: call->code ? call->code
				     : "-",
			call->body_len, call->peer);
}

static struct http_call *work_run(struct http_call *list, void *arg)
{
	(void)arg;
	for (struct http_call *call = list; call; call = call->next)
		say_what_arrived(call);
	return list;
}

/* /file is a file, /stream has no end, /kept is answered by another thread; everything else says
 * what arrived. */
static bool handle(struct http_call *call, struct http_reply *reply, void *arg)
{
	(void)arg;
	if (!strcmp(call->path, "/kept"))
		return work_put(work, call);
	if (!strcmp(call->path, "/stream")) {
		stream_begin(reply);
		return true;
	}
	if (strcmp(call->path, "/file") != 0) {
		say_what_arrived(call);
		return true;
	}
	reply->fd = dup(file_fd);
	reply->size = FILE_SIZE;
	snprintf(reply->etag, sizeof(reply->etag), "tag");
	return true;
}

static int set_up(void **arg)
{
	struct http_server_options options = {.body_max = body_max, .handle = handle};
	struct work_options queue = {.run = work_run, .most = 3, .gather_ms = 1};
	char name[] = "/tmp/test-http.XXXXXX", block[1000];

	(void)arg;
	file_fd = mkstemp(name);
	unlink(name);
	for (int i = 0; i < FILE_SIZE / 1000; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		write_full(file_fd, block, sizeof(block));
	}
	listen_fd = http_listen("127.0.0.1", 0);
	options.listen_fd = listen_fd;
	if (listen_fd < 0 || work_start(&work, &queue))
		return -1;
	return http_server_start(&server, &options);
}

static int tear_down(void **arg)
{
	(void)arg;
	work_end(work);
	http_server_stop(server);
	work_free(work);
	close(listen_fd);
	close(file_fd);
	return 0;
}

static int connect_to(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_port = htons(http_port(listen_fd));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* Sends a request, which should ask for the connection's end, and returns the answer; the caller's
 * to free. */
static char *exchange(const char *request, size_t len)
{
	size_t n = 0, cap = 2 * FILE_SIZE;
	char *answer = calloc(1, cap + 1);
	int fd = connect_to();
	ssize_t got;

	write_full(fd, request, len);
	while (n < cap && (got = read(fd, answer + n, cap - n)) > 0)
		n += (size_t)got;
	close(fd);
	return answer;
}

static void expect(const char *request, const char *status, const char *text)
{
	char *answer = exchange(request, strlen(request));

	if (strncmp(answer + 9, status, 3) != 0 || (text && !strstr(answer, text)))
		fail_msg("%s\n--- gave\n%.600s\n--- not %s %s", request, answer, status,
			 text ? text : "");
	free(answer);
}

#define END "Host: x\r\nConnection: close\r\n\r\n"

static void calls_arrive_whole(void **arg)
{
	(void)arg;
	expect("GET /a%20b HTTP/1.1\r\nAuthorization: Bearer secret\r\n" END, "200",
	       "GET /a b secret 0 127.0.0.1");
	expect("GET /x HTTP/1.1\r\nAuthorization: Lucie 0123\r\n" END, "200", "GET /x 0123 0");
	expect("GET /x HTTP/1.1\r\nAuthorization: Basic secret\r\n" END, "200", "GET /x - 0");
	expect("POST /post HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", "200", "POST /post - 5");
	expect("POST /post HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
	       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	       "200", "POST /post - 5");
	expect("POST /post HTTP/1.1\r\nContent-Length: 0\r\n" END, "200", "POST /post - 0");
}

static void what_is_not_served_is_refused(void **arg)
{
	(void)arg;
	expect("PUT /post HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", "405", NULL);
	expect("DELETE / HTTP/1.1\r\n" END, "405", NULL);
	expect("POST /elsewhere HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", "405", NULL);
	expect("GET /x HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", "413", NULL);
}

static void nonsense_ends_the_connection(void **arg)
{
	const char request[] = "nonsense\r\n\r\n";
	char *answer = exchange(request, strlen(request));

	(void)arg;
	assert_true(!answer[0] || !strncmp(answer + 9, "400", 3));
	free(answer);
}

static void bodies_are_bounded(void **arg)
{
	struct strbuf b = STRBUF_INIT;
	char *answer;

	(void)arg;
	expect("POST /post HTTP/1.1\r\nContent-Length: 1001\r\n" END, "413", NULL);
	expect("POST /post HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END, "413",
	       NULL);
	strbuf_adds(&b, "POST /post HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
	for (int i = 0; i < 100; i++)
		strbuf_adds(&b, "20\r\n0123456789012345678901234567890a\r\n");
	strbuf_adds(&b, "0\r\n\r\n");
	answer = exchange(b.buf, b.len);
	assert_memory_equal(answer + 9, "413", 3);
	free(answer);
	strbuf_free(&b);
}

static void headers_are_bounded(void **arg)
{
	struct strbuf b = STRBUF_INIT;
	char *answer;

	(void)arg;
	strbuf_adds(&b, "GET /x HTTP/1.1\r\n");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&b, "X-Header-%d: 0123456789012345678901234567890123456789\r\n", i);
	strbuf_adds(&b, END);
	answer = exchange(b.buf, b.len);
	assert_true(!strncmp(answer + 9, "4", 1) || !answer[0]);
	free(answer);
	strbuf_free(&b);
}

static void files_and_ranges(void **arg)
{
	(void)arg;
	expect("GET /file HTTP/1.1\r\n" END, "200", "Content-Length: 100000");
	expect("GET /file HTTP/1.1\r\nRange: bytes=998-1001\r\n" END, "206", "\r\n\r\naabb");
	expect("GET /file HTTP/1.1\r\nRange: bytes=998-1001\r\n" END, "206",
	       "Content-Range: bytes 998-1001/100000\r\n");
	expect("GET /file HTTP/1.1\r\nRange: bytes=100000-\r\n" END, "416",
	       "Content-Range: bytes */100000\r\n");
	expect("GET /file HTTP/1.1\r\nRange: bytes=0-1\r\nIf-Range: \"tag\"\r\n" END, "206", NULL);
	expect("GET /file HTTP/1.1\r\nRange: bytes=0-1\r\nIf-Range: \"other\"\r\n" END, "200",
	       NULL);
	expect("GET /file HTTP/1.1\r\n" END, "200", "ETag: \"tag\"");
}

static void head_sends_no_body(void **arg)
{
	const char request[] = "HEAD /file HTTP/1.1\r\n" END;
	char *answer = exchange(request, strlen(request));

	(void)arg;
	assert_non_null(strstr(answer, "Content-Length: 100000"));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
}

/* More at once than the server has threads, and than the queue takes in one go; each gets its own
 * answer, and one that left is not waited for. */
static void kept_calls_are_answered(void **arg)
{
	int fds[24];

	(void)arg;
	for (size_t i = 0; i < 24; i++) {
		char request[128], body[8];
		int n = snprintf(body, sizeof(body), "%.*s", (int)(i % 5 + 1), "12345");

		snprintf(request, sizeof(request),
			 "POST /kept HTTP/1.1\r\nContent-Length: %d\r\n" END "%s", n, body);
		fds[i] = connect_to();
		write_full(fds[i], request, strlen(request));
	}
	close(fds[0]);
	for (size_t i = 1; i < 24; i++) {
		char answer[1024] = "", wanted[32];
		size_t n = 0;
		ssize_t got;

		while (n < sizeof(answer) - 1 &&
		       (got = read(fds[i], answer + n, sizeof(answer) - 1 - n)) > 0)
			n += (size_t)got;
		snprintf(wanted, sizeof(wanted), "POST /kept - %zu", i % 5 + 1);
		if (!strstr(answer, wanted))
			fail_msg("%s\n--- has no '%s'", answer, wanted);
		close(fds[i]);
	}
}

/* One address cannot take all connections. */
static void connections_per_address_are_bounded(void **arg)
{
	int fds[64], open_count = 0;
	char byte;

	(void)arg;
	for (size_t i = 0; i < 64; i++)
		fds[i] = connect_to();
	sleep_ms(500);
	for (size_t i = 0; i < 64; i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLIN};

		open_count += poll(&p, 1, 0) == 0 || recv(fds[i], &byte, 1, MSG_DONTWAIT) > 0;
		close(fds[i]);
	}
	assert_in_range(open_count, 8, 48);
	for (int tries = 0; tries < 50; tries++) { /* and they come back */
		int fd = connect_to();
		ssize_t n;

		write_full(fd, "GET /x HTTP/1.1\r\n" END, strlen("GET /x HTTP/1.1\r\n" END));
		n = read(fd, &byte, 1);
		close(fd);
		if (n == 1)
			return;
		sleep_ms(100);
	}
	fail_msg("no connection is taken any more");
}

static void what_the_client_has_arrives(void **arg)
{
	(void)arg;
	expect("GET /x?after=12&b=c HTTP/1.1\r\n" END, "200", "after 12\n");
	expect("GET /x?after=12 HTTP/1.1\r\nLast-Event-ID: 13\r\n" END, "200", "after 13\n");
	expect("GET /x?before=12 HTTP/1.1\r\n" END, "200", "GET /x - 0");
}

static int stream_open(void)
{
	int fd = connect_to();

	write_full(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
		   strlen("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"));
	return fd;
}

/* Reads until that many letters have come, and returns whether the header named the stream. */
static bool stream_expect(int fd, int count)
{
	char buf[4096] = "";
	bool named = false;
	ssize_t n = 0;

	while (count > 0 && (n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		const char *from = buf;

		buf[n] = '\0';
		named |= strstr(buf, "X-Kind: stream") != NULL;
		if (strstr(buf, "\r\n\r\n"))
			from = strstr(buf, "\r\n\r\n");
		for (; *from; from++)
			count -= *from == 'x';
	}
	if (count)
		print_message("%s, after '%s'\n", n < 0 ? strerror(errno) : "the end", buf);
	assert_int_equal(count, 0);
	return named;
}

static void streams_sleep_and_wake(void **arg)
{
	int a, b;

	(void)arg;
	letters = 3;
	a = stream_open();
	b = stream_open();
	assert_true(stream_expect(a, 3));
	assert_true(stream_expect(b, 3));
	letters = 5;
	http_server_wake(server);
	stream_expect(a, 2);
	stream_expect(b, 2);
	close(b); /* of a client that left, the server knows when it has something for it */
	for (int tries = 0; tries < 100 && !streams_closed; tries++) {
		letters++;
		http_server_wake(server);
		stream_expect(a, 1);
		sleep_ms(20);
	}
	assert_int_equal(streams_closed, 1);
	letters = -1; /* the end */
	http_server_wake(server);
	for (int tries = 0; tries < 100 && streams_closed < 2; tries++)
		sleep_ms(20);
	assert_int_equal(streams_closed, 2);
	close(a);
	expect("GET /x HTTP/1.1\r\n" END, "200", NULL);
}

/* tear_down stops the server while these sleep. */
static void streams_do_not_hold_up_the_end(void **arg)
{
	(void)arg;
	letters = 1;
	for (int i = 0; i < 4; i++)
		stream_expect(stream_open(), 1);
}

static void a_taken_port_is_said(void **arg)
{
	(void)arg;
	assert_int_equal(http_listen("127.0.0.1", http_port(listen_fd)), -EADDRINUSE);
	assert_true(http_listen("not an address", 1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_arrive_whole),
		cmocka_unit_test(what_is_not_served_is_refused),
		cmocka_unit_test(nonsense_ends_the_connection),
		cmocka_unit_test(bodies_are_bounded),
		cmocka_unit_test(headers_are_bounded),
		cmocka_unit_test(files_and_ranges),
		cmocka_unit_test(head_sends_no_body),
		cmocka_unit_test(kept_calls_are_answered),
		cmocka_unit_test(connections_per_address_are_bounded),
		cmocka_unit_test(what_the_client_has_arrives),
		cmocka_unit_test(streams_sleep_and_wake),
		cmocka_unit_test(a_taken_port_is_said),
		cmocka_unit_test(streams_do_not_hold_up_the_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
