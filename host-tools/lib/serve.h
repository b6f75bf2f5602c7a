/* The server of a cluster: plans, blobs, boot files, packages and events over HTTP, DHCP and TFTP
 * by a supervised dnsmasq (docs/serving.md). serve.c is the loop; each serve-*.c answers one kind
 * of request or watches one thing.
 */
#ifndef LUCIE_SERVE_H
#define LUCIE_SERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/http-server.h"
#include "host-tools/lib/serve-request.h"
#include "host-tools/lib/signer.h"
#include "host-tools/lib/state.h"
#include "init/lib/event.h"

#define SERVE_PORT	   8077 /* where the definition names none */
#define SERVE_ATTEMPTS_MAX 3	/* plans for one arming */

struct serve_options {
	const char *state_dir;
	int listen_fd; /* from http_listen() */
	bool dhcp;     /* run dnsmasq with STATE/dnsmasq.conf */
	/* NULL-terminated base URLs for the plans, instead of the definition's; NULL: the
	 * definition's. */
	const char *const *servers;
};

/* Serves until SIGTERM or SIGINT (0), or until something fails for good (-errno, logged). SIGHUP
 * reads the definition again, as does a change of it. Blocks these signals; single-threaded callers
 * only. */
int serve_run(const struct serve_options *options);

/* --- for serve*.c -------------------------------------------------------------------------------
 */

/* dnsmasq; owned by the main thread. */
struct dhcp {
	bool wanted;
	pid_t pid;	    /* 0: not running */
	int64_t started;    /* now_ms() */
	int64_t start_at;   /* when it is to be started again */
	unsigned int waits; /* ms before the next start */
};

struct serve {
	const struct serve_options *options;
	int blobs_fd, tftp_fd; /* folders */
	char site[SITE_ID_TEXT];
	struct state *state;  /* any thread */
	struct signer signer; /* any thread */
	struct http_server *http;
	struct dhcp dhcp;
	pthread_rwlock_t cluster_lock;
	struct cluster *cluster;      /* under cluster_lock */
	struct timespec cluster_time; /* main thread: of the file that was read */
	ino_t cluster_inode;
	pthread_mutex_t plan_lock; /* one plan at a time: arming, attempts and wipe are looked at
				      and used up together */
};

void serve_plan(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_events(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_alarm(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_file(struct serve *s, const struct route *route, struct http_reply *reply);

/* Renders the boot file of a node from definition and state. -ENOENT: the definition has no such
 * host. */
int serve_boot_file(struct serve *s, const char *node);

void dhcp_start(struct serve *s);
/* True if pid was dnsmasq. */
bool dhcp_reaped(struct serve *s, pid_t pid, int status);
void dhcp_tick(struct serve *s);
/* The configuration has changed. */
void dhcp_restart(struct serve *s);
void dhcp_stop(struct serve *s);

/* One line on the terminal: time, node, module, text; made printable. Any thread. */
void serve_say(const char *node, const char *module, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for what strangers can cause at will: at most some lines a second are shown, the others
 * counted. */
void serve_say_refusal(const char *node, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* An event in words; progress only now and then, so that many nodes can be watched. */
void serve_say_event(const char *node, const struct event *e);
/* The words; buf is returned. */
const char *event_words(const struct event *e, char *buf, size_t len);

#endif
