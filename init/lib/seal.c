/* Keys, signatures and seals of plans, on libsodium; see seal.h. */
#include "init/lib/seal.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/plan-format.h"

#include <blake3.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_PREFIX "lucie-plan-signature-1\n"
#define PREFIX_LEN	 (sizeof(SIGNATURE_PREFIX) - 1)

_Static_assert(SITE_PUBLIC_LEN == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(SITE_SECRET_LEN == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(SIGNATURE_LEN == crypto_sign_BYTES, "Ed25519 signature");
_Static_assert(BOX_KEY_LEN == crypto_box_PUBLICKEYBYTES, "X25519 public key");
_Static_assert(BOX_KEY_LEN == crypto_box_SECRETKEYBYTES, "X25519 secret key");

int seal_init(void)
{
	return sodium_init() < 0 ? -EIO : 0;
}

void seal_random(void *buf, size_t len)
{
	randombytes_buf(buf, len);
}

void seal_wipe(void *buf, size_t len)
{
	sodium_memzero(buf, len);
}

void site_key_make(uint8_t public_key[SITE_PUBLIC_LEN], uint8_t secret_key[SITE_SECRET_LEN])
{
	crypto_sign_keypair(public_key, secret_key);
}

void site_key_public(const uint8_t secret_key[SITE_SECRET_LEN], uint8_t public_key[SITE_PUBLIC_LEN])
{
	crypto_sign_ed25519_sk_to_pk(public_key, secret_key);
}

void site_id(const uint8_t public_key[SITE_PUBLIC_LEN], char out[SITE_ID_TEXT])
{
	uint8_t hash[(SITE_ID_TEXT - 1) / 2];
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, public_key, SITE_PUBLIC_LEN);
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	str_to_hex(hash, sizeof(hash), out);
}

int site_public_read(const char *path, uint8_t public_key[SITE_PUBLIC_LEN])
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, 256, &text, NULL);

	return ret ? ret : str_from_hex(str_trim(text), public_key, SITE_PUBLIC_LEN);
}

void box_keys_make(struct box_keys *keys)
{
	crypto_box_keypair(keys->public_key, keys->secret_key);
}

/* What is signed: the prefix keeps a signature from meaning anything but a plan. malloc'ed. */
static uint8_t *signed_bytes(const char *text, size_t len)
{
	uint8_t *bytes = malloc(PREFIX_LEN + len);

	if (bytes) {
		memcpy(bytes, SIGNATURE_PREFIX, PREFIX_LEN);
		memcpy(bytes + PREFIX_LEN, text, len);
	}
	return bytes;
}

int plan_sign(const char *text, size_t len, const uint8_t secret_key[SITE_SECRET_LEN],
	      uint8_t signature[SIGNATURE_LEN])
{
	_cleanup_free_ uint8_t *bytes = NULL;

	if (len > PLAN_MAX)
		return -EFBIG;
	bytes = signed_bytes(text, len);
	if (!bytes)
		return -ENOMEM;
	crypto_sign_detached(signature, NULL, bytes, PREFIX_LEN + len, secret_key);
	return 0;
}

int plan_verify(const char *text, size_t len, const uint8_t signature[SIGNATURE_LEN],
		const uint8_t site_public[SITE_PUBLIC_LEN])
{
	_cleanup_free_ uint8_t *bytes = NULL;

	if (len > PLAN_MAX)
		return -EFBIG;
	bytes = signed_bytes(text, len);
	if (!bytes)
		return -ENOMEM;
	if (crypto_sign_verify_detached(signature, bytes, PREFIX_LEN + len, site_public))
		return -EKEYREJECTED;
	return 0;
}

int box_seal(struct strbuf *out, const void *data, size_t len,
	     const uint8_t box_public[BOX_KEY_LEN])
{
	size_t sealed_len = len + crypto_box_SEALBYTES;
	_cleanup_free_ uint8_t *sealed = NULL;

	if (len > SIGNATURE_LEN + PLAN_MAX)
		return -EFBIG;
	sealed = malloc(sealed_len);
	if (!sealed)
		return -ENOMEM;
	if (crypto_box_seal(sealed, data, len, box_public))
		return -EINVAL; /* a key of small order */
	return strbuf_add(out, sealed, sealed_len);
}

int box_open(struct strbuf *out, const void *sealed, size_t len, const struct box_keys *keys)
{
	_cleanup_free_ uint8_t *clear = NULL;
	size_t clear_len;
	int ret;

	if (len < crypto_box_SEALBYTES)
		return -EBADMSG;
	clear_len = len - crypto_box_SEALBYTES;
	if (clear_len > SIGNATURE_LEN + PLAN_MAX)
		return -EFBIG;
	clear = malloc(clear_len + 1);
	if (!clear)
		return -ENOMEM;
	if (crypto_box_seal_open(clear, sealed, len, keys->public_key, keys->secret_key))
		return -EBADMSG;
	ret = strbuf_add(out, clear, clear_len);
	sodium_memzero(clear, clear_len);
	return ret;
}

int plan_seal(struct strbuf *out, const char *text, size_t len,
	      const uint8_t signature[SIGNATURE_LEN], const uint8_t box_public[BOX_KEY_LEN])
{
	_cleanup_free_ uint8_t *clear = NULL;
	int ret;

	if (len > PLAN_MAX)
		return -EFBIG;
	clear = malloc(SIGNATURE_LEN + len);
	if (!clear)
		return -ENOMEM;
	memcpy(clear, signature, SIGNATURE_LEN);
	memcpy(clear + SIGNATURE_LEN, text, len);
	ret = box_seal(out, clear, SIGNATURE_LEN + len, box_public);
	sodium_memzero(clear, SIGNATURE_LEN + len);
	return ret;
}

int plan_open(struct strbuf *out, const void *sealed, size_t len, const struct box_keys *keys,
	      const uint8_t site_public[SITE_PUBLIC_LEN])
{
	_cleanup_strbuf_ struct strbuf clear = STRBUF_INIT;
	size_t n;
	int ret = box_open(&clear, sealed, len, keys);

	if (ret)
		return ret;
	if (clear.len < SIGNATURE_LEN)
		return -EBADMSG;
	n = clear.len - SIGNATURE_LEN;
	ret = plan_verify(clear.buf + SIGNATURE_LEN, n, (uint8_t *)clear.buf, site_public);
	return ret ? ret : strbuf_add(out, clear.buf + SIGNATURE_LEN, n);
}
