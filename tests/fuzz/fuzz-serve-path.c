/* The path and the Range header of a request: input is "PATH\nRANGE". What comes out must be inside
 * of what is served. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/serve-request.h"

#define FILE_SIZE 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No component is empty or begins with a dot, but for a "." before another one. */
static bool is_plain(const char *s)
{
	for (;;) {
		size_t n = strcspn(s, "/");

		if (!n || (s[0] == '.' && (n > 1 || !s[1])))
			return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

static void check_route(const char *path)
{
	struct route r;

	route_parse(&r, path);
	if ((r.kind == ROUTE_NODE || r.kind == ROUTE_NODE_LOG) && !str_is_name(r.name))
		abort();
	if (r.kind != ROUTE_BLOB && r.kind != ROUTE_BOOT && r.kind != ROUTE_PACKAGES)
		return;
	if (!is_plain(r.rest))
		abort();
	if (r.kind == ROUTE_PACKAGES && !str_is_name(r.name))
		abort();
}

static void check_range(const char *value)
{
	uint64_t from, len;

	if (range_parse(value, FILE_SIZE, &from, &len) >= 0 &&
	    (!len || from >= FILE_SIZE || len > FILE_SIZE - from))
		abort();
	range_parse(value, 0, &from, &len);
	range_parse(value, UINT64_MAX, &from, &len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *range;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	range = strchr(text, '\n');
	if (range)
		*range++ = '\0';
	check_route(text);
	if (range)
		check_range(range);
	free(text);
	return 0;
}
