/* POST /v1/operator/arm: the operator's orders from the board, as `lucie install`, `repair`, `boot`
 * and `continue` give them. The token comes in a header that no page of elsewhere can send along,
 * so an order cannot be forged by a link. What would overwrite foreign data is not ordered here:
 * that takes `lucie install --wipe`. */
#include "host-tools/lib/serve-board.h"

#include <errno.h>
#include <stdio.h>

#include "host-tools/lib/arm.h"
#include "host-tools/lib/json-out.h"

struct answers {
	json_t *list;
	unsigned int done;
};

/* 0 or -errno with why. Under cluster_lock. */
static int obey(struct serve *s, const struct arm_request *r, const struct cluster_object *host,
		char why[ARM_WHY_MAX])
{
	const char *variant = r->action == ARM_REPAIR ? "repair" : NULL;
	int ret;

	if (r->action == ARM_INSTALL || r->action == ARM_REPAIR)
		return arm_node(s->options->state_dir, s->cluster, s->state, host, &variant, false,
				why);
	ret = r->action == ARM_CONTINUE
		      ? state_continue(s->state, host->name)
		      : disarm_node(s->options->state_dir, s->cluster, s->state, host);
	if (ret)
		snprintf(why, ARM_WHY_MAX, "%s",
			 r->action == ARM_CONTINUE ? "it does not hold"
						   : "the state cannot be written");
	return ret;
}

static void order_node(struct serve *s, const struct arm_request *r, const char *node,
		       struct answers *answers)
{
	const struct cluster_object *host;
	char why[ARM_WHY_MAX] = "the definition has no such host";
	int ret;

	pthread_rwlock_rdlock(&s->cluster_lock);
	host = cluster_find(s->cluster, TYPE_HOST, node);
	ret = host ? obey(s, r, host, why) : -ENOENT;
	pthread_rwlock_unlock(&s->cluster_lock);
	if (!ret) {
		answers->done++;
		serve_say(node, "-", "%s, ordered on the board", arm_action_words(r->action));
	}
	json_array_append_new(answers->list,
			      ret ? json_pack("{s:o, s:b, s:o}", "node", json_text(node), "ok", 0,
					      "why", json_text(why))
				  : json_pack("{s:o, s:b}", "node", json_text(node), "ok", 1));
}

void serve_arm(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct answers answers = {0};
	struct arm_request r;
	char why[160];

	if (!board_admits_operator(s, call, reply))
		return;
	if (arm_request_parse(&r, call->body, call->body_len, why, sizeof(why))) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		return;
	}
	answers.list = json_array();
	for (size_t i = 0; i < r.count; i++)
		order_node(s, &r, r.nodes[i], &answers);
	board_reply_json(reply,
			 json_pack("{s:i, s:o}", "done", (int)answers.done, "nodes", answers.list));
}
