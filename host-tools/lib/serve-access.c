/* Who may see what of the board, and the form of its answers; see serve-board.h.
 *
 * A machine that knows the address of an armed node's network card can ask for its plan
 * (docs/serving.md): so who has no token sees no such address unless the definition says so, and no
 * log, which holds what scripts print.
 */
#include "host-tools/lib/serve-board.h"

#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/operator-token.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

static enum board_access access_of(const char *word)
{
	if (word && !strcmp(word, "all"))
		return ACCESS_ALL;
	return word && !strcmp(word, "token") ? ACCESS_TOKEN : ACCESS_STATES;
}

/* There is one board: of several lucie_groups the strictest word counts. */
static enum board_access public_access(struct serve *s)
{
	enum board_access strictest = ACCESS_ALL;
	size_t count;

	pthread_rwlock_rdlock(&s->cluster_lock);
	count = cluster_count(s->cluster, TYPE_LUCIE_GROUP);
	for (size_t i = 0; i < count; i++) {
		enum board_access a = access_of(
			cluster_get(cluster_at(s->cluster, TYPE_LUCIE_GROUP, i), "web_access"));

		if (a > strictest)
			strictest = a;
	}
	pthread_rwlock_unlock(&s->cluster_lock);
	return count ? strictest : ACCESS_STATES;
}

bool board_may_see(struct serve *s, const struct http_call *call, enum board_access needed)
{
	return public_access(s) <= needed || operator_check(s->options->state_dir, call->token,
							    call->peer, now_ms()) == OPERATOR_YES;
}

bool board_admits_operator(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	static const struct http_header headers[] = {
		{"WWW-Authenticate", "Bearer"}, {"Cache-Control", "no-store"}, {NULL, NULL}};

	switch (operator_check(s->options->state_dir, call->token, call->peer, now_ms())) {
	case OPERATOR_YES:
		return true;
	case OPERATOR_TOO_MANY:
		http_reply_text(reply, HTTP_TOO_MANY, "too many wrong tokens: wait a minute");
		break;
	case OPERATOR_NO:
		http_reply_text(reply, HTTP_UNAUTHORIZED,
				"this needs the operator's token (lucie token)");
		if (call->token)
			serve_say_refusal("-", "a wrong operator's token from %s", call->peer);
		break;
	}
	reply->headers = headers;
	return false;
}

bool board_admits(struct serve *s, const struct http_call *call, struct http_reply *reply,
		  enum board_access needed)
{
	return public_access(s) <= needed || board_admits_operator(s, call, reply);
}

void board_reply_text(struct http_reply *reply, const char *text, size_t len)
{
	static const struct http_header headers[] = {
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{NULL, NULL},
	};

	if (!text) {
		http_reply_text(reply, HTTP_FAILED, "the server cannot read its state");
		return;
	}
	reply->status = HTTP_OK;
	reply->type = "application/json";
	reply->headers = headers;
	strbuf_add(&reply->text, text, len);
}

void board_reply_json(struct http_reply *reply, json_t *document)
{
	_cleanup_free_ char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

	json_decref(document);
	board_reply_text(reply, text, text ? strlen(text) : 0);
}

void serve_operator(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	if (board_admits_operator(s, call, reply))
		board_reply_json(reply, json_pack("{s:b}", "operator", 1));
}
