/* An HTTP server of a few lines for tests of clients: one thread, one connection after the other,
 * on a free port of loopback. The test's handler sees the request's head and writes the whole
 * answer itself, so that it can break any rule. */
#ifndef HTTP_STUB_H
#define HTTP_STUB_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_stub {
	int fd;
	int port;
	pthread_t thread;
	/* path without the leading '/'; from: first byte of a Range, or -1 */
	void (*handle)(int client, const char *path, long from, void *arg);
	void *arg;
};

static inline void stub_serve(struct http_stub *s, int client)
{
	char head[4096], path[256] = "";
	size_t n = 0;
	const char *range;
	long from = -1;

	while (n < sizeof(head) - 1) {
		ssize_t got = read(client, head + n, sizeof(head) - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		head[n] = '\0';
		if (strstr(head, "\r\n\r\n"))
			break;
	}
	sscanf(head, "%*s /%255s", path);
	range = strstr(head, "Range: bytes=");
	if (range)
		sscanf(range, "Range: bytes=%ld-", &from);
	s->handle(client, path, from, s->arg);
}

static inline void *stub_main(void *arg)
{
	struct http_stub *s = arg;
	int client;

	while ((client = accept(s->fd, NULL, NULL)) >= 0) {
		stub_serve(s, client);
		shutdown(client, SHUT_WR);
		close(client);
	}
	return NULL;
}

static inline int stub_start(struct http_stub *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, len) || listen(s->fd, 16) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len))
		return -1;
	s->port = ntohs(a.sin_port);
	return pthread_create(&s->thread, NULL, stub_main, s);
}

static inline void stub_stop(struct http_stub *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static inline void stub_send(int client, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(client, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static inline void stub_answer(int client, int status, const void *body, size_t len)
{
	char head[160];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			 status, len);

	stub_send(client, head, (size_t)n);
	stub_send(client, body, len);
}

#endif
