/* lucie fmt: the canonical form says the same as what it was made from, and is its own canonical
 * form. What it looks like is in tests/cli/fmt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/cluster.h"
#include "tests/unit/fake-modules.h"

static void ignore(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static void assert_formatted(const char *text, const char *wanted)
{
	struct strbuf out = STRBUF_INIT;

	assert_int_equal(cluster_format(&out, "test", text, strlen(text), ignore, NULL), 0);
	assert_string_equal(out.buf, wanted);
	strbuf_free(&out);
}

static void test_form(void **state)
{
	(void)state;
	assert_formatted("define host {#x\n a  b\r\n\n\n\n ccc d#e #f\n\n}\n#g\n",
			 "define host{ #x\n\ta   b\n\n\tccc d#e #f\n}\n\n#g\n");
	assert_formatted("\n\n#a\n\n\n#b\n\n", "#a\n\n#b\n");
}

/* What a definition means, as one text. */
static void compile(const char *text, struct strbuf *out)
{
	struct cluster *c;

	cluster_load_text(&c, "test", text, strlen(text), ignore, NULL);
	cluster_write(c, out);
	cluster_free(c);
}

static const char *const words[] = {
	"define host{\n",
	"define  lucie_group {",
	"define host_group{#x\n",
	"}\n",
	"}",
	" }  # end\n",
	"\n",
	"\r\n",
	"\t",
	"  ",
	"# a comment\n",
	"#\n",
	"host_name n1\n",
	"host_name n[1-3]\n",
	"name  g\n",
	"use g , h",
	"kernel_args a#b  c",
	"kernel_args {# d\n",
	"subnet x",
	"address 10.0.0.[1-3]",
	"members n[1-3]\n",
	"include x\n",
	"hello.x y",
	"unknown key\n",
};

/* A definition of random words; most of them have no grammatical errors only by chance. */
static void make_text(struct strbuf *text, unsigned int *seed)
{
	unsigned int count = (unsigned int)rand_r(seed) % 24;

	strbuf_reset(text);
	strbuf_adds(text, "define host{\n");
	for (unsigned int i = 0; i < count; i++) {
		unsigned int pick = (unsigned int)rand_r(seed);

		strbuf_adds(text, words[pick % (sizeof(words) / sizeof(words[0]))]);
		if (pick & 0x10000)
			strbuf_adds(text, "\n");
	}
	strbuf_adds(text, "\n}\n");
}

static void test_property(void **state)
{
	struct strbuf text = STRBUF_INIT, once = STRBUF_INIT, twice = STRBUF_INIT,
		      meaning = STRBUF_INIT, same = STRBUF_INIT;
	unsigned int seed = 1, formatted = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		make_text(&text, &seed);
		strbuf_reset(&once);
		if (cluster_format(&once, "test", text.buf, text.len, ignore, NULL))
			continue;
		formatted++;
		strbuf_reset(&twice);
		assert_int_equal(cluster_format(&twice, "test", once.buf, once.len, ignore, NULL),
				 0);
		assert_string_equal(once.buf, twice.buf);
		if (formatted % 16)
			continue;
		strbuf_reset(&meaning);
		strbuf_reset(&same);
		compile(text.buf, &meaning);
		compile(once.buf, &same);
		assert_string_equal(meaning.buf, same.buf);
	}
	assert_true(formatted > 1000);
	strbuf_free(&text);
	strbuf_free(&once);
	strbuf_free(&twice);
	strbuf_free(&meaning);
	strbuf_free(&same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
