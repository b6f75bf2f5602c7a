/* Getting and verifying the plan; see plan.h. */
#include "init/plan.h"
#include "init/devices.h"
#include "init/inventory.h"
#include "init/lib/cleanup.h"
#include "init/lib/cmdline.h"
#include "init/lib/http.h"
#include "init/lib/identity.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/plan-format.h"
#include "init/lib/seal.h"
#include "init/net.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define GIVE_UP_MS	  (10 * 60 * 1000) /* without an answer of any server */
#define BACKOFF_FIRST_MS  1000u
#define BACKOFF_MAX_MS	  15000u
#define BAD_PLANS_MAX	  3 /* that fail verification, before it is no accident */
#define DEVICES_WAIT_MS	  30000
#define DISCOVER_PAUSE_MS 3000 /* and up to as much again */
#define WHY_MAX		  256

struct asking {
	const struct cmdline *cmdline;
	struct net_config net;
	char default_server[64];
	uint8_t site[SITE_PUBLIC_LEN];
	struct box_keys keys;
	uint8_t nonce[NONCE_LEN];
	char why[WHY_MAX]; /* of the last refusal */
	unsigned int bad;  /* plans that failed verification */
};

enum outcome {
	GOT_PLAN,
	NO_ANSWER, /* ask again, the next server */
	REFUSED,   /* the server says: not you */
	BAD_PLAN,  /* an answer that fails verification */
};

static const char *server_of(const struct asking *a, size_t i)
{
	return a->cmdline->server_count ? a->cmdline->servers[i] : a->default_server;
}

static size_t server_count(const struct asking *a)
{
	return a->cmdline->server_count ? a->cmdline->server_count : *a->default_server != '\0';
}

static char *request_body(const struct asking *a)
{
	char nonce[2 * NONCE_LEN + 1], key[2 * BOX_KEY_LEN + 1];
	json_t *body;
	char *text;

	str_to_hex(a->nonce, sizeof(a->nonce), nonce);
	str_to_hex(a->keys.public_key, sizeof(a->keys.public_key), key);
	body = json_pack("{s:s, s:s, s:s, s:b, s:o}", "mac", a->net.mac, "nonce", nonce, "key", key,
			 "discover", a->cmdline->discover, "inventory", inventory());
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

/* --- verification -------------------------------------------------------------------- */

/* What the plan itself must say, beyond its signature. */
static int check_head(struct asking *a, const struct plan *p, bool asked)
{
	const char *nonce = plan_head(p, "nonce"), *mac = plan_head(p, "mac"),
		   *node = plan_head(p, "node");
	const char *site = plan_head(p, "site");
	char own_nonce[2 * NONCE_LEN + 1], own_site[SITE_ID_TEXT];

	str_to_hex(a->nonce, sizeof(a->nonce), own_nonce);
	site_id(a->site, own_site);
	if (asked && (!nonce || strcmp(nonce, own_nonce) != 0))
		snprintf(a->why, WHY_MAX,
			 "the plan is replayed: it answers another request than this boot's");
	else if (asked && (!mac || strcmp(mac, a->net.mac) != 0))
		snprintf(a->why, WHY_MAX,
			 "the plan is another node's: '%.63s' (%.17s), and this machine is %s",
			 node ? node : "?", mac ? mac : "?", a->net.mac);
	else if (!site || strcmp(site, own_site) != 0)
		snprintf(a->why, WHY_MAX,
			 "the plan is of site %.16s, and this image belongs to site %s",
			 site ? site : "?", own_site);
	else
		return 0;
	return -EPERM;
}

/* What the plan carries sealed to this boot is opened as long as its key is there: base64 in,
 * IDENTITY_PATH out. */
static int keep_identity(struct asking *a, const struct plan *p)
{
	const char *encoded = plan_get(plan_section(p, "configure"), "identity");
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned char sealed[IDENTITY_SEALED_MAX];
	size_t len;
	int ret;

	if (!encoded)
		return 0;
	if (sodium_base642bin(sealed, sizeof(sealed), encoded, strlen(encoded), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL))
		return -EINVAL;
	ret = box_open(&text, sealed, len, &a->keys);
	if (!ret)
		ret = file_write(IDENTITY_PATH, text.buf, text.len, 0600);
	if (text.buf)
		seal_wipe(text.buf, text.len);
	return ret;
}

/* *has_server: the plan names one, so the network will be wanted. */
static int check_plan(struct asking *a, const struct strbuf *text, bool asked, bool *has_server)
{
	char what[WHY_MAX - 32];
	struct plan p;
	int ret = plan_parse(&p, text->buf, text->len, what, sizeof(what));

	if (ret) {
		snprintf(a->why, WHY_MAX, "the plan cannot be read: %s", what);
		return ret;
	}
	ret = check_head(a, &p, asked);
	*has_server = plan_head(&p, "server");
	if (!ret && asked && keep_identity(a, &p)) {
		snprintf(a->why, WHY_MAX, "the identity in the plan cannot be opened");
		ret = -EBADMSG;
	}
	plan_free(&p);
	return ret;
}

static int open_sealed(struct asking *a, const struct strbuf *sealed, struct strbuf *text)
{
	char own_site[SITE_ID_TEXT];
	bool has_server;
	int ret = plan_open(text, sealed->buf, sealed->len, &a->keys, a->site);

	site_id(a->site, own_site);
	if (ret == -EBADMSG)
		snprintf(a->why, WHY_MAX,
			 "the plan was altered on the way, or was sealed for another boot "
			 "(replayed)");
	else if (ret == -EKEYREJECTED)
		snprintf(a->why, WHY_MAX, "the plan is not signed by this site's key (%s)",
			 own_site);
	else if (ret)
		snprintf(a->why, WHY_MAX, "the plan cannot be opened: %s", strerror(-ret));
	return ret ? ret : check_plan(a, text, true, &has_server);
}

static int keep_plan(struct asking *a, const struct strbuf *text)
{
	int ret = file_write(PLAN_PATH, text->buf, text->len, 0600);

	if (ret)
		snprintf(a->why, WHY_MAX, "cannot write '%s': %s", PLAN_PATH, strerror(-ret));
	return ret;
}

/* --- asking -------------------------------------------------------------------------- */

static void alarm_server(const struct asking *a, const char *server)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	json_t *body = json_pack("{s:s, s:s}", "mac", a->net.mac, "message", a->why);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char url[CMDLINE_VALUE_MAX + 16];
	long status;

	snprintf(url, sizeof(url), "%s/v1/alarm", server);
	if (text)
		http_exchange(&(struct http_request){.url = url,
						     .body = text,
						     .body_len = strlen(text),
						     .content_type = "application/json",
						     .total_seconds = 5},
			      &answer, &status, NULL, 0);
	free(text);
	json_decref(body);
}

/* The server's own words for a refusal: one line of bounded text. */
static void take_refusal(struct asking *a, long status, struct strbuf *answer)
{
	char line[160] = "";

	if (answer->len) {
		snprintf(line, sizeof(line), "%s", answer->buf);
		line[strcspn(line, "\r\n")] = '\0';
		str_make_text(line);
	}
	snprintf(a->why, WHY_MAX, "the server refuses a plan: %s (status %ld)",
		 *line ? line : "no reason given", status);
}

static enum outcome ask(struct asking *a, const char *server, const char *body)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT, text = STRBUF_INIT;
	char url[CMDLINE_VALUE_MAX + 16], why[160];
	long status = 0;

	snprintf(url, sizeof(url), "%s/v1/plan", server);
	if (http_exchange(&(struct http_request){.url = url,
						 .body = body,
						 .body_len = strlen(body),
						 .content_type = "application/json",
						 .total_seconds = 30,
						 .max = PLAN_MAX + 4096},
			  &answer, &status, why, sizeof(why))) {
		snprintf(a->why, WHY_MAX, "%s", why);
		return NO_ANSWER;
	}
	if (status == 200 && !open_sealed(a, &answer, &text) && !keep_plan(a, &text))
		return GOT_PLAN;
	if (status == 200) {
		a->bad++;
		alarm_server(a, server);
		return BAD_PLAN;
	}
	take_refusal(a, status, &answer);
	return status == 403 || status == 404 ? REFUSED : NO_ANSWER;
}

/* Between two questions of a machine that waits to be named, so that many do not ask in step. */
static void wait_for_name(const struct asking *a, char said[WHY_MAX])
{
	uint16_t jitter;

	if (strcmp(said, a->why)) {
		snprintf(said, WHY_MAX, "%s", a->why);
		log_info("unknown machine %s: waiting to be named (%s)", a->net.mac, said);
	}
	seal_random(&jitter, sizeof(jitter));
	sleep_ms(DISCOVER_PAUSE_MS + jitter % DISCOVER_PAUSE_MS);
}

/* lucie.discover: asks until the definition has this machine and a plan for it. There is no end:
 * nothing was touched, and a person comes when it suits them. It stays with a server that answers:
 * the others may be those of networks that it does not reach. */
static int ask_until_named(struct asking *a, const char *body)
{
	char said[WHY_MAX] = "";

	for (size_t i = 0;;) {
		const char *server = server_of(a, i % server_count(a));
		enum outcome got = ask(a, server, body);

		if (got == GOT_PLAN)
			return 0;
		if (got == NO_ANSWER)
			i++;
		if (a->bad == BAD_PLANS_MAX)
			return log_err(0, "no plan from '%s': %s", server, a->why);
		wait_for_name(a, said);
	}
}

/* Asks every server in turn, with growing pauses, until one answers for good. */
static int ask_servers(struct asking *a, const char *body)
{
	unsigned int pause = BACKOFF_FIRST_MS;
	int64_t start = now_ms();

	for (size_t i = 0;; i++) {
		const char *server = server_of(a, i % server_count(a));
		enum outcome got = ask(a, server, body);

		if (got == GOT_PLAN)
			return 0;
		if (got == REFUSED || a->bad == BAD_PLANS_MAX)
			return log_err(0, "no plan from '%s': %s", server, a->why);
		if (now_ms() - start > GIVE_UP_MS)
			return log_err(0, "no plan from '%s' for %d minutes: %s", server,
				       GIVE_UP_MS / 60000, a->why);
		log_warn("no plan from '%s' yet: %s; asking again in %u s", server, a->why,
			 pause / 1000);
		sleep_ms(pause);
		pause = pause * 2 < BACKOFF_MAX_MS ? pause * 2 : BACKOFF_MAX_MS;
	}
}

static void wait_for_devices(void)
{
	int64_t start = now_ms();
	bool said = false;

	while (access(DEVICES_READY, F_OK) && now_ms() - start < DEVICES_WAIT_MS) {
		if (!said && now_ms() - start > 3000) {
			log_info("waiting for the drivers of this machine's devices (at most %d s)",
				 DEVICES_WAIT_MS / 1000);
			said = true;
		}
		sleep_ms(5);
	}
}

static int request_plan(struct asking *a)
{
	char *body;
	int ret = net_up(&a->net, a->cmdline);

	if (ret)
		return ret;
	if (*a->net.next_server)
		snprintf(a->default_server, sizeof(a->default_server), "http://%s:%d",
			 a->net.next_server, SERVER_PORT);
	if (!server_count(a))
		return log_err(0, "no server: neither lucie.server=, nor ip=, nor DHCP names one");
	log_info("network: %s (%s), server %s", a->net.interface, a->net.mac, server_of(a, 0));
	wait_for_devices();
	body = request_body(a);
	if (!body)
		return log_err(-ENOMEM, "cannot ask for a plan");
	ret = a->cmdline->discover ? ask_until_named(a, body) : ask_servers(a, body);
	free(body);
	return ret;
}

/* lucie.plan=FILE: signature and text, for media without a server. It can be replayed; the
 * documentation says so. */
static int read_plan_file(struct asking *a, const char *path)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *file = NULL;
	bool has_server = false;
	size_t len;
	int ret = file_read(path, PLAN_MAX + SIGNATURE_LEN, &file, &len);

	if (ret)
		return log_err(ret, "cannot read the plan '%s'", path);
	if (len <= SIGNATURE_LEN ||
	    plan_verify(file + SIGNATURE_LEN, len - SIGNATURE_LEN, (uint8_t *)file, a->site))
		return log_err(0, "the plan '%s' is not signed by this site's key", path);
	ret = strbuf_add(&text, file + SIGNATURE_LEN, len - SIGNATURE_LEN);
	if (ret || (ret = check_plan(a, &text, false, &has_server)) || (ret = keep_plan(a, &text)))
		return log_err(0, "the plan '%s' cannot be used: %s", path, a->why);
	ret = has_server ? net_up(&a->net, a->cmdline) : 0;
	if (!ret)
		wait_for_devices();
	return ret;
}

int plan_main(void *arg)
{
	struct asking a = {.cmdline = arg};
	int ret = seal_init();

	if (ret)
		return log_err(ret, "no source of random numbers"), 1;
	ret = site_public_read(SITE_KEY_PATH, a.site);
	if (ret)
		return log_err(ret, "cannot read the site's key '%s' (is the site archive loaded?)",
			       SITE_KEY_PATH),
		       1;
	box_keys_make(&a.keys);
	seal_random(a.nonce, sizeof(a.nonce));
	ret = *a.cmdline->plan_file ? read_plan_file(&a, a.cmdline->plan_file) : request_plan(&a);
	seal_wipe(&a.keys, sizeof(a.keys));
	return ret ? 1 : 0;
}
