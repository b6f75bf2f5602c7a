/* Edit distance with transpositions; see suggest.h. */
#include "host-tools/lib/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static char lower(char c)
{
	return (char)tolower((unsigned char)c);
}

static unsigned int distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned int change = lower(a[i - 1]) != lower(b[j - 1]);

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[n][m];
}

/* cnode05 and cnode00: nothing but numbers are different. cnode5 and cnode05 are one number. */
static bool is_neighbour(const char *a, const char *b)
{
	bool differ = false;

	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			char *end_a, *end_b;

			differ |= strtoull(a, &end_a, 10) != strtoull(b, &end_b, 10);
			a = end_a;
			b = end_b;
		} else if (lower(*a++) != lower(*b++)) {
			return false;
		}
	}
	return differ && !*a && !*b;
}

void suggest_offer(struct suggestion *s, const char *candidate)
{
	size_t n = strlen(s->word), m = strlen(candidate), gap = n > m ? n - m : m - n;
	unsigned int limit = n < 3 ? 0 : 1 + (unsigned int)(n / 5), d;

	if (n > WORD_MAX || m > WORD_MAX || gap > limit || is_neighbour(s->word, candidate))
		return;
	d = distance(s->word, n, candidate, m);
	if (d <= limit && d < m && (!s->best || d < s->distance)) {
		s->best = candidate;
		s->distance = d;
	}
}
