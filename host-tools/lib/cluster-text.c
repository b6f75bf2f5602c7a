/* Lines of the text files of a definition, cut in place and looked at byte by byte: what is no text
 * in UTF-8 is refused before it gets into a message or onto a terminal. */
#include "host-tools/lib/cluster-internal.h"

#include <string.h>

/* Length of the UTF-8 character at p, 0 if it is none or a control character. */
static size_t character_length(const unsigned char *p)
{
	static const unsigned int least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80	     ? 1
		   : p[0] >> 5 == 6  ? 2
		   : p[0] >> 4 == 14 ? 3
		   : p[0] >> 3 == 30 ? 4
				     : 0;
	unsigned int code = n < 2 ? p[0] : p[0] & (0x7fU >> n);

	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (n > 1 && code < least[n]))
		return 0;
	return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

static const char *bad_byte(const char *line, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = line[i] == '\t' || (line[i] == '\r' && i + 1 == len)
				   ? 1
				   : character_length((const unsigned char *)line + i);

		if (!n)
			return line + i;
		i += n;
	}
	return NULL;
}

char *cluster_next_line(struct cluster_text *t, const char **bad)
{
	char *line = t->at, *nl;
	size_t len;

	if (line >= t->end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(t->end - line));
	len = (size_t)((nl ? nl : t->end) - line);
	t->at = nl ? nl + 1 : t->end;
	if (nl)
		*nl = '\0';
	if (bad)
		*bad = bad_byte(line, len);
	return line;
}
