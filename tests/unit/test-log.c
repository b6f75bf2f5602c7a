/* init/lib/log.c: what a line may hold, what an error returns and leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/log.h"

static char heard[LOG_LINE_MAX];
static enum log_level heard_level;

static void hear(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	heard_level = level;
	snprintf(heard, sizeof(heard), "%s", line);
}

static void a_line_is_text(void **state)
{
	char longest[2 * LOG_LINE_MAX];

	(void)state;
	log_warn("'%s'", "a\x1b[2J\nb\xc2\x9bK \xff \xc3\xbc");
	assert_int_equal(heard_level, LOG_LEVEL_WARN);
	assert_string_equal(heard, "'a?[2J?b??K ? \xc3\xbc'");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	log_info("%s", longest);
	assert_int_equal(strlen(heard), LOG_LINE_MAX - 1);
}

static void errors_return_and_are_kept(void **state)
{
	(void)state;
	assert_int_equal(log_err(-ENOENT, "cannot open '%s'", "x"), -ENOENT);
	assert_string_equal(heard, "cannot open 'x': No such file or directory");
	assert_int_equal(log_err(0, "no word"), -EINVAL);
	log_warn("another line");
	assert_string_equal(log_last_error(), "no word");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_text),
		cmocka_unit_test(errors_return_and_are_kept),
	};

	log_set_sink(hear, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
