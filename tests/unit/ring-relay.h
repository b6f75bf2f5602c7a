/* A relay before the master of a ring on the loopback: passes on `limit` bytes of the master, then nothing
 * more, so that a test decides how far the master gets. */
#ifndef LUCIE_TEST_RING_RELAY_H
#define LUCIE_TEST_RING_RELAY_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http-stub.h"

#define PAIRS 8

struct relay {
	struct http_stub front; /* its socket */
	unsigned int to;
	size_t limit;
	pid_t kill;	      /* once the limit is reached and `go` */
	atomic_bool *go, end; /* go may be NULL */
	pthread_t thread;
	int fd[PAIRS][2];
	size_t count, passed;
};

static void relay_accept(struct relay *r)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons((uint16_t)r->to)};
	int *pair = r->fd[r->count];

	pair[0] = accept(r->front.fd, NULL, NULL);
	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pair[0] >= 0 && !connect(pair[1], (struct sockaddr *)&to, sizeof(to)))
		r->count++;
}

static void relay_pass(struct relay *r, int from, int to, bool counts)
{
	char buf[32768];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n <= 0) {
		shutdown(to, SHUT_WR);
		sleep_ms(1);
		return;
	}
	stub_send(to, buf, (size_t)n);
	if (counts)
		r->passed += (size_t)n;
}

static void *relay_main(void *arg)
{
	struct relay *r = arg;

	while (!r->end && r->passed < r->limit) {
		struct pollfd p[1 + 2 * PAIRS] = {{.fd = r->front.fd, .events = POLLIN}};

		for (size_t i = 0; i < 2 * r->count; i++)
			p[1 + i] = (struct pollfd){.fd = r->fd[i / 2][i % 2], .events = POLLIN};
		poll(p, 1 + 2 * r->count, 100);
		for (size_t i = 0; i < 2 * r->count; i++)
			if (p[1 + i].revents)
				relay_pass(r, r->fd[i / 2][i % 2], r->fd[i / 2][1 - i % 2], i % 2);
		if (p[0].revents && r->count < PAIRS)
			relay_accept(r);
	}
	while (!r->end && r->go && !*r->go)
		sleep_ms(10);
	if (r->kill)
		kill(r->kill, SIGKILL);
	shutdown(r->front.fd, SHUT_RDWR);
	while (!r->kill && !r->end)
		sleep_ms(10);
	for (size_t i = 0; i < 2 * r->count; i++)
		close(r->fd[i / 2][i % 2]);
	close(r->front.fd);
	return NULL;
}

static inline unsigned int relay_start(struct relay *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	r->front.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->front.fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(r->front.fd, 16), 0);
	assert_int_equal(getsockname(r->front.fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, relay_main, r), 0);
	return ntohs(a.sin_port);
}

static inline void relay_end(struct relay *r)
{
	r->end = true;
	pthread_join(r->thread, NULL);
}

#endif
