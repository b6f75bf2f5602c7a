/* Text buffer and value parsers; see str.h. Pure: no I/O, no logging. */
#include "init/lib/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRBUF_DEFAULT_MAX ((size_t)64 << 20)

static int strbuf_room(struct strbuf *b, size_t extra)
{
	size_t max = b->max ? b->max : STRBUF_DEFAULT_MAX;
	size_t cap = b->cap ? b->cap : 128;
	char *p;

	if (b->error)
		return b->error;
	if (extra > max || b->len > max - extra)
		return b->error = -EFBIG;
	if (b->len + extra + 1 <= b->cap)
		return 0;
	while (cap < b->len + extra + 1)
		cap *= 2;
	p = realloc(b->buf, cap);
	if (!p)
		return b->error = -ENOMEM;
	b->buf = p;
	b->cap = cap;
	return 0;
}

int strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	int ret = strbuf_room(b, len);

	if (ret)
		return ret;
	if (len)
		memcpy(b->buf + b->len, data, len);
	b->len += len;
	b->buf[b->len] = '\0';
	return 0;
}

int strbuf_adds(struct strbuf *b, const char *s)
{
	return strbuf_add(b, s, strlen(s));
}

int strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n, ret;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return b->error = -EINVAL;
	ret = strbuf_room(b, (size_t)n);
	if (ret)
		return ret;
	va_start(ap, fmt);
	vsnprintf(b->buf + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->buf)
		b->buf[0] = '\0';
}

void strbuf_free(struct strbuf *b)
{
	size_t max = b->max;

	free(b->buf);
	*b = (struct strbuf){.max = max};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *str_trim(char *s)
{
	size_t n;

	while (is_blank(*s))
		s++;
	n = strlen(s);
	while (n && is_blank(s[n - 1]))
		s[--n] = '\0';
	return s;
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

char *str_word(char **rest)
{
	char *p = *rest, *word;

	while (is_blank(*p))
		p++;
	if (!*p) {
		*rest = p;
		return NULL;
	}
	word = p;
	while (*p && !is_blank(*p))
		p++;
	if (*p)
		*p++ = '\0';
	*rest = p;
	return word;
}

/* Digits of s into *out; returns the first byte that is none, NULL where there is no digit or an
 * overflow. */
static const char *digits(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)*s)) {
		errno = EINVAL;
		return NULL;
	}
	for (; isdigit((unsigned char)*s); s++) {
		unsigned int d = (unsigned int)(*s - '0');

		if (v > (UINT64_MAX - d) / 10) {
			errno = ERANGE;
			return NULL;
		}
		v = v * 10 + d;
	}
	*out = v;
	return s;
}

int str_to_u64(const char *s, uint64_t *out)
{
	uint64_t v;
	const char *end = digits(s, &v);

	if (!end)
		return -errno;
	if (*end)
		return -EINVAL;
	*out = v;
	return 0;
}

int str_to_size(const char *s, uint64_t *out)
{
	static const char units[] = "KMGT";
	uint64_t v;
	const char *unit, *end = digits(s, &v);
	unsigned int shift = 0;

	if (!end)
		return -errno;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}

const char *str_from_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u < 5) {
		v /= 1024;
		u++;
	}
	snprintf(buf, len, u ? "%.1f %s" : "%.0f %s", v, units[u]);
	return buf;
}

void str_to_hex(const void *data, size_t len, char *out)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digit[p[i] >> 4];
		*out++ = digit[p[i] & 15];
	}
	*out = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int str_from_hex(const char *hex, void *out, size_t len)
{
	unsigned char *p = out;

	for (size_t i = 0; i < len; i++, hex += 2) {
		int hi = hex_value(hex[0]), lo = hi < 0 ? -1 : hex_value(hex[1]);

		if (lo < 0)
			return -EINVAL;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return *hex ? -EINVAL : 0;
}

/* Bytes of the printable UTF-8 character at s, 0 if it is none; *cut tells that only its end is
 * missing. */
static size_t text_char(const unsigned char *s, size_t len, bool *cut)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	*cut = false;
	for (size_t i = 1; i < n; i++) {
		if (i == len) {
			*cut = true;
			return 0;
		}
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ? 0 : n;
}

bool str_is_text(const char *s, size_t len)
{
	bool cut;

	while (len) {
		size_t n = text_char((const unsigned char *)s, len, &cut);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

void str_make_text(char *s)
{
	size_t len = strlen(s);
	bool cut;

	while (len) {
		size_t n = text_char((const unsigned char *)s, len, &cut);

		if (cut) {
			*s = '\0';
			return;
		}
		if (n == 0) {
			*s = '?';
			n = 1;
		}
		s += n;
		len -= n;
	}
}

bool str_is_name(const char *s)
{
	size_t n = 0;

	if (!isalnum((unsigned char)*s))
		return false;
	for (; s[n]; n++)
		if ((!isalnum((unsigned char)s[n]) && !strchr("._-", s[n])) || n >= 63)
			return false;
	return true;
}

int str_to_mac(const char *s, char out[MAC_TEXT])
{
	if (strlen(s) != MAC_TEXT - 1)
		return -EINVAL;
	for (int i = 0; i < MAC_TEXT - 1; i++) {
		if (i % 3 == 2 ? s[i] != ':' && s[i] != '-' : hex_value(s[i]) < 0)
			return -EINVAL;
		out[i] = i % 3 == 2 ? ':' : (char)tolower((unsigned char)s[i]);
	}
	out[MAC_TEXT - 1] = '\0';
	return 0;
}
