/* The server of a cluster: plans, blobs, boot files, packages and events over HTTP, DHCP and TFTP
 * by dnsmasq (docs/serving.md).
 *
 * The processes: the supervisor (serve.c), which starts and watches the others; the signer, which
 * alone has the site key; the web process (serve-web.c, serve-plan.c, ...), which faces the network
 * and cannot reach the key; dnsmasq; and a master for each ring (serve-ring.c).
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
#include "host-tools/lib/serve-log.h"
#include "host-tools/lib/serve-work.h"
#include "host-tools/lib/server-user.h"
#include "host-tools/lib/signer.h"
#include "host-tools/lib/state.h"
#include "init/lib/event.h"

#define SERVE_PORT 8077 /* where the definition names none */

struct serve_options {
	const char *state_dir;
	int listen_fd;	  /* from http_listen() */
	bool dhcp;	  /* run dnsmasq with STATE/key/dnsmasq.conf */
	const char *user; /* as server_user_find() takes it */
	/* NULL-terminated base URLs for the plans, instead of the definition's; NULL: the
	 * definition's. */
	const char *const *servers;
};

/* Serves until SIGTERM or SIGINT (0), or until something fails for good (-errno, logged). SIGHUP
 * has the definition read again, as has a change of it. Blocks these signals; for single-threaded
 * callers. */
int serve_run(const struct serve_options *options);

/* --- the web process --- */

struct serve {
	const struct serve_options *options;
	struct signer *signer; /* any thread */
	char site[SITE_ID_TEXT];
	int blobs_fd;	     /* folder */
	struct state *state; /* any thread */
	struct state *view;  /* any thread; sees what is committed, and holds up no event */
	/* What waits for the disk: events together, plans one by one. */
	struct work *events, *plans;
	struct serve_log *logs;
	struct http_server *http;
	struct board_feed *feed; /* any thread */
	pthread_rwlock_t cluster_lock;
	struct cluster *cluster; /* under cluster_lock */
	struct stat_mark {
		struct timespec time;
		ino_t inode;
	} generation;			   /* main thread: of the one that was read */
	int64_t reload_wait_ms, reload_at; /* main thread: 0, or the last one could not be read */
	int64_t mend_wait_ms, mend_at;	   /* main thread: of boot files that were left behind */
};

/* As serve_run(), in the process that serve_run() forked for it. */
int web_run(const struct serve_options *options, struct signer *signer);

void serve_plan(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* A list of POSTs, as a queue has it (serve-work.h), in one transaction. */
struct http_call *serve_events(struct http_call *list, void *serve);
/* The end of the answer to events with a good report: the boot file. */
void serve_report(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_hold(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_alarm(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* Keeps the identity of a node; and the one that a plan carries for the boot with this key: base64,
 * malloc'ed, NULL where there is none. */
void serve_identity(struct serve *s, const struct http_call *call, struct http_reply *reply);
char *serve_identity_for(struct serve *s, const char *node, const uint8_t boot_key[BOX_KEY_LEN]);
void serve_file(struct serve *s, const struct route *route, struct http_reply *reply);
void serve_metrics(struct serve *s, struct http_reply *reply);

/* Whether the call has the code of this installation, whose sender is told then, and the answer will
 * have its own; else the reply is filled and -EACCES. */
int serve_authenticate(struct state *state, const struct http_call *call, const char *install,
		       struct state_sender *sender, struct http_reply *reply);

/* Whether such a call, of which this was not said yet, is later (t) than all that came before it; else
 * the reply is filled and -errno. */
int serve_once(struct state *state, const struct http_call *call, const char *install, uint64_t t,
	       struct http_reply *reply);

/* Renders the boot file of a node from definition and state. Of a host that has left the definition
 * there is none: setup removed it. */
int serve_boot_file(struct serve *s, const char *node);

/* Takes from this process, and its children, all that it does not need to serve: the folder of the
 * site key, root's user, capabilities, the execution of programs, and writing anywhere but where the
 * state directory changes while it serves. With a source (the master of a ring) it may write nowhere,
 * and read that one, which may be anybody's, and what is said of rings in the state; without one
 * (NULL: the web process) it may read what its user may. What the system does not let it give up is
 * said of `who`, but for the user: -errno then (logged). Single-threaded. */
int confine(const char *who, const char *state_dir, const struct server_user *user,
	    const char *source);

/* --- workers: children that are started again --- */

struct worker {
	pid_t pid;	      /* 0: not running */
	int64_t started;      /* now_ms() */
	int64_t start_at;     /* when it is to be started again */
	unsigned int wait_ms; /* before the next start; 0: it never ended */
};

/* With what fork() returned; false: it could not be started, and is due again in a second. */
bool worker_started(struct worker *w, pid_t pid);
/* It is to be started now. */
bool worker_is_due(const struct worker *w);
/* It ended by itself; the waits grow to max_ms. Seconds before it is due. */
unsigned int worker_ended(struct worker *w, unsigned int max_ms);
/* Ends it, if it runs, and waits for that. */
void worker_stop(struct worker *w);

/* --- dnsmasq --- */

/* Owned by the supervisor. */
struct dhcp {
	const char *state_dir; /* NULL: no dnsmasq */
	struct stat_mark config;
	struct worker worker;
};

void dhcp_start(struct dhcp *d);
/* True if pid was dnsmasq. */
bool dhcp_reaped(struct dhcp *d, pid_t pid, int status);
/* Starts it again when it is time to, or when setup has changed its configuration. */
void dhcp_tick(struct dhcp *d);
void dhcp_stop(struct dhcp *d);

/* --- rings --- */

/* The masters of the rings; owned by the supervisor. */
struct ring_master;
struct rings {
	const char *state_dir;
	struct server_user user;		      /* of the masters */
	struct stat_mark definition, datasets, bases; /* when they were looked at */
	struct ring_master **list;
	size_t count;
};

/* Starts and ends masters as the definition and the manifests say; to be called every second. */
void rings_tick(struct rings *r);
/* True if pid was a master. */
bool rings_reaped(struct rings *r, pid_t pid);
void rings_stop(struct rings *r);

/* --- for all of them --- */

/* Whether the file was replaced or changed since the last call; the mark is brought up to date. A
 * file that is not there never changes. */
bool file_changed(struct stat_mark *mark, const char *folder, const char *name);

/* A descriptor for SIGTERM, SIGINT, SIGHUP and SIGCHLD, which are blocked. Logs; -errno. */
int signals_open(void);

/* Ends a child process: SIGTERM, after `ms` SIGKILL; waits for it. */
void child_stop(pid_t pid, unsigned int ms);

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
