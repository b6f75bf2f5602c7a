/* One POST on a connection of its own, without waiting: for thousands of them at once. */
#ifndef LUCIE_SIM_POST_H
#define LUCIE_SIM_POST_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/request-code.h"
#include "init/lib/str.h"

struct sim_post {
	int fd; /* -1: none is under way */
	struct strbuf out, in;
	size_t sent;
	int64_t began; /* microseconds */
};

struct sim_answer {
	long status;
	const char *body; /* in sim_post.in */
	size_t len;
	char code[REQUEST_CODE_TEXT]; /* "": it has none */
};

int64_t sim_now_us(void);
/* Connects from `own` to `server` and sends; the descriptor goes to epoll with `data`. -errno. */
int sim_post_begin(struct sim_post *p, int epoll, void *data, const struct sockaddr_in *own,
		   const struct sockaddr_in *server);
/* When epoll says so: 1 the answer is whole, 0 not yet, -errno. */
int sim_post_step(struct sim_post *p, struct sim_answer *answer);
void sim_post_end(struct sim_post *p);

#endif
