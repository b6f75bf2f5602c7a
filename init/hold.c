/* Holding before a module; see hold.h.
 *
 * A child asks the server every other second, so that PID 1 waits for nothing on the network. "Go
 * on" is signed with the site's key and echoes the nonce of this hold, so that nobody else can say
 * it, and not again.
 */
#include "init/hold.h"
#include "init/console.h"
#include "init/lib/cleanup.h"
#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/seal.h"
#include "init/loop.h"
#include "init/plan.h"
#include "init/reporter.h"
#include "init/rescue.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GO_ON_FILE  "/run/lucie/continue" /* made by lucie-continue */
#define ASK_MS	    2000
#define COMPLAIN_MS 60000
#define ANSWER_MAX  4096
#define WHY_MAX	    192

struct hold {
	const struct plan *plan;
	const char *server; /* NULL: nobody can be asked */
	const char *module;
	uint8_t site[SITE_PUBLIC_LEN];
	char nonce[2 * NONCE_LEN + 1];
	struct child child;
};

/* --- the child that asks the server --- */

static char *request_body(const struct hold *h)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "install", plan_head(h->plan, "install"),
			      "module", h->module, "nonce", h->nonce, "t", (json_int_t)now_ms());
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	return text;
}

static bool says(const struct plan *p, const char *key, const char *wanted)
{
	const char *value = plan_head(p, key);

	return value && !strcmp(value, wanted);
}

/* Signature and text, which is of a plan's form: it says go on, for this hold. */
static int check_answer(const struct hold *h, const struct strbuf *answer, char *why)
{
	const char *text = answer->buf + SIGNATURE_LEN;
	size_t len = answer->len - SIGNATURE_LEN;
	char what[WHY_MAX - 32];
	struct plan p;
	bool right;

	if (answer->len <= SIGNATURE_LEN ||
	    plan_verify(text, len, (const uint8_t *)answer->buf, h->site)) {
		snprintf(why, WHY_MAX, "the answer is not signed by this site's key");
		return -EKEYREJECTED;
	}
	if (plan_parse(&p, text, len, what, sizeof(what))) {
		snprintf(why, WHY_MAX, "the answer cannot be read: %s", what);
		return -EBADMSG;
	}
	right = says(&p, "install", plan_head(h->plan, "install")) &&
		says(&p, "continue", h->module) && says(&p, "nonce", h->nonce);
	plan_free(&p);
	if (right)
		return 0;
	snprintf(why, WHY_MAX, "the answer is replayed, or for another node or module");
	return -EPERM;
}

/* 0: it may go on; -EAGAIN: not yet; otherwise why. */
static int ask(const struct hold *h, char *why)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	_cleanup_free_ char *body = request_body(h);
	char url[512];
	long status = 0;
	int ret;

	if (!body) {
		snprintf(why, WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	snprintf(url, sizeof(url), "%s/v1/hold", h->server);
	ret = http_exchange(&(struct http_request){.url = url,
						   .body = body,
						   .body_len = strlen(body),
						   .content_type = "application/json",
						   .token = plan_head(h->plan, "token"),
						   .max = ANSWER_MAX},
			    &answer, &status, why, WHY_MAX);
	if (ret)
		return ret;
	if (status != 200) {
		snprintf(why, WHY_MAX, "status %ld", status);
		return -EPROTO;
	}
	return answer.len ? check_answer(h, &answer, why) : -EAGAIN;
}

static int ask_until(void *arg)
{
	const struct hold *h = arg;
	int64_t complained = 0;
	char why[WHY_MAX];
	int ret;

	while ((ret = ask(h, why))) {
		if (ret != -EAGAIN && (!complained || now_ms() - complained > COMPLAIN_MS)) {
			log_warn("'%s' cannot be asked whether to go on: %s", h->server, why);
			complained = now_ms();
		}
		sleep_ms(ASK_MS);
	}
	return 0;
}

/* --- PID 1's side --- */

static bool may_go_on(void *arg)
{
	struct hold *h = arg;
	bool server = h->server && !child_running(&h->child) && WIFEXITED(h->child.status) &&
		      !WEXITSTATUS(h->child.status);
	bool shell = !unlink(GO_ON_FILE);

	if (server)
		console_line("the server says that it may go on");
	return server || shell;
}

static bool prepare(struct hold *h)
{
	uint8_t nonce[NONCE_LEN];

	if (!h->server || !plan_head(h->plan, "token") || !plan_head(h->plan, "install") ||
	    seal_init() || site_public_read(SITE_KEY_PATH, h->site))
		return false;
	seal_random(nonce, sizeof(nonce));
	str_to_hex(nonce, sizeof(nonce), h->nonce);
	return true;
}

static void announce(const struct hold *h, const char *text)
{
	const char *node = plan_head(h->plan, "node");
	struct event e = {.kind = EVENT_HOLD};

	node = node ? node : "NODE";
	console_line("%s: waits for a person: 'exit' in the shell here, or lucie continue %s", text,
		     node);
	snprintf(e.module, sizeof(e.module), "%s", h->module);
	snprintf(e.message, sizeof(e.message), "waits for lucie continue %s", node);
	report(&e);
	reporter_run();
}

bool hold_wanted(const struct plan *plan, const struct cmdline *c, const char *module)
{
	plan_for_each (line, plan_section(plan, ""), "break")
		if (!strcmp(line->value, module))
			return true;
	return cmdline_breaks_at(c, module);
}

void hold_before(const struct plan *plan, const char *module)
{
	struct hold h = {.plan = plan, .server = plan_head(plan, "server"), .module = module};
	char text[128];
	enum rescue_end end;

	snprintf(text, sizeof(text), "held before module '%s'", module);
	unlink(GO_ON_FILE);
	if (!prepare(&h))
		h.server = NULL;
	announce(&h, text);
	h.child = (struct child){.name = "hold", .line = child_log_line, .status = 1 << 8};
	if (h.server && child_start(&h.child, ask_until, &h))
		h.server = NULL;
	end = rescue_wait(text, "goes on", may_go_on, &h);
	if (end == RESCUE_NOBODY && !h.server && !loop_signalled())
		console_line("there is no console and no server that could end this; going on");
	while (end == RESCUE_NOBODY && h.server && !loop_signalled() && !may_go_on(&h)) {
		loop_wait(500);
		reporter_run();
	}
	child_stop(&h.child, 0);
}
