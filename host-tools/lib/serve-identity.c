/* POST /v1/identity: what a node keeps over its installations (init/lib/identity.h). It comes from
 * an installation, with its code, sealed to the signing process, which alone can open it, and says
 * whether it is this node's: here it is kept and given back as bytes that say nothing. */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"

#define WHY_MAX 256

/* base64, as it is kept. -EBADMSG */
static int decode(const char *text, unsigned char sealed[IDENTITY_SEALED_MAX], size_t *len)
{
	return sodium_base642bin(sealed, IDENTITY_SEALED_MAX, text, strlen(text), NULL, len, NULL,
				 sodium_base64_VARIANT_ORIGINAL)
		       ? -EBADMSG
		       : 0;
}

/* Who learns a token knows neither the key that it is sealed to nor what is in it: garbage shall
 * not take the place of what the node has kept so far. */
static int check(struct serve *s, const char *node, const char *text, struct http_reply *reply)
{
	unsigned char sealed[IDENTITY_SEALED_MAX];
	size_t len;
	int ret = decode(text, sealed, &len);

	if (!ret)
		ret = signer_check(s->signer, node, sealed, len);
	if (ret == -EBADMSG) {
		http_reply_text(reply, HTTP_BAD_REQUEST,
				"this is no identity of '%s', sealed to this site", node);
		serve_say_refusal(node, "identity refused: it cannot be opened as this node's");
	} else if (ret) {
		http_reply_text(reply, HTTP_FAILED, "the signing process does not answer");
	}
	return ret;
}

static int keep(struct serve *s, const struct identity_request *r, const struct http_call *call,
		struct http_reply *reply)
{
	struct state_install install;
	struct state_sender sender;
	int ret = serve_authenticate(s->state, call, r->install, &sender, reply);

	if (!ret)
		ret = serve_once(s->state, call, r->install, r->t, reply);
	if (ret)
		return ret;
	if (state_install(s->state, r->install, &install) || !install.latest) {
		http_reply_text(reply, HTTP_UNAUTHORIZED, "'%s' is not the last one of '%s'",
				r->install, sender.node);
		return -EACCES;
	}
	ret = check(s, sender.node, r->sealed, reply);
	if (ret)
		return ret;
	if (!state_identity_keep(s->state, sender.node, r->sealed))
		return 0;
	http_reply_text(reply, HTTP_FAILED, "the server cannot write its state");
	return -EIO;
}

void serve_identity(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct identity_request request;
	char why[WHY_MAX];

	if (identity_request_parse(&request, call->body, call->body_len, why, sizeof(why))) {
		http_reply_text(reply, HTTP_BAD_REQUEST, "%s", why);
		serve_say_refusal("-", "identity from %s refused: %s", call->peer, why);
		return;
	}
	if (!keep(s, &request, call, reply))
		http_reply_text(reply, HTTP_OK, "kept");
	free(request.sealed);
}

char *serve_identity_for(struct serve *s, const char *node, const uint8_t boot_key[BOX_KEY_LEN])
{
	_cleanup_free_ char *kept = NULL;
	_cleanup_strbuf_ struct strbuf fresh = STRBUF_INIT;
	unsigned char sealed[IDENTITY_SEALED_MAX];
	char *encoded;
	size_t len, room;

	if (state_identity(s->state, node, &kept))
		return NULL;
	if (decode(kept, sealed, &len) || signer_reseal(s->signer, sealed, len, boot_key, &fresh)) {
		serve_say(node, "-",
			  "its ssh host keys cannot be opened by this site's key: it "
			  "gets new ones");
		return NULL;
	}
	room = sodium_base64_encoded_len(fresh.len, sodium_base64_VARIANT_ORIGINAL);
	encoded = xcalloc(1, room);
	sodium_bin2base64(encoded, room, (unsigned char *)fresh.buf, fresh.len,
			  sodium_base64_VARIANT_ORIGINAL);
	return encoded;
}
