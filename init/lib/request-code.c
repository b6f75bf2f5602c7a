/* See request-code.h. */
#include "init/lib/request-code.h"

#include <blake3.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/seal.h"
#include "init/lib/str.h"

int request_key(const char *token, uint8_t key[REQUEST_KEY_LEN])
{
	uint8_t raw[TOKEN_LEN];
	blake3_hasher hasher;
	int ret = str_from_hex(token, raw, sizeof(raw));

	if (ret)
		return ret;
	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, raw, sizeof(raw));
	blake3_hasher_finalize(&hasher, key, REQUEST_KEY_LEN);
	seal_wipe(raw, sizeof(raw));
	return 0;
}

static void field(blake3_hasher *hasher, const void *data, size_t len)
{
	uint8_t length[8];

	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (uint8_t)((uint64_t)len >> (8 * i));
	blake3_hasher_update(hasher, length, sizeof(length));
	blake3_hasher_update(hasher, data, len);
}

static void start(blake3_hasher *hasher, const uint8_t key[REQUEST_KEY_LEN], const char *domain)
{
	blake3_hasher_init_keyed(hasher, key);
	blake3_hasher_update(hasher, domain, strlen(domain));
}

void request_code(const uint8_t key[REQUEST_KEY_LEN], const char *method, const char *path,
		  const void *body, size_t len, uint8_t code[REQUEST_CODE_LEN])
{
	blake3_hasher hasher;

	start(&hasher, key, "lucie-request-1\n");
	field(&hasher, method, strlen(method));
	field(&hasher, path, strlen(path));
	field(&hasher, body, len);
	blake3_hasher_finalize(&hasher, code, REQUEST_CODE_LEN);
}

void answer_code(const uint8_t key[REQUEST_KEY_LEN], const uint8_t request[REQUEST_CODE_LEN],
		 unsigned int status, const void *body, size_t len, uint8_t code[REQUEST_CODE_LEN])
{
	blake3_hasher hasher;
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", status);
	start(&hasher, key, "lucie-answer-1\n");
	field(&hasher, request, REQUEST_CODE_LEN);
	field(&hasher, digits, strlen(digits));
	field(&hasher, body, len);
	blake3_hasher_finalize(&hasher, code, REQUEST_CODE_LEN);
}

bool code_is(const uint8_t code[REQUEST_CODE_LEN], const char *hex)
{
	uint8_t raw[REQUEST_CODE_LEN];

	return hex && !str_from_hex(hex, raw, sizeof(raw)) &&
	       !sodium_memcmp(raw, code, REQUEST_CODE_LEN);
}
