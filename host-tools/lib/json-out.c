/* JSON on stdout; see json-out.h. */
#include "host-tools/lib/json-out.h"

#include <errno.h>
#include <stdio.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

json_t *json_text(const char *text)
{
	_cleanup_free_ char *copy = NULL;

	if (!*text)
		return json_null();
	copy = xstrdup(text);
	str_make_text(copy);
	return json_string(copy);
}

json_t *json_time(int64_t at)
{
	return at ? json_integer(at) : json_null();
}

int json_print(json_t *document)
{
	size_t count = json_array_size(document), i;
	json_t *item;
	int failed = !document || puts("[") < 0;

	json_array_foreach(document, i, item)
	{
		failed |= json_dumpf(item, stdout, JSON_COMPACT);
		failed |= puts(i + 1 < count ? "," : "") < 0;
	}
	failed |= puts("]") < 0 || fflush(stdout) == EOF;
	json_decref(document);
	return failed ? log_err(-EIO, "cannot write the JSON") : 0;
}
