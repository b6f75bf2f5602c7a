/* See identity.h. */
#include "init/lib/identity.h"

#include <blake3.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"

#define FIRST_LINE "lucie-identity 1\n"
#define BASE64	   sodium_base64_VARIANT_ORIGINAL

bool identity_is_file(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";

	return str_starts(name, "ssh_host_") && strlen(name) < 64 &&
	       strspn(name, letters) == strlen(name);
}

int identity_add(struct identity *id, const char *name, const void *data, size_t len)
{
	struct identity_file *f = &id->files[id->count];

	if (!identity_is_file(name))
		return -EINVAL;
	if (id->count == IDENTITY_FILES_MAX || len > IDENTITY_FILE_MAX)
		return -EFBIG;
	f->data = malloc(len + 1);
	if (!f->data)
		return -ENOMEM;
	if (len)
		memcpy(f->data, data, len);
	f->data[len] = '\0';
	f->len = len;
	snprintf(f->name, sizeof(f->name), "%s", name);
	id->count++;
	return 0;
}

static int parse_file(struct identity *id, const char *name, const char *encoded)
{
	size_t room = strlen(encoded), len;
	_cleanup_free_ char *data = malloc(room + 1);
	int ret;

	if (!data)
		return -ENOMEM;
	ret = sodium_base642bin((unsigned char *)data, room, encoded, room, NULL, &len, NULL,
				BASE64)
		      ? -EINVAL
		      : identity_add(id, name, data, len);
	sodium_memzero(data, room);
	return ret;
}

static int parse_line(struct identity *id, char *line)
{
	char *key = str_word(&line), *first = str_word(&line), *second = str_word(&line);
	uint8_t raw[16];

	if (!key || !first)
		return -EINVAL;
	if (!strcmp(key, "file"))
		return parse_file(id, first, second ? second : "");
	if (!strcmp(key, "node") && str_is_name(first))
		snprintf(id->node, sizeof(id->node), "%s", first);
	else if (!strcmp(key, "machine_id") && !str_from_hex(first, raw, sizeof(raw)))
		str_to_hex(raw, sizeof(raw), id->machine_id);
	else
		return -EINVAL;
	return 0;
}

bool identity_is_text(const char *text, size_t len)
{
	size_t n = strlen(FIRST_LINE);

	return len > n && len <= IDENTITY_MAX && !memcmp(text, FIRST_LINE, n) &&
	       !memchr(text, '\0', len);
}

int identity_parse(struct identity *id, const char *text, size_t len)
{
	_cleanup_free_ char *copy = NULL;
	char *rest, *line;
	int ret = 0;

	memset(id, 0, sizeof(*id));
	if (!identity_is_text(text, len))
		return -EINVAL;
	copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	rest = copy + strlen(FIRST_LINE);
	while (!ret && (line = strsep(&rest, "\n")))
		ret = *line ? parse_line(id, line) : 0;
	sodium_memzero(copy, len);
	return ret ? ret : *id->node ? 0 : -EINVAL;
}

static int write_file(struct strbuf *out, const struct identity_file *f)
{
	size_t room = sodium_base64_encoded_len(f->len, BASE64);
	_cleanup_free_ char *encoded = malloc(room);
	int ret;

	if (!encoded)
		return -ENOMEM;
	sodium_bin2base64(encoded, room, (const unsigned char *)f->data, f->len, BASE64);
	ret = strbuf_addf(out, "file %s %s\n", f->name, encoded);
	sodium_memzero(encoded, room);
	return ret;
}

int identity_write(struct strbuf *out, const struct identity *id)
{
	int ret = strbuf_addf(out, FIRST_LINE "node %s\n", id->node);

	if (!ret && *id->machine_id)
		ret = strbuf_addf(out, "machine_id %s\n", id->machine_id);
	for (size_t i = 0; !ret && i < id->count; i++)
		ret = write_file(out, &id->files[i]);
	return ret ? ret : out->len > IDENTITY_MAX ? -EFBIG : 0;
}

void identity_free(struct identity *id)
{
	for (size_t i = 0; i < id->count; i++) {
		sodium_memzero(id->files[i].data, id->files[i].len);
		free(id->files[i].data);
	}
	id->count = 0;
}

void identity_keys(const uint8_t site_secret[SITE_SECRET_LEN], struct box_keys *keys)
{
	uint8_t seed[crypto_box_SEEDBYTES];
	blake3_hasher h;

	blake3_hasher_init_derive_key(&h, "lucie identity keys of a site, version 1");
	blake3_hasher_update(&h, site_secret, SITE_SECRET_LEN);
	blake3_hasher_finalize(&h, seed, sizeof(seed));
	crypto_box_seed_keypair(keys->public_key, keys->secret_key, seed);
	sodium_memzero(seed, sizeof(seed));
}
