/* Decoding of a whole .xz file by liblzma; see unxz.h. */
#include "init/lib/unxz.h"

#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#define FIRST_ROOM ((size_t)256 << 10)
#define MEMORY_MAX ((uint64_t)70 << 20) /* what xz -9 asks for */

/* Runs the decoder to the end of its input into a growing buffer. */
static int decode(lzma_stream *s, size_t max, char **out)
{
	lzma_ret ret = LZMA_OK;
	size_t room = 0;

	while (ret == LZMA_OK) {
		if (!s->avail_out) {
			size_t more = room ? 2 * room : FIRST_ROOM;
			char *p;

			if (more > max)
				more = max;
			if (more == room)
				return -EFBIG;
			p = realloc(*out, more);
			if (!p)
				return -ENOMEM;
			*out = p;
			s->next_out = (uint8_t *)p + room;
			s->avail_out = more - room;
			room = more;
		}
		ret = lzma_code(s, LZMA_FINISH);
	}
	if (ret == LZMA_STREAM_END)
		return s->avail_in ? -EBADMSG : 0;
	return ret == LZMA_MEM_ERROR || ret == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
}

int unxz(const void *data, size_t size, size_t max, char **out, size_t *len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	char *buf = NULL;
	int ret;

	if (lzma_stream_decoder(&s, MEMORY_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	s.next_in = data;
	s.avail_in = size;
	ret = decode(&s, max, &buf);
	*len = (size_t)s.total_out;
	lzma_end(&s);
	if (ret) {
		free(buf);
		return ret;
	}
	*out = buf;
	return 0;
}

int unxz_file(const char *path, size_t max, char **out, size_t *len)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int ret = file_read(path, max, &data, &size);

	return ret ? ret : unxz(data, size, max, out, len);
}
