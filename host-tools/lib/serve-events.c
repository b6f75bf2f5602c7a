/* POST /v1/events and /v1/alarm: what nodes tell.
 *
 * The POSTs that wait are one transaction, and are answered when it is committed: thousands of
 * nodes cost no more commits than a few.
 *
 * Events carry a code that is made with the token of their installation (request-code.h). A good
 * report makes the node boot from its disk, and it is acknowledged after that is so: a node that
 * restarts when it has the acknowledgement never comes back into the installer. An alarm comes from
 * a machine that has no plan it can trust, so it proves nothing and is only shown.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define WHY_MAX 256

/* One POST. */
struct batch {
	struct serve *s;
	struct state *state;	   /* where it is looked up */
	char install[PLAN_ID_MAX]; /* of its first line, and of who sends it */
	struct state_sender sender;
	struct strbuf log; /* lines for the installation's log file */
	bool report_ok;
	bool taken; /* the answer is an acknowledgement */
};

static void log_line(struct batch *b, const struct event *e)
{
	char words[1400], clock[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (e->kind == EVENT_PROGRESS)
		return;
	if (gmtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strbuf_addf(&b->log, "%s %8.2f %-10s %s\n", clock, (double)e->t / 1000,
		    e->module[0] ? e->module : "-", event_words(e, words, sizeof(words)));
}

static int event_apply(struct batch *b, const struct event *e)
{
	int ret = state_event(b->s->state, e);

	if (ret < 0)
		return ret;
	if (ret > 0) {
		log_line(b, e);
		serve_say_event(b->sender.node, e);
	}
	if (e->seq > b->sender.ack)
		b->sender.ack = e->seq;
	/* Also for a repeat: the first one may have failed between the state and the boot file. */
	if (e->kind == EVENT_REPORT && e->ok)
		b->report_ok = true;
	return 0;
}

/* The next line of the body: its length with the '\n', 0 at the end. */
static size_t line_length(const char *text, size_t len)
{
	const char *end = len ? memchr(text, '\n', len) : NULL;

	return end ? (size_t)(end - text) + 1 : len;
}

/* 0, -EINVAL (why), -ERANGE (a gap: the rest is not taken), or another error of the state. */
static int batch_apply(struct batch *b, const char *text, size_t len, char *why)
{
	struct event e;
	size_t n;
	int ret;

	for (; (n = line_length(text, len)); text += n, len -= n) {
		ret = event_decode(&e, text, n, why, WHY_MAX);
		if (!ret && strcmp(e.install, b->install) != 0) {
			snprintf(why, WHY_MAX, "lines of two installations in one request");
			ret = -EINVAL;
		}
		if (!ret)
			ret = event_apply(b, &e);
		if (ret)
			return ret;
	}
	return 0;
}

static bool is_proven(struct http_proof *proof, const struct http_call *call)
{
	request_code(proof->key, call->method, call->path, call->body, call->body_len,
		     proof->request);
	return code_is(proof->request, call->code);
}

int serve_authenticate(struct state *state, const struct http_call *call, const char *install,
		       struct state_sender *sender, struct http_reply *reply)
{
	struct http_proof *proof = &reply->proof;

	proof->wanted =
		!state_install_find(state, install, sender, proof->key) && is_proven(proof, call);
	if (proof->wanted)
		return 0;
	http_reply_text(reply, HTTP_UNAUTHORIZED,
			"its code is not made with the token of installation '%s'", install);
	serve_say_refusal("-",
			  "%s from %s refused: its code is not made with the token of "
			  "installation '%s'",
			  call->path, call->peer, install);
	return -EACCES;
}

static void reply_failed(struct http_reply *reply, int error)
{
	http_reply_text(reply, HTTP_FAILED, "the server cannot write its state: %s",
			strerror(-error));
}

int serve_once(struct state *state, const struct http_call *call, const char *install, uint64_t t,
	       struct http_reply *reply)
{
	int ret = state_install_asks(state, install, t);

	if (ret == -ESTALE) {
		http_reply_text(reply, HTTP_FORBIDDEN, "replayed: a later one came before it");
		serve_say_refusal("-", "%s from %s refused: a replay of installation '%s'",
				  call->path, call->peer, install);
	} else if (ret) {
		reply_failed(reply, ret);
	}
	return ret;
}

/* Which installation the first line is of, and that it is from there. */
static int batch_open(struct batch *b, const struct http_call *call, struct http_reply *reply)
{
	struct event first;
	char why[WHY_MAX];

	if (event_decode(&first, call->body, line_length(call->body, call->body_len), why,
			 sizeof(why))) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		serve_say_refusal("-", "events from %s refused: %s", call->peer, why);
		return -EINVAL;
	}
	snprintf(b->install, sizeof(b->install), "%s", first.install);
	return serve_authenticate(b->state, call, b->install, &b->sender, reply);
}

static void acknowledge(const struct batch *b, struct http_reply *reply)
{
	reply->status = HTTP_OK;
	reply->type = "application/json";
	strbuf_addf(&reply->text, "{\"ack\": %llu", (unsigned long long)b->sender.ack);
	if (b->sender.superseded)
		strbuf_adds(&reply->text, ", \"alarm\": \"another boot has got this node's plan "
					  "since: two machines may claim to be one\"");
	strbuf_adds(&reply->text, "}\n");
}

/* One POST, within the transaction. */
static void post_apply(struct batch *b, const struct http_call *call, struct http_reply *reply)
{
	char why[WHY_MAX] = "";
	int ret;

	if (batch_open(b, call, reply))
		return;
	ret = batch_apply(b, call->body, call->body_len, why);
	if (ret == -EINVAL) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		serve_say_refusal(b->sender.node, "event from %s refused: %s", call->peer, why);
	} else if (ret && ret != -ERANGE) {
		reply_failed(reply, ret);
	} else {
		acknowledge(b, reply);
		b->taken = true;
	}
}

/* Each POST of the list with its batch, as one transaction. */
static int list_apply(struct serve *s, struct http_call *list, struct batch *batches)
{
	int ret = state_begin(s->state);

	if (ret)
		return ret;
	for (struct http_call *call = list; call; call = call->next, batches++) {
		batches->s = s;
		batches->state = s->state;
		post_apply(batches, call, call->reply);
	}
	return state_end(s->state);
}

/* After the transaction. True: to be answered now; a good report has to wait for its boot file. */
static bool post_end(struct batch *b, struct http_call *call)
{
	if (b->log.len)
		serve_log_put(b->s->logs, b->install, &b->log);
	return !b->taken || !b->report_ok || work_pass(b->s->plans, call);
}

struct http_call *serve_events(struct http_call *list, void *arg)
{
	struct http_call *answered = NULL, *call, *next;
	_cleanup_free_ struct batch *batches = NULL;
	size_t count = 0, i = 0;
	int ret;

	for (call = list; call; call = call->next)
		count++;
	batches = calloc(count, sizeof(*batches));
	ret = batches ? list_apply(arg, list, batches) : -ENOMEM;
	for (call = list; ret && call; call = call->next)
		reply_failed(call->reply, ret);
	for (i = 0; ret && batches && i < count; i++)
		strbuf_free(&batches[i].log);
	if (ret)
		return list;
	for (call = list, i = 0; call; call = next, i++) {
		next = call->next;
		if (post_end(&batches[i], call)) {
			call->next = answered;
			answered = call;
		}
	}
	return answered;
}

void serve_report(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct batch b = {.s = s, .state = s->view};
	int ret;

	strbuf_reset(&reply->text);
	if (batch_open(&b, call, reply))
		return;
	ret = serve_boot_file(s, b.sender.node);
	if (ret)
		reply_failed(reply, ret);
	else
		acknowledge(&b, reply);
}

void serve_alarm(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	const struct cluster_object *host;
	struct alarm_request alarm;
	char why[WHY_MAX];

	if (alarm_request_parse(&alarm, call->body, call->body_len, why, sizeof(why))) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		return;
	}
	pthread_rwlock_rdlock(&s->cluster_lock);
	host = cluster_host_by_mac(s->cluster, alarm.mac);
	serve_say_refusal(host ? host->name : "-", "ALARM (not authenticated) from %s (%s): %s",
			  alarm.mac, call->peer, alarm.message);
	pthread_rwlock_unlock(&s->cluster_lock);
	http_reply_text(reply, HTTP_OK, "noted");
}
