/* "did you mean": of the words that were possible the one that is most like what was written. A word
 * with another number in it is another thing, not a typing error. */
#ifndef LUCIE_SUGGEST_H
#define LUCIE_SUGGEST_H

struct suggestion {
	const char *word; /* what was written */
	const char *best; /* NULL: nothing is like it */
	unsigned int distance;
};

static inline struct suggestion suggest_start(const char *word)
{
	return (struct suggestion){.word = word};
}
/* Offers one possible word; it must outlive the suggestion. */
void suggest_offer(struct suggestion *s, const char *candidate);

#endif
