/* POST /v1/plan: a machine asks what to do.
 *
 * Only a node that the administrator armed gets a plan, sealed to the key of the boot that asked.
 * The same request again (its answer was lost) gets the same plan. A new boot of a node whose
 * installation did not end supersedes that installation: the machine was reset, or lost its power;
 * that is allowed a few times for one arming, and said when the earlier one was alive a moment ago.
 * There is one thread for plans; where another process armed or disarmed the node meanwhile, the
 * plan is not given out, and the node asks again.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/inventory.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define ALIVE_SECONDS 10
#define WHY_MAX	      512

static void refuse(struct http_reply *reply, const struct http_call *call, const char *node,
		   enum http_status status, const char *why)
{
	http_reply_text(reply, status, "%s", why);
	serve_say_refusal(node, "no plan for %s: %s", call->peer, why);
}

/* STATE/installs/ID/NAME */
static int install_path(char *buf, size_t len, const struct serve *s, const char *install,
			const char *name)
{
	int n = snprintf(buf, len, "%s/installs/%s/%s", s->options->state_dir, install, name);

	return n >= 0 && (size_t)n < len ? 0 : -ENAMETOOLONG;
}

/* The plan of the node's running installation, if this very request got it. */
static bool plan_again(struct serve *s, const struct state_node *node, const struct http_call *call,
		       struct strbuf *text)
{
	_cleanup_free_ char *request = NULL, *plan = NULL;
	char path[PATH_MAX];
	size_t len;

	if (strcmp(node->status, "running") != 0 ||
	    install_path(path, sizeof(path), s, node->install, "request") ||
	    file_read(path, PLAN_REQUEST_MAX, &request, &len) || len != call->body_len ||
	    memcmp(request, call->body, len) != 0)
		return false;
	if (install_path(path, sizeof(path), s, node->install, "plan") ||
	    file_read(path, PLAN_MAX, &plan, &len))
		return false;
	return !strbuf_add(text, plan, len);
}

/* Sorts by time, and is safe as a file name. */
static void install_id_make(char id[PLAN_ID_MAX])
{
	uint8_t random[4];
	char hex[2 * sizeof(random) + 1];
	time_t now = time(NULL);
	struct tm tm;

	seal_random(random, sizeof(random));
	str_to_hex(random, sizeof(random), hex);
	gmtime_r(&now, &tm);
	snprintf(id, PLAN_ID_MAX, "%04d%02d%02d-%02d%02d%02d-%s", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, hex);
}

/* Request and plan are on the disk before the state says that there is an installation. */
static int install_keep(struct serve *s, const char *install, const struct http_call *call,
			const struct strbuf *text)
{
	char path[PATH_MAX];
	int ret = install_path(path, sizeof(path), s, install, "");

	if (!ret)
		ret = mkdir_path(path, 0700);
	if (!ret)
		ret = install_path(path, sizeof(path), s, install, "request");
	if (!ret)
		ret = file_write(path, call->body, call->body_len, 0600);
	if (!ret)
		ret = install_path(path, sizeof(path), s, install, "plan");
	if (!ret)
		ret = file_replace(path, text->buf, text->len, 0600);
	return ret ? log_err(ret, "cannot keep the plan of installation '%s'", install) : 0;
}

/* The state knows nothing of it. */
static void install_drop(struct serve *s, const char *install)
{
	char path[PATH_MAX];

	if (!install_path(path, sizeof(path), s, install, ""))
		remove_tree(path);
}

/* Its installation was of this arming, and nothing is known of its end: as a rule the power went. */
static bool ended_without_report(const struct state_node *node)
{
	return node->attempts && !strcmp(node->status, "running");
}

/* Who asks, while an installation that is about to be superseded was alive just now: two machines
 * may claim to be one. "": no. */
static void alarm_text(const struct state_node *node, const char *peer, char *buf, size_t len)
{
	int64_t ago = (int64_t)time(NULL) - node->last_seen;

	*buf = '\0';
	if (!strcmp(node->status, "running") && ago < ALIVE_SECONDS)
		snprintf(buf, len, "%s asks for a plan while installation %s was alive %lld s ago",
			 peer, node->install, (long long)ago);
}

static int text_make(struct serve *s, const struct state_node *node,
		     const struct plan_request *request, const char *install, const char *token,
		     const char *alarm, struct strbuf *text, char *why)
{
	const struct cluster_object *host = cluster_find(s->cluster, TYPE_HOST, node->name);
	char **own = s->options->servers ? NULL : boot_files_servers(s->cluster, host);
	_cleanup_free_ char *identity = serve_identity_for(s, node->name, request->key);
	char identity_key[2 * BOX_KEY_LEN + 1];
	struct plan_order order = {
		.state_dir = s->options->state_dir,
		.host = node->name,
		.variant = node->armed,
		.mac = request->mac,
		.install = install,
		.resume = ended_without_report(node) ? node->install : NULL,
		.nonce = request->nonce,
		.token = token,
		.site = s->site,
		.servers = own ? (const char *const *)own : s->options->servers,
		.breaks = node->breaks,
		.no_mirrors = !own,
		.wipe = node->wipe,
		.identity = identity,
		.identity_key = identity_key,
		.alarm = alarm[0] ? alarm : NULL,
	};
	int ret;

	str_to_hex(s->signer->identity_key, BOX_KEY_LEN, identity_key);
	ret = plan_make(text, s->cluster, &order, why, WHY_MAX);

	boot_files_servers_free(own);
	return ret;
}

static int plan_new(struct serve *s, const struct state_node *node,
		    const struct plan_request *request, const struct http_call *call,
		    struct strbuf *text, char *why)
{
	uint8_t token[TOKEN_LEN], key[REQUEST_KEY_LEN];
	char token_text[2 * TOKEN_LEN + 1], install[PLAN_ID_MAX], alarm[WHY_MAX];
	int ret;

	alarm_text(node, call->peer, alarm, sizeof(alarm));
	if (alarm[0])
		serve_say_refusal(node->name, "ALARM: %s", alarm);
	seal_random(token, sizeof(token));
	str_to_hex(token, sizeof(token), token_text);
	install_id_make(install);
	ret = request_key(token_text, key);
	if (!ret)
		ret = text_make(s, node, request, install, token_text, alarm, text, why);
	seal_wipe(token, sizeof(token));
	seal_wipe(token_text, sizeof(token_text));
	if (ret)
		return ret;
	snprintf(why, WHY_MAX, "the server cannot write its state");
	ret = install_keep(s, install, call, text);
	if (!ret)
		ret = state_install_begin(s->state, node, install, request->mac, key);
	if (ret == -EAGAIN)
		snprintf(why, WHY_MAX, "'%s' was armed or disarmed just now: ask again",
			 node->name);
	if (ret)
		install_drop(s, install);
	return ret;
}

static int plan_send(struct serve *s, const struct strbuf *text, const struct plan_request *request,
		     struct http_reply *reply, char *why)
{
	uint8_t signature[SIGNATURE_LEN];
	int ret = signer_sign(s->signer, text->buf, text->len, signature);

	if (ret) {
		snprintf(why, WHY_MAX,
			 "the server cannot sign (its signing process does not answer)");
		return ret;
	}
	strbuf_reset(&reply->text);
	ret = plan_seal(&reply->text, text->buf, text->len, signature, request->key);
	if (ret) {
		snprintf(why, WHY_MAX, "the plan cannot be sealed to the key of this request");
		return ret;
	}
	reply->status = HTTP_OK;
	reply->type = "application/octet-stream";
	return 0;
}

static void describe(const struct state_node *node, const struct plan_request *r, const char *peer)
{
	char ram[16], disks[16];

	serve_say(node->name, "-", "plan '%s' to %s, attempt %u of %u%s", node->armed, peer,
		  node->attempts + 1, node->attempts_max,
		  node->wipe ? "; it may overwrite foreign data" : "");
	serve_say(node->name, "-", "%s: RAM %s, CPUs %llu, disks %zu of %s", r->mac,
		  str_from_size(r->ram, ram, sizeof(ram)), (unsigned long long)r->cpus, r->disks,
		  str_from_size(r->disk_bytes, disks, sizeof(disks)));
}

/* A node that cannot be installed must not boot the installer for ever. Under cluster_lock. */
static void give_up(struct serve *s, const struct state_node *node)
{
	const struct cluster_object *host = cluster_find(s->cluster, TYPE_HOST, node->name);
	char message[80];

	snprintf(message, sizeof(message),
		 "given up after %u attempts: the last one did not report", node->attempts);
	if (!host || state_give_up(s->state, node->name, message) ||
	    boot_file_follow(s->options->state_dir, s->cluster, s->state, host))
		return; /* said by them, unless it was armed anew just now */
	serve_say(node->name, "-", "given up after %u attempts: boots from its disk from now on",
		  node->attempts);
}

/* Under cluster_lock. */
static void answer(struct serve *s, const struct state_node *node,
		   const struct plan_request *request, const struct http_call *call,
		   struct http_reply *reply)
{
	_cleanup_strbuf_ struct strbuf text = {.max = PLAN_MAX};
	char why[WHY_MAX] = "the server has no memory";
	int ret;

	if (!plan_again(s, node, call, &text)) {
		if (node->attempts >= node->attempts_max) {
			snprintf(why, sizeof(why),
				 "'%s' was not installed in %u attempts (arm it anew with: lucie "
				 "install %s)",
				 node->name, node->attempts, node->name);
			refuse(reply, call, node->name, HTTP_FORBIDDEN, why);
			give_up(s, node);
			return;
		}
		strbuf_reset(&text);
		ret = plan_new(s, node, request, call, &text, why);
		if (ret) {
			refuse(reply, call, node->name,
			       ret == -EAGAIN ? HTTP_UNAVAILABLE : HTTP_FAILED, why);
			return;
		}
		describe(node, request, call->peer);
	}
	if (plan_send(s, &text, request, reply, why))
		refuse(reply, call, node->name, HTTP_FAILED, why);
	if (text.buf)
		seal_wipe(text.buf, text.len);
}

/* What the machine is made of. A plan does not fail for want of it. */
static int machine_keep(struct serve *s, const struct plan_request *request,
			const struct http_call *call, const char *node)
{
	_cleanup_strbuf_ struct strbuf inventory = STRBUF_INIT;
	int ret = inventory_clean(&inventory, call->body, call->body_len);

	return ret ? ret
		   : state_machine_seen(s->state, request->mac, node, inventory.buf, call->peer);
}

/* A machine of no host, which waits to be named where the definition lets it. It asks again every
 * few seconds: that it is there is said once. */
static void answer_unknown(struct serve *s, const struct plan_request *request,
			   const struct http_call *call, struct http_reply *reply)
{
	char why[WHY_MAX];
	int ret;

	snprintf(why, sizeof(why), "no host of the definition has the address %s", request->mac);
	if (!request->discover || !cluster_discovers(s->cluster)) {
		refuse(reply, call, "-", HTTP_NOT_FOUND, why);
		return;
	}
	ret = machine_keep(s, request, call, "");
	if (ret == -ENOSPC)
		refuse(reply, call, "-", HTTP_NOT_FOUND, "too many unknown machines wait already");
	else if (ret < 0)
		refuse(reply, call, "-", HTTP_FAILED, "the server cannot write its state");
	else
		http_reply_text(reply, HTTP_NOT_FOUND, "%s", why);
	if (ret > 0)
		serve_say("-", "-", "unknown machine %s (%s) waits to be named (lucie discover)",
			  request->mac, call->peer);
}

static void decide(struct serve *s, const struct plan_request *request,
		   const struct http_call *call, struct http_reply *reply)
{
	const struct cluster_object *host = cluster_host_by_mac(s->cluster, request->mac);
	struct state_node node;
	char why[WHY_MAX];
	int ret;

	if (!host) {
		answer_unknown(s, request, call, reply);
		return;
	}
	machine_keep(s, request, call, host->name);
	ret = state_node(s->state, host->name, &node);
	if (ret && ret != -ENOENT) {
		refuse(reply, call, host->name, HTTP_FAILED, "the server cannot read its state");
	} else if (!node.armed[0]) {
		snprintf(why, sizeof(why),
			 "'%s' is not to be installed (arm it with: lucie install %s)", host->name,
			 host->name);
		if (request->discover) /* named, and waits for that */
			http_reply_text(reply, HTTP_FORBIDDEN, "%s", why);
		else
			refuse(reply, call, host->name, HTTP_FORBIDDEN, why);
	} else {
		answer(s, &node, request, call, reply);
	}
}

void serve_plan(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct plan_request request;
	char why[WHY_MAX];

	if (plan_request_parse(&request, call->body, call->body_len, why, sizeof(why))) {
		refuse(reply, call, "-", HTTP_BAD_REQUEST, why);
		return;
	}
	pthread_rwlock_rdlock(&s->cluster_lock);
	decide(s, &request, call, reply);
	pthread_rwlock_unlock(&s->cluster_lock);
}
