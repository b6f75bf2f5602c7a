/* See rings.h. */
#include "host-tools/lib/rings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <blake3.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#define PORT_FIRST   20000
#define PORT_COUNT   10000
#define KEY_PURPOSE  "lucie-ring-key-1\n"
#define KEY_FILE_MAX (2 * RINGS_KEY_LEN + 1)

bool rings_has(const struct cluster_object *o)
{
	const char *ring = cluster_get(o, "ring");

	return o->type == TYPE_DATASET || (o->type == TYPE_BASE && ring && !strcmp(ring, "yes"));
}

uint16_t rings_port(const struct cluster_object *o)
{
	const char *text = cluster_get(o, "port");
	uint8_t type = (uint8_t)o->type, hash[2];
	blake3_hasher h;
	uint64_t port;

	if (text && !str_to_u64(text, &port) && port <= UINT16_MAX)
		return (uint16_t)port;
	blake3_hasher_init(&h);
	blake3_hasher_update(&h, &type, 1);
	blake3_hasher_update(&h, o->name, strlen(o->name));
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	return (uint16_t)(PORT_FIRST + (hash[0] << 8 | hash[1]) % PORT_COUNT);
}

static int base_content(const char *state_dir, const char *name, struct ring_content *out)
{
	int ret = store_base(state_dir, name, &out->blob);

	if (!ret)
		ret = store_base_path(state_dir, name, out->blob.format, out->path);
	if (!ret)
		snprintf(out->manifest, sizeof(out->manifest), "%s.blob", out->path);
	return ret;
}

static int dataset_content(const char *state_dir, const struct cluster_object *o,
			   struct ring_content *out)
{
	const char *source = cluster_get(o, "source");
	int ret = source ? store_dataset(state_dir, o->name, &out->blob) : -EINVAL;

	if (!ret)
		ret = store_dataset_path(state_dir, o->name, out->manifest);
	if (!ret && (size_t)snprintf(out->path, sizeof(out->path), "%s", source) >= PATH_MAX)
		ret = -ENAMETOOLONG;
	return ret;
}

int rings_content(const char *state_dir, const struct cluster_object *o, struct ring_content *out)
{
	return o->type == TYPE_BASE ? base_content(state_dir, o->name, out)
				    : dataset_content(state_dir, o, out);
}

int rings_key(const char *state_dir, const char *root, uint8_t key[RINGS_KEY_LEN])
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	blake3_hasher h;
	int ret;

	if ((size_t)snprintf(path, sizeof(path), "%s/ring.key", state_dir) >= sizeof(path))
		return -ENAMETOOLONG;
	ret = file_read(path, KEY_FILE_MAX, &text, NULL);
	if (!ret)
		ret = str_from_hex(str_trim(text), key, RINGS_KEY_LEN);
	if (ret)
		return ret;
	blake3_hasher_init_keyed(&h, key);
	blake3_hasher_update(&h, KEY_PURPOSE, sizeof(KEY_PURPOSE) - 1);
	blake3_hasher_update(&h, root, strlen(root));
	blake3_hasher_finalize(&h, key, RINGS_KEY_LEN);
	return 0;
}
