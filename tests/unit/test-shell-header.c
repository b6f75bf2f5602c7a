/* init/lib/shell-header.c: the comment that makes a shell file a module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "init/lib/shell-header.h"

static char why[160];

static int parse(struct shell_header *h, const char *text)
{
	return shell_header_parse(h, text, strlen(text), why, sizeof(why));
}

static void whole_header(void **state)
{
	struct shell_header h;

	(void)state;
	assert_int_equal(parse(&h, "#!/bin/sh\n# module: remotelogin\n# summary: ssh into the "
				   "node\n#after:init  mount\n"
				   "# needs: init\n# Note: this is a comment\n#\n# silence: "
				   "60\n\n# module: other\n"),
			 0);
	assert_string_equal(h.name, "remotelogin");
	assert_string_equal(h.summary, "ssh into the node");
	assert_string_equal(h.after, "init  mount");
	assert_string_equal(h.needs, "init");
	assert_int_equal(h.silence, 60);
}

static void least_header(void **state)
{
	struct shell_header h;

	(void)state;
	assert_int_equal(parse(&h, "# module: a\n# summary: b"), 0);
	assert_string_equal(h.after, "");
	assert_int_equal(h.silence, SILENCE_DEFAULT);
}

static void refused(const char *text, const char *reason)
{
	struct shell_header h;

	assert_int_equal(parse(&h, text), -EINVAL);
	assert_string_equal(why, reason);
}

static void bad_headers(void **state)
{
	(void)state;
	refused("", "its header has no '# module:' line");
	refused("echo hello\n# module: a\n", "its header has no '# module:' line");
	refused("# module: a\n", "its header has no '# summary:' line");
	refused("# module: ../a\n", "the value of '# module:' cannot be used");
	refused("# module: a\n# summary: b\x1b\n", "the value of '# summary:' cannot be used");
	refused("# module: a\n# after: b,c\n", "the value of '# after:' cannot be used");
	refused("# module: a\n# silence: 0\n", "the value of '# silence:' cannot be used");
	refused("# module: a\n# silence: 1000000\n", "the value of '# silence:' cannot be used");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_header),
		cmocka_unit_test(least_header),
		cmocka_unit_test(bad_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
