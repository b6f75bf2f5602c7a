/* Many nodes in one thread. First all get their plans, then each reports once a second, then that it
 * is installed; see sim-nodes.c. A node keeps what is not acknowledged and sends it again, together
 * with what came since, as PID 1 does.
 *
 * A latency counts from when the event was due, so that a time in which nothing goes is not counted
 * once but as often as nodes had to wait; beside it, the latency from the begin of the connection.
 */
#include "tests/bench/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/event.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "tests/bench/sim-post.h"

#define SECOND	   ((int64_t)1000000)
#define ANSWER_US  (20 * SECOND) /* as PID 1 */
#define AGAIN_US   SECOND
#define GIVE_UP_US (120 * SECOND) /* the whole of a phase, beyond its own time */
#define LOG_EVERY  10		  /* seconds between two lines of a node's log */
#define NEVER	   INT64_MAX

struct node {
	struct sim_post post;
	struct sockaddr_in own;
	char mac[MAC_TEXT], nonce[2 * NONCE_LEN + 1];
	struct box_keys keys;
	char install[PLAN_ID_MAX];			      /* "": it has no plan yet */
	uint8_t key[REQUEST_KEY_LEN], code[REQUEST_CODE_LEN]; /* code: of the request under way */
	struct strbuf events;				      /* not acknowledged */
	size_t sending;					      /* bytes of them that are under way */
	uint64_t seq, sent_seq; /* the last event; the last one under way */
	uint64_t kept;		/* events that the server's state has to have */
	/* Since when the oldest event is due of those under way, and of those after them. */
	int64_t waiting, next_waiting;
	bool done, ending;
};

struct latencies {
	uint32_t *us;
	size_t count, room;
};

struct swarm {
	const struct sim_options *options;
	struct sockaddr_in server;
	char host[64];
	int epoll;
	struct node *nodes;
	int64_t *due; /* of each node: when to look at it; apart, to be quick to go through */
	unsigned int under_way, done;
	uint64_t posts, again, refused;
	struct latencies since_due, since_connect, at_end;
	int64_t started;
};

/* --- latencies --- */

static void latency_add(struct latencies *l, int64_t us)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 65536;
		l->us = realloc(l->us, l->room * sizeof(*l->us));
		if (!l->us)
			abort();
	}
	l->us[l->count++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void latency_print(struct latencies *l, const char *what)
{
	if (!l->count)
		return;
	qsort(l->us, l->count, sizeof(*l->us), compare);
	printf("%s ms: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f  (%zu)\n", what,
	       l->us[l->count / 2] / 1e3, l->us[l->count * 9 / 10] / 1e3,
	       l->us[l->count * 99 / 100] / 1e3, l->us[l->count * 999 / 1000] / 1e3,
	       l->us[l->count - 1] / 1e3, l->count);
	l->count = 0;
}

/* --- what a node says --- */

static void event_add(struct swarm *s, struct node *n, struct event e)
{
	int64_t now = sim_now_us();

	snprintf(e.install, sizeof(e.install), "%s", n->install);
	snprintf(e.mac, sizeof(e.mac), "%s", n->mac);
	e.seq = ++n->seq;
	e.t = (now - s->started) / 1000;
	n->kept += e.kind != EVENT_PROGRESS;
	if (n->events.len == n->sending)
		n->next_waiting = now;
	event_encode(&n->events, &e);
}

static void event_of_second(struct swarm *s, struct node *n, uint64_t second)
{
	struct event e = {.kind = EVENT_PROGRESS,
			  .bytes = second * 10000000,
			  .total = (uint64_t)s->options->seconds * 10000000,
			  .module = "extrbase",
			  .level = "info",
			  .message = "unpacking the base system"};

	if (!second)
		e.kind = EVENT_START;
	else if (second % LOG_EVERY == 0)
		e.kind = EVENT_LOG;
	event_add(s, n, e);
}

static void event_of_end(struct swarm *s, struct node *n)
{
	n->ending = true;
	event_add(s, n,
		  (struct event){.kind = EVENT_END, .ok = 1, .millis = 1000, .module = "extrbase"});
	event_add(s, n, (struct event){.kind = EVENT_REPORT, .ok = 1});
}

/* --- requests --- */

static void request(struct swarm *s, struct node *n, const char *path, const char *body, size_t len)
{
	size_t i = (size_t)(n - s->nodes);
	char hex[REQUEST_CODE_TEXT];

	strbuf_reset(&n->post.out);
	strbuf_addf(&n->post.out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n", path,
		    s->host, len);
	if (n->install[0]) {
		request_code(n->key, "POST", path, body, len, n->code);
		str_to_hex(n->code, sizeof(n->code), hex);
		strbuf_addf(&n->post.out, "Authorization: " REQUEST_SCHEME "%s\r\n", hex);
	}
	strbuf_adds(&n->post.out, "\r\n");
	strbuf_add(&n->post.out, body, len);
	if (sim_post_begin(&n->post, s->epoll, n, &n->own, &s->server)) {
		s->again++;
		s->due[i] = sim_now_us() + AGAIN_US;
		return;
	}
	s->posts++;
	s->under_way++;
	s->due[i] = n->post.began + ANSWER_US;
}

static void ask_plan(struct swarm *s, struct node *n)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;

	sim_plan_request(&body, n->mac, n->nonce, &n->keys);
	request(s, n, "/v1/plan", body.buf, body.len);
}

static void send_events(struct swarm *s, struct node *n)
{
	if (!n->sending) /* else it is the second attempt, or more */
		n->waiting = n->next_waiting;
	n->sending = n->events.len;
	n->sent_seq = n->seq;
	request(s, n, "/v1/events", n->events.buf, n->events.len);
}

static void node_done(struct swarm *s, struct node *n)
{
	n->done = true;
	s->done++;
	s->due[n - s->nodes] = NEVER;
}

/* --- answers --- */

static void plan_came(struct swarm *s, struct node *n, const struct sim_answer *answer)
{
	_cleanup_strbuf_ struct strbuf text = {.max = PLAN_MAX};
	struct plan plan = {0};

	if (sim_plan_take(&plan, &text, answer->body, answer->len, &n->keys, n->nonce,
			  s->options->site_public)) {
		s->refused++;
	} else {
		snprintf(n->install, sizeof(n->install), "%s", plan_head(&plan, "install"));
		request_key(plan_head(&plan, "token"), n->key);
		latency_add(&s->since_connect, sim_now_us() - n->post.began);
	}
	plan_free(&plan);
	node_done(s, n);
}

static bool is_acknowledged(const struct node *n, const struct sim_answer *answer)
{
	json_t *json = json_loadb(answer->body, answer->len, 0, NULL);
	bool ok = json_integer_value(json_object_get(json, "ack")) >= (json_int_t)n->sent_seq;
	uint8_t code[REQUEST_CODE_LEN];

	answer_code(n->key, n->code, (unsigned int)answer->status, answer->body, answer->len, code);
	ok = ok && code_is(code, answer->code);

	json_decref(json);
	return ok;
}

static void events_came(struct swarm *s, struct node *n, const struct sim_answer *answer)
{
	int64_t now = sim_now_us();

	if (!is_acknowledged(n, answer)) {
		s->refused++;
		node_done(s, n);
		return;
	}
	latency_add(n->ending ? &s->at_end : &s->since_due, now - n->waiting);
	latency_add(&s->since_connect, now - n->post.began);
	memmove(n->events.buf, n->events.buf + n->sending, n->events.len - n->sending);
	n->events.len -= n->sending;
	n->sending = 0;
	s->due[n - s->nodes] = n->events.len ? now : NEVER;
	if (!n->events.len)
		node_done(s, n);
}

static void answer_came(struct swarm *s, struct node *n)
{
	struct sim_answer answer;
	int ret = n->post.fd < 0 ? 0 : sim_post_step(&n->post, &answer);

	if (!ret)
		return;
	sim_post_end(&n->post);
	s->under_way--;
	if (ret < 0 || answer.status >= 500) {
		s->again++;
		s->due[n - s->nodes] = sim_now_us() + AGAIN_US;
	} else if (answer.status != 200) {
		s->refused++;
		if (s->refused == 1)
			printf("refused: %ld %.*s", answer.status, (int)answer.len, answer.body);
		node_done(s, n);
	} else {
		(n->install[0] ? events_came : plan_came)(s, n, &answer);
	}
}

/* --- the phases --- */

static void wait_for_answers(struct swarm *s)
{
	struct epoll_event events[256];
	int n = epoll_wait(s->epoll, events, 256, 1);

	for (int i = 0; i < n; i++)
		answer_came(s, events[i].data.ptr);
}

/* Those that are due: a new request, or the end of the wait for an answer. */
static void look_at_due(struct swarm *s, void (*begin)(struct swarm *s, struct node *n),
			unsigned int at_once)
{
	int64_t now = sim_now_us();

	for (size_t i = 0; i < s->options->nodes; i++) {
		struct node *n = &s->nodes[i];

		if (s->due[i] > now)
			continue;
		if (n->post.fd >= 0) {
			sim_post_end(&n->post);
			s->under_way--;
			s->again++;
		}
		if (s->under_way < at_once)
			begin(s, n);
	}
}

/* Until every node is done; false: that takes too long. */
static bool all_done(struct swarm *s, void (*begin)(struct swarm *s, struct node *n),
		     unsigned int at_once)
{
	int64_t limit = sim_now_us() + GIVE_UP_US;

	while (s->done < s->options->nodes) {
		look_at_due(s, begin, at_once);
		wait_for_answers(s);
		if (sim_now_us() > limit)
			return false;
	}
	return true;
}

static bool plans(struct swarm *s)
{
	int64_t began = sim_now_us();
	bool ok;

	for (size_t i = 0; i < s->options->nodes; i++)
		s->due[i] = 0;
	ok = all_done(s, ask_plan, s->options->at_once);
	printf("plans: %u of %u in %.1f s, tried again %llu, refused %llu\n", s->done,
	       s->options->nodes, (double)(sim_now_us() - began) / SECOND,
	       (unsigned long long)s->again, (unsigned long long)s->refused);
	latency_print(&s->since_connect, "a plan, since the connection,");
	return ok && !s->refused;
}

/* Node i speaks at i/N of each second; what it says at the last one is that it is installed. */
static void speak(struct swarm *s, size_t i, uint64_t second)
{
	struct node *n = &s->nodes[i];

	if (second < s->options->seconds)
		event_of_second(s, n, second);
	else
		event_of_end(s, n);
	if (n->done) {
		n->done = false;
		s->done--;
		s->due[i] = 0;
	}
}

static bool reports(struct swarm *s)
{
	uint64_t total = (uint64_t)s->options->nodes * (s->options->seconds + 1), spoken = 0;
	int64_t began = sim_now_us();
	bool ok;

	while (spoken < total) {
		int64_t elapsed = sim_now_us() - began;

		for (; spoken < total && (int64_t)(spoken * SECOND / s->options->nodes) <= elapsed;
		     spoken++)
			speak(s, spoken % s->options->nodes, spoken / s->options->nodes);
		look_at_due(s, send_events, UINT32_MAX);
		wait_for_answers(s);
	}
	ok = all_done(s, send_events, UINT32_MAX);
	printf("events: %llu in %.1f s, %llu requests, tried again %llu, refused %llu\n",
	       (unsigned long long)total + s->options->nodes,
	       (double)(sim_now_us() - began) / SECOND, (unsigned long long)s->posts,
	       (unsigned long long)s->again, (unsigned long long)s->refused);
	latency_print(&s->since_due, "a report, since it was due,");
	latency_print(&s->since_connect, "any of them, since the connection,");
	latency_print(&s->at_end, "the last one, with its boot file,");
	return ok && !s->refused;
}

/* --- begin and end --- */

static int address_parse(struct swarm *s, const char *url)
{
	char host[64];
	unsigned int port;

	if (sscanf(url, "http://%63[0-9.]:%u", host, &port) != 2 || port > UINT16_MAX)
		return log_err(-EINVAL, "'%s' is not http://ADDRESS:PORT", url);
	s->server.sin_family = AF_INET;
	s->server.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &s->server.sin_addr) != 1)
		return log_err(-EINVAL, "'%s' is not an address", host);
	snprintf(s->host, sizeof(s->host), "%.50s:%u", host, port);
	return 0;
}

static int nodes_make(struct swarm *s, const char *first)
{
	unsigned int m[6];
	uint64_t mac = 0;

	if (sscanf(first, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		return log_err(-EINVAL, "'%s' is not an address of a network card", first);
	for (size_t i = 0; i < 6; i++)
		mac = mac << 8 | (m[i] & 255);
	for (uint32_t i = 0; i < s->options->nodes; i++, mac++) {
		struct node *n = &s->nodes[i];

		snprintf(n->mac, sizeof(n->mac), "%02x:%02x:%02x:%02x:%02x:%02x",
			 (unsigned int)(mac >> 40) & 255, (unsigned int)(mac >> 32) & 255,
			 (unsigned int)(mac >> 24) & 255, (unsigned int)(mac >> 16) & 255,
			 (unsigned int)(mac >> 8) & 255, (unsigned int)mac & 255);
		n->own.sin_family = AF_INET;
		n->own.sin_addr.s_addr = htonl(0x7f010000 + i); /* 127.1.0.0, ... */
		n->post.fd = -1;
		sim_nonce(n->nonce);
		box_keys_make(&n->keys);
	}
	return 0;
}

static int ledger_write(const struct swarm *s)
{
	FILE *f = s->options->ledger ? fopen(s->options->ledger, "w") : NULL;

	if (!s->options->ledger)
		return 0;
	if (!f)
		return log_err(-errno, "cannot write '%s'", s->options->ledger);
	for (size_t i = 0; i < s->options->nodes; i++)
		fprintf(f, "%s %llu %llu\n", s->nodes[i].install,
			(unsigned long long)s->nodes[i].seq, (unsigned long long)s->nodes[i].kept);
	return fclose(f) ? log_err(-errno, "cannot write '%s'", s->options->ledger) : 0;
}

static void swarm_free(struct swarm *s)
{
	for (size_t i = 0; s->nodes && i < s->options->nodes; i++) {
		sim_post_end(&s->nodes[i].post);
		strbuf_free(&s->nodes[i].post.out);
		strbuf_free(&s->nodes[i].post.in);
		strbuf_free(&s->nodes[i].events);
	}
	free(s->nodes);
	free(s->due);
	free(s->since_due.us);
	free(s->since_connect.us);
	free(s->at_end.us);
	close(s->epoll);
}

static bool run(struct swarm *s)
{
	bool ok = plans(s);

	s->posts = s->again = 0;
	if (ok)
		ok = reports(s);
	return !ledger_write(s) && ok;
}

int sim_many(const struct sim_options *options)
{
	struct swarm s = {.options = options, .started = sim_now_us()};
	struct rlimit files;
	bool ok = false;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.nodes = calloc(options->nodes, sizeof(*s.nodes));
	s.due = calloc(options->nodes, sizeof(*s.due));
	if (s.nodes && s.due && !address_parse(&s, options->server) &&
	    !nodes_make(&s, options->mac))
		ok = run(&s);
	swarm_free(&s);
	return ok ? 0 : 1;
}
