/* lucie fmt: what has no errors has a canonical form, which is its own, and which means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/cluster.h"
#include "tests/unit/fake-modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static int compile(const char *text, size_t len, struct strbuf *out)
{
	struct cluster *c;
	int errors = cluster_load_text(&c, "fuzz", text, len, ignore, NULL);

	if (cluster_write(c, out) || errors)
		errors++;
	cluster_free(c);
	return errors;
}

static void assert_same(const struct strbuf *a, const struct strbuf *b)
{
	if (a->len != b->len || (a->len && memcmp(a->buf, b->buf, a->len)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT, meaning = STRBUF_INIT,
		      same = STRBUF_INIT;
	const char *text = (const char *)data;

	if (!cluster_format(&once, "fuzz", text, size, ignore, NULL)) {
		if (cluster_format(&twice, "fuzz", once.buf ? once.buf : "", once.len, ignore,
				   NULL))
			abort();
		assert_same(&once, &twice);
		if (compile(text, size, &meaning) !=
		    compile(once.buf ? once.buf : "", once.len, &same))
			abort();
		assert_same(&meaning, &same);
	}
	strbuf_free(&once);
	strbuf_free(&twice);
	strbuf_free(&meaning);
	strbuf_free(&same);
	return 0;
}
