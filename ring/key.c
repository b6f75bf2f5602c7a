/* The shared key of a ring, made from a file. */
#include "ring/ring.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <blake3.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define KEY_FILE_MIN 16
#define KEY_FILE_MAX 4096

int ring_key_read(struct ring_key *key, const char *path)
{
	_cleanup_free_ char *text = NULL;
	blake3_hasher h;
	size_t len;
	int ret = file_read(path, KEY_FILE_MAX, &text, &len);

	if (ret)
		return log_err(ret, "cannot read the key '%s'", path);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len < KEY_FILE_MIN)
		return log_err(-EINVAL, "the key '%s' has less than %d bytes", path, KEY_FILE_MIN);
	blake3_hasher_init_derive_key(&h, "lucie ring shared key 1");
	blake3_hasher_update(&h, text, len);
	blake3_hasher_finalize(&h, key->key, sizeof(key->key));
	key->set = true;
	return 0;
}
