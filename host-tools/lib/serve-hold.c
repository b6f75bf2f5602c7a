/* POST /v1/hold: a node that holds before a module asks whether it may go on (init/hold.c).
 *
 * The answer is empty until an administrator said so (lucie continue); then it is a signature of the
 * site and a text in the form of a plan, which names installation and module and echoes the nonce:
 * nothing of it can be altered, replayed, or used for another node.
 */
#include "host-tools/lib/serve.h"

#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/plan-format.h"

#define WHY_MAX 256

static int answer_make(struct serve *s, const struct hold_request *request, struct strbuf *answer)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	uint8_t signature[SIGNATURE_LEN];
	int ret;

	plan_write_start(&text);
	plan_write(&text, "install", request->install);
	plan_write(&text, "continue", request->module);
	plan_write(&text, "nonce", request->nonce);
	ret = text.error ? text.error : signer_sign(s->signer, text.buf, text.len, signature);
	if (!ret)
		ret = strbuf_add(answer, (const char *)signature, sizeof(signature));
	return ret ? ret : strbuf_add(answer, text.buf, text.len);
}

void serve_hold(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct hold_request request;
	struct state_sender sender;
	char why[WHY_MAX];
	bool go;

	if (hold_request_parse(&request, call->body, call->body_len, why, sizeof(why))) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		return;
	}
	if (serve_authenticate(s->view, call, request.install, &sender, reply) ||
	    serve_once(s->state, call, request.install, request.t, reply))
		return;
	reply->status = HTTP_OK;
	reply->type = "application/octet-stream";
	if (state_may_go(s->state, request.install, request.module, &go) ||
	    (go && answer_make(s, &request, &reply->text)))
		http_reply_text(reply, HTTP_FAILED, "the server cannot answer now");
	else if (go)
		serve_say(sender.node, request.module, "goes on, as it was told to");
}
