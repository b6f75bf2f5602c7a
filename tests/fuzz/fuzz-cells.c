/* What nodes say, as a cell of the board: input is a byte for the width and the text, which is also
 * taken as what a terminal sends. A cell keeps its width, and no terminal obeys it. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t width_of(const char *text)
{
	wchar_t wide[300];
	size_t n = mbstowcs(wide, text, 300);
	int width = n < 300 ? wcswidth(wide, n) : -1;

	if (width < 0)
		abort();
	return (size_t)width;
}

static void check_cell(const char *text, size_t columns)
{
	_cleanup_strbuf_ struct strbuf cell = STRBUF_INIT, padded = STRBUF_INIT;
	size_t used = cell_add(&cell, text, columns);

	if (cell.buf && (!str_is_text(cell.buf, cell.len) || width_of(cell.buf) != used))
		abort();
	if (used > columns || (*text && columns && !used))
		abort();
	cell_pad(&padded, text, columns);
	if (padded.buf && width_of(padded.buf) != columns)
		abort();
}

static void check_keys(const char *input, size_t len)
{
	size_t used = 1;

	for (; len && used; input += used, len -= used) {
		screen_key_parse(input, len, &used);
		if (used > len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size || !setlocale(LC_CTYPE, "C.UTF-8"))
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	check_cell(text, data[0]);
	check_keys(text, size - 1);
	free(text);
	return 0;
}
