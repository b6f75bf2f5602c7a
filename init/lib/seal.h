/* Signing, sealing and opening of plans with libsodium (docs/plan-format.md, "On the wire").
 *
 *	sealed = crypto_box_seal(signature[64] || text, box public key of the requesting boot)
 *	signature = Ed25519 over "lucie-plan-signature-1\n" || text
 *
 * The box key pair and the nonce are made anew by every boot, so a plan cannot be replayed and no
 * clock is needed.
 */
#ifndef LUCIE_SEAL_H
#define LUCIE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/str.h"

#define SITE_PUBLIC_LEN 32 /* Ed25519 */
#define SITE_SECRET_LEN 64
#define BOX_KEY_LEN	32 /* X25519, public and secret */
#define NONCE_LEN	32
#define TOKEN_LEN	32
#define SIGNATURE_LEN	64
#define SITE_ID_TEXT                                                                               \
	17 /* 16 hex digits (the first 8 bytes of BLAKE3 of the public key) and NUL                \
	    */

struct box_keys {
	uint8_t public_key[BOX_KEY_LEN];
	uint8_t secret_key[BOX_KEY_LEN];
};

/* Call once per program before anything else here; -EIO if libsodium cannot start (no random
 * source). */
int seal_init(void);
void seal_random(void *buf, size_t len);
void seal_wipe(void *buf, size_t len);

void site_key_make(uint8_t public_key[SITE_PUBLIC_LEN], uint8_t secret_key[SITE_SECRET_LEN]);
void site_key_public(const uint8_t secret_key[SITE_SECRET_LEN],
		     uint8_t public_key[SITE_PUBLIC_LEN]);
void site_id(const uint8_t public_key[SITE_PUBLIC_LEN], char out[SITE_ID_TEXT]);
/* Public key file: 64 hex digits and '\n'; secret key file: 128 hex digits and '\n', mode 0600.
 * -EINVAL for another form. */
int site_public_read(const char *path, uint8_t public_key[SITE_PUBLIC_LEN]);

void box_keys_make(struct box_keys *keys);

/* Anything that only the holder of the key can read; both append to out. -ENOMEM, -EFBIG (more than
 * a plan), -EINVAL (no usable key); -EBADMSG: altered, or sealed to another key. */
int box_seal(struct strbuf *out, const void *data, size_t len,
	     const uint8_t box_public[BOX_KEY_LEN]);
int box_open(struct strbuf *out, const void *sealed, size_t len, const struct box_keys *keys);

/* -ENOMEM, -EFBIG. */
int plan_sign(const char *text, size_t len, const uint8_t secret_key[SITE_SECRET_LEN],
	      uint8_t signature[SIGNATURE_LEN]);
/* The signature alone, for a plan that was not sealed (lucie.plan=FILE). -EKEYREJECTED, -ENOMEM,
 * -EFBIG. */
int plan_verify(const char *text, size_t len, const uint8_t signature[SIGNATURE_LEN],
		const uint8_t site_public[SITE_PUBLIC_LEN]);
/* Appends to out. */
int plan_seal(struct strbuf *out, const char *text, size_t len,
	      const uint8_t signature[SIGNATURE_LEN], const uint8_t box_public[BOX_KEY_LEN]);
/* Appends the plan's text to out. -EBADMSG: altered on the way, or sealed for another boot
 * (replayed). -EKEYREJECTED: not signed by this site's key. -EFBIG. Logs nothing. */
int plan_open(struct strbuf *out, const void *sealed, size_t len, const struct box_keys *keys,
	      const uint8_t site_public[SITE_PUBLIC_LEN]);

#endif
