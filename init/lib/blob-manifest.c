/* Manifests of blobs: reader, writer and maker; see blob.h. The reader is pure. */
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#include <blake3.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define VERSION_LINE "lucie-blob 1"
#define ROOT_PREFIX  "lucie-blob-1\n"
#define CHUNK_KEY    "chunk "
#define CHUNK_LINE   (sizeof(CHUNK_KEY) - 1 + 2 * BLOB_HASH_LEN + 1)

/* What is left of the text; not NUL-terminated. */
struct text {
	const char *at;
	size_t left;
};

/* Cuts the next line if it starts with key: its value is copied to value. */
static int take_line(struct text *t, const char *key, char *value, size_t size)
{
	const char *end = t->left ? memchr(t->at, '\n', t->left) : NULL;
	size_t key_len = strlen(key), len = end ? (size_t)(end - t->at) : 0;

	if (!end || len < key_len || len - key_len >= size || memcmp(t->at, key, key_len) != 0)
		return -EINVAL;
	memcpy(value, t->at + key_len, len - key_len);
	value[len - key_len] = '\0';
	t->at = end + 1;
	t->left -= len + 1;
	return strlen(value) == len - key_len ? 0 : -EINVAL;
}

static void make_root(const struct blob_manifest *m, char root[BLOB_ROOT_TEXT])
{
	uint8_t length[8], hash[BLOB_HASH_LEN];
	blake3_hasher h;

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(m->length >> (8 * i));
	blake3_hasher_init(&h);
	blake3_hasher_update(&h, ROOT_PREFIX, sizeof(ROOT_PREFIX) - 1);
	blake3_hasher_update(&h, length, sizeof(length));
	if (m->chunks)
		blake3_hasher_update(&h, m->hash, m->chunks * BLOB_HASH_LEN);
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	str_to_hex(hash, sizeof(hash), root);
}

static uint64_t chunks_of(uint64_t length)
{
	return length / BLOB_CHUNK + (length % BLOB_CHUNK != 0);
}

static int alloc_hashes(struct blob_manifest *m, size_t chunks)
{
	m->chunks = chunks;
	m->hash = calloc(chunks ? chunks : 1, BLOB_HASH_LEN);
	return m->hash ? 0 : -ENOMEM;
}

static int read_chunks(struct blob_manifest *m, struct text *t)
{
	char line[2 * BLOB_HASH_LEN + 1];
	int ret = alloc_hashes(m, (size_t)chunks_of(m->length));

	for (size_t i = 0; !ret && i < m->chunks; i++) {
		ret = take_line(t, CHUNK_KEY, line, sizeof(line));
		if (!ret)
			ret = str_from_hex(line, m->hash[i], BLOB_HASH_LEN);
	}
	return ret;
}

static int read_manifest(struct blob_manifest *m, struct text *t)
{
	char line[32], root[BLOB_ROOT_TEXT];
	uint8_t bytes[BLOB_HASH_LEN];
	int ret;

	if (take_line(t, VERSION_LINE, line, 1) || take_line(t, "length ", line, sizeof(line)) ||
	    str_to_u64(line, &m->length) || take_line(t, "root ", m->root, sizeof(m->root)) ||
	    str_from_hex(m->root, bytes, sizeof(bytes)))
		return -EINVAL;
	/* Before memory is taken: the text must be exactly as long as the list that it promises. */
	if (t->left % CHUNK_LINE || chunks_of(m->length) != t->left / CHUNK_LINE)
		return -EINVAL;
	str_to_hex(bytes, sizeof(bytes), m->root);
	ret = read_chunks(m, t);
	if (ret)
		return ret;
	make_root(m, root);
	return strcmp(root, m->root) ? -EBADMSG : 0;
}

int blob_manifest_parse(struct blob_manifest *m, const char *text, size_t len)
{
	struct text t = {text, len};
	int ret;

	*m = (struct blob_manifest){0};
	if (len > BLOB_MANIFEST_MAX)
		return -EFBIG;
	ret = read_manifest(m, &t);
	if (ret)
		blob_manifest_free(m);
	return ret;
}

int blob_manifest_load(struct blob_manifest *m, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret;

	*m = (struct blob_manifest){0};
	ret = file_read(path, BLOB_MANIFEST_MAX, &text, &len);
	return ret ? ret : blob_manifest_parse(m, text, len);
}

int blob_manifest_write(const struct blob_manifest *m, struct strbuf *out)
{
	char hex[2 * BLOB_HASH_LEN + 1];

	strbuf_addf(out, VERSION_LINE "\nlength %" PRIu64 "\nroot %s\n", m->length, m->root);
	for (size_t i = 0; i < m->chunks; i++) {
		str_to_hex(m->hash[i], BLOB_HASH_LEN, hex);
		strbuf_addf(out, CHUNK_KEY "%s\n", hex);
	}
	return out->error;
}

static int hash_file(struct blob_manifest *m, int fd)
{
	_cleanup_free_ void *buf = malloc(BLOB_CHUNK);
	int ret = buf ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < m->chunks; i++) {
		size_t len = blob_chunk_length(m, i);

		ret = pread_full(fd, buf, len, (uint64_t)i * BLOB_CHUNK);
		if (!ret)
			blob_chunk_hash(buf, len, m->hash[i]);
	}
	return ret;
}

int blob_manifest_make(struct blob_manifest *m, int fd)
{
	struct stat st;
	int ret;

	*m = (struct blob_manifest){0};
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	m->length = (uint64_t)st.st_size;
	if (chunks_of(m->length) > BLOB_MANIFEST_MAX / CHUNK_LINE - 8)
		return -EFBIG;
	ret = alloc_hashes(m, (size_t)chunks_of(m->length));
	if (!ret)
		ret = hash_file(m, fd);
	if (ret)
		blob_manifest_free(m);
	else
		make_root(m, m->root);
	return ret;
}

void blob_manifest_free(struct blob_manifest *m)
{
	free(m->hash);
	*m = (struct blob_manifest){0};
}

void blob_chunk_hash(const void *data, size_t len, uint8_t hash[BLOB_HASH_LEN])
{
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, data, len);
	blake3_hasher_finalize(&h, hash, BLOB_HASH_LEN);
}
