/* The page of the board, as it lies in host-tools/board/, inside of the program: it works without
 * any other server, and nothing of it can be missing. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "host-tools/lib/serve-board.h"
#include "init/lib/cleanup.h"

/* Bytes of a file between the symbols board_NAME and board_NAME_end. */
#define EMBED(name, path)                                                                          \
	__asm__(".pushsection .rodata\n"                                                           \
		".global board_" #name "\n"                                                        \
		"board_" #name ":\n"                                                               \
		".incbin \"host-tools/board/" path "\"\n"                                          \
		".global board_" #name "_end\n"                                                    \
		"board_" #name "_end:\n"                                                           \
		".popsection\n");                                                                  \
	extern const char board_##name[], board_##name##_end[]

EMBED(page_html, "page.html");
EMBED(style_css, "style.css");
EMBED(icon_svg, "icon.svg");
EMBED(page_js, "page.js");
EMBED(model_js, "model.js");
EMBED(cells_js, "cells.js");
EMBED(details_js, "details.js");
EMBED(tables_js, "tables.js");
EMBED(operator_js, "operator.js");

#define JAVASCRIPT "text/javascript; charset=utf-8"

static const struct {
	const char *name, *type, *start, *end;
} files[] = {
	{"", "text/html; charset=utf-8", board_page_html, board_page_html_end},
	{"style.css", "text/css; charset=utf-8", board_style_css, board_style_css_end},
	{"icon.svg", "image/svg+xml", board_icon_svg, board_icon_svg_end},
	{"page.js", JAVASCRIPT, board_page_js, board_page_js_end},
	{"model.js", JAVASCRIPT, board_model_js, board_model_js_end},
	{"cells.js", JAVASCRIPT, board_cells_js, board_cells_js_end},
	{"details.js", JAVASCRIPT, board_details_js, board_details_js_end},
	{"tables.js", JAVASCRIPT, board_tables_js, board_tables_js_end},
	{"operator.js", JAVASCRIPT, board_operator_js, board_operator_js_end},
};

/* The page is only what came with it: no script, style or request of elsewhere, none in the page
 * itself, in nobody's frame. */
static const struct http_header headers[] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
	 "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cache-Control", "no-cache"},
	{NULL, NULL},
};

void serve_page(const char *name, struct http_reply *reply)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(files[i].name, name) != 0)
			continue;
		reply->status = HTTP_OK;
		reply->type = files[i].type;
		reply->headers = headers;
		strbuf_add(&reply->text, files[i].start, (size_t)(files[i].end - files[i].start));
		return;
	}
	http_reply_text(reply, HTTP_NOT_FOUND, "there is no such file");
}
