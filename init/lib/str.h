/* Growing, bounded text buffer and the parsers of small values that definition, plan and command
 * line share. */
#ifndef LUCIE_STR_H
#define LUCIE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owner: whoever declared it; release with strbuf_free(). buf is NUL-terminated whenever it is not
 * NULL. After a failed append (-ENOMEM, or -EFBIG past max) `error` is set, further appends do
 * nothing, and the content is what was complete before: a writer may append a whole document and
 * look at `error` once. */
struct strbuf {
	char *buf;
	size_t len; /* bytes without the NUL */
	size_t cap;
	size_t max; /* largest len; 0: 64 MiB */
	int error;
};

#define STRBUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

int strbuf_add(struct strbuf *b, const void *data, size_t len);
int strbuf_adds(struct strbuf *b, const char *s);
int strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_reset(struct strbuf *b);
void strbuf_free(struct strbuf *b);
static inline void cleanup_strbuf(struct strbuf *b)
{
	strbuf_free(b);
}
#define _cleanup_strbuf_ __attribute__((cleanup(cleanup_strbuf)))

/* Skips leading and cuts trailing blanks, in place; returns the start. */
char *str_trim(char *s);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* Splits *rest at blanks, in place; NULL at the end. */
char *str_word(char **rest);

/* Whole string, decimal, no sign. 0, -EINVAL or -ERANGE. */
int str_to_u64(const char *s, uint64_t *out);
/* "512M", "8G", "1048576": bytes; units K M G T of 1024. 0, -EINVAL or -ERANGE. */
int str_to_size(const char *s, uint64_t *out);
/* 12345678 -> "11.8 MiB"; buf of at least 16 bytes; returns buf. */
const char *str_from_size(uint64_t bytes, char *buf, size_t len);

/* out: 2 * len + 1 bytes. */
void str_to_hex(const void *data, size_t len, char *out);
/* Exactly 2 * len lower- or upper-case digits and the end. 0 or -EINVAL. */
int str_from_hex(const char *hex, void *out, size_t len);

/* Valid UTF-8 without control characters (nor NUL, newline, DEL or C1): safe on a terminal and in a
 * line of text. */
bool str_is_text(const char *s, size_t len);
/* Replaces every byte that str_is_text() would refuse by '?', in place; a character that is cut at
 * the end is removed. */
void str_make_text(char *s);

/* A name of ours (host, module, base, installation): [A-Za-z0-9][A-Za-z0-9._-]*, 1..63 bytes, so
 * that it is safe as a file name. */
bool str_is_name(const char *s);
/* "AA-bb:..." -> "aa:bb:cc:dd:ee:ff"; 0 or -EINVAL. */
#define MAC_TEXT 18
int str_to_mac(const char *s, char out[MAC_TEXT]);

#endif
