/* A POST as a state machine; see sim-post.h. */
#include "tests/bench/sim-post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)1 << 20)

int64_t sim_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* 10,000 addresses with one port each, rather than one address with all of its ports. */
static int bind_own(int fd, const struct sockaddr_in *own)
{
	int one = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)own, sizeof(*own)) ? -errno : 0;
}

int sim_post_begin(struct sim_post *p, int epoll, void *data, const struct sockaddr_in *own,
		   const struct sockaddr_in *server)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = data};
	int ret;

	p->began = sim_now_us();
	p->sent = 0;
	strbuf_reset(&p->in);
	p->in.max = ANSWER_MAX;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	ret = bind_own(p->fd, own);
	if (!ret && connect(p->fd, (const struct sockaddr *)server, sizeof(*server)) &&
	    errno != EINPROGRESS)
		ret = -errno;
	if (!ret && epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &e))
		ret = -errno;
	if (ret)
		sim_post_end(p);
	return ret;
}

/* 1: the answer is whole. */
static int look(struct sim_post *p, struct sim_answer *answer)
{
	const char *end = p->in.buf ? strstr(p->in.buf, "\r\n\r\n") : NULL, *length, *code;

	if (!end)
		return 0;
	length = strcasestr(p->in.buf, "\r\nContent-Length:");
	if (strncmp(p->in.buf, "HTTP/1.1 ", 9) != 0 || !length || length > end)
		return -EPROTO;
	code = strcasestr(p->in.buf, "\r\n" ANSWER_CODE_HEADER ": ");
	snprintf(answer->code, sizeof(answer->code), "%s",
		 code && code < end ? code + strlen("\r\n" ANSWER_CODE_HEADER ": ") : "");
	answer->status = strtol(p->in.buf + 9, NULL, 10);
	answer->body = end + 4;
	answer->len = strtoul(length + 17, NULL, 10);
	return p->in.len >= (size_t)(answer->body - p->in.buf) + answer->len;
}

int sim_post_step(struct sim_post *p, struct sim_answer *answer)
{
	char block[16384];
	ssize_t n;

	while (p->sent < p->out.len) {
		n = send(p->fd, p->out.buf + p->sent, p->out.len - p->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		p->sent += (size_t)n;
	}
	while ((n = recv(p->fd, block, sizeof(block), 0)) > 0)
		if (strbuf_add(&p->in, block, (size_t)n))
			return -EFBIG;
	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (look(p, answer) > 0)
		return 1;
	return n ? 0 : -ECONNRESET;
}

void sim_post_end(struct sim_post *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
