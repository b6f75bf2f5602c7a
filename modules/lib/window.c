/* Headers of compressed streams; see window.h. Field by field from the specifications:
 * Zstandard: RFC 8878, 3.1.1 and 3.1.2 (skippable frames); xz: The .xz File
 * Format 1.0.4, 2.1.1, 3.1 and 5.3.1; gzip: RFC 1952.
 */
#include "modules/lib/window.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define GZIP_WINDOW	((uint64_t)32 << 10)
#define ZSTD_MAGIC	0xFD2FB528u
#define ZSTD_SKIP_MAGIC 0x184D2A50u /* the low four bits are free */
#define XZ_STREAM_HEAD	12
#define XZ_FILTERS_MAX	4
#define XZ_LZMA2	0x21
#define XZ_DICT_4G	40

static const char xz_magic[6] = {(char)0xFD, '7', 'z', 'X', 'Z', 0};

struct bytes {
	const uint8_t *at, *end;
};

static bool take(struct bytes *b, size_t n, uint64_t *value)
{
	if ((size_t)(b->end - b->at) < n)
		return false;
	*value = 0;
	for (size_t i = 0; i < n; i++)
		*value |= (uint64_t)b->at[i] << (8 * i);
	b->at += n;
	return true;
}

static bool skip(struct bytes *b, uint64_t n)
{
	if ((uint64_t)(b->end - b->at) < n)
		return false;
	b->at += n;
	return true;
}

/* xz's integers: seven bits a byte, the lowest first. */
static bool take_varint(struct bytes *b, uint64_t *value)
{
	uint64_t byte;

	*value = 0;
	for (unsigned int shift = 0; shift < 63; shift += 7) {
		if (!take(b, 1, &byte))
			return false;
		*value |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

const char *window_format(const void *head, size_t len)
{
	struct bytes b = {.at = head, .end = (const uint8_t *)head + len};
	uint64_t magic;

	if (len >= sizeof(xz_magic) && !memcmp(head, xz_magic, sizeof(xz_magic)))
		return "tar.xz";
	if (!take(&b, 4, &magic))
		return NULL;
	if (magic == ZSTD_MAGIC || (magic & ~UINT64_C(15)) == ZSTD_SKIP_MAGIC)
		return "tar.zst";
	return (magic & 0xffffff) == 0x088b1f ? "tar.gz" : NULL;
}

static int zstd_frame(struct bytes *b, uint64_t *bytes)
{
	static const uint8_t id_bytes[] = {0, 1, 2, 4}, size_bytes[] = {0, 2, 4, 8};
	uint64_t descriptor, window;
	bool single;

	if (!take(b, 1, &descriptor))
		return -EINVAL;
	single = descriptor & 0x20;
	if (!single) {
		if (!take(b, 1, &window))
			return -EINVAL;
		*bytes = (uint64_t)1 << (10 + (window >> 3));
		*bytes += *bytes / 8 * (window & 7);
		return 0;
	}
	/* A single segment: the whole content is the window. */
	if (!skip(b, id_bytes[descriptor & 3]) ||
	    !take(b, descriptor >> 6 ? size_bytes[descriptor >> 6] : 1, bytes))
		return -EINVAL;
	if (descriptor >> 6 == 1)
		*bytes += 256;
	return 0;
}

static int zstd_window(struct bytes *b, uint64_t *bytes)
{
	uint64_t magic, len;

	while (take(b, 4, &magic)) {
		if (magic == ZSTD_MAGIC)
			return zstd_frame(b, bytes);
		if ((magic & ~UINT64_C(15)) != ZSTD_SKIP_MAGIC || !take(b, 4, &len) ||
		    !skip(b, len))
			break;
	}
	return -EINVAL;
}

static int xz_dictionary(struct bytes *b, uint64_t *bytes)
{
	uint64_t size, flags, ignored, id, len, code;

	if (!skip(b, XZ_STREAM_HEAD) || !take(b, 1, &size) || !size || !take(b, 1, &flags) ||
	    (flags & 0x40 && !take_varint(b, &ignored)) ||
	    (flags & 0x80 && !take_varint(b, &ignored)))
		return -EINVAL;
	for (unsigned int i = 0; i <= (flags & 3) && i < XZ_FILTERS_MAX; i++) {
		if (!take_varint(b, &id) || !take_varint(b, &len))
			return -EINVAL;
		if (id != XZ_LZMA2) {
			if (!skip(b, len))
				return -EINVAL;
			continue;
		}
		if (len != 1 || !take(b, 1, &code) || code > XZ_DICT_4G)
			return -EINVAL;
		*bytes = code == XZ_DICT_4G ? UINT32_MAX : (2 | (code & 1)) << (code / 2 + 11);
		return 0;
	}
	return -EINVAL;
}

int window_size(const char *format, const void *head, size_t len, uint64_t *bytes)
{
	struct bytes b = {.at = head, .end = (const uint8_t *)head + len};
	const char *is = window_format(head, len);

	if (!is || strcmp(is, format))
		return -EINVAL;
	if (!strcmp(is, "tar.zst"))
		return zstd_window(&b, bytes);
	if (!strcmp(is, "tar.xz"))
		return xz_dictionary(&b, bytes);
	*bytes = GZIP_WINDOW;
	return 0;
}
