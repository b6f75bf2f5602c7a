/* The board in a browser (docs/serving.md, "The board"): the page, a feed of what nodes do for all
 * who look, details of a node, and the operator's orders. All of it in the web process; handlers
 * run in the threads of the HTTP server. */
#ifndef LUCIE_SERVE_BOARD_H
#define LUCIE_SERVE_BOARD_H

#include <jansson.h>

#include "host-tools/lib/serve.h"

/* What who has no operator's token may see (web_access of the definition). */
enum board_access {
	ACCESS_ALL,
	ACCESS_STATES, /* no log, no inventory, no addresses of cards */
	ACCESS_TOKEN,  /* nothing */
};

/* Whether the caller may see what is open to everybody where web_access is `needed`. */
bool board_may_see(struct serve *s, const struct http_call *call, enum board_access needed);
/* The same; if not, *reply says so. */
bool board_admits(struct serve *s, const struct http_call *call, struct http_reply *reply,
		  enum board_access needed);
/* Whether the caller has the operator's token; if not, *reply says so. */
bool board_admits_operator(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* The answer is this document, which is released; NULL: there was no memory for it. */
void board_reply_json(struct http_reply *reply, json_t *document);
/* The same of JSON that is there; NULL: there is none. */
void board_reply_text(struct http_reply *reply, const char *text, size_t len);

/* --- the feed (serve-board.c) --- */

struct board_feed;
/* Its thread runs from here on. */
int board_feed_open(struct board_feed **out, struct serve *s);
/* Ends the thread, before the HTTP server stops: what waits for it is answered. */
void board_feed_end(struct board_feed *f);
/* After the HTTP server has stopped. */
void board_feed_close(struct board_feed *f);
/* What is known of a node as the feed says it; NULL: no such host, or the state cannot be read. */
json_t *board_feed_node(struct board_feed *f, const char *node);

/* --- requests --- */

void serve_page(const char *name, struct http_reply *reply);
/* False: the call is kept. */
bool serve_board(struct serve *s, struct http_call *call, struct http_reply *reply);
void serve_board_stream(struct serve *s, const struct http_call *call, struct http_reply *reply);
void serve_node(struct serve *s, const char *node, const struct http_call *call,
		struct http_reply *reply);
void serve_node_log(struct serve *s, const char *node, const struct http_call *call,
		    struct http_reply *reply);
void serve_history(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* Machines that no host of the definition is, and that wait to be named (lucie discover). */
void serve_machines(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* Whether the token is right. */
void serve_operator(struct serve *s, const struct http_call *call, struct http_reply *reply);
/* In the queue of the plans. */
void serve_arm(struct serve *s, const struct http_call *call, struct http_reply *reply);

#endif
