/* A full-screen program on the terminal without curses: ANSI sequences that every terminal of
 * today knows. One screen for a process, which has one terminal; single-threaded. The terminal is
 * as it was before after screen_close(), after exit(), and while the process is stopped; a signal
 * that ends the process is reported, so that its owner ends. */
#ifndef LUCIE_SCREEN_H
#define LUCIE_SCREEN_H

#include <stdbool.h>

#include "init/lib/str.h"

enum screen_key {
	SCREEN_NONE, /* time is up, or the size has changed */
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_QUIT, /* q, a signal, or the terminal is gone */
};

/* Columns of stdout; where it is no terminal 4096: who reads from a pipe gets everything. */
size_t screen_columns(void);
/* Whether stdout is a terminal that can show a screen. */
bool screen_possible(void);
/* Whether colours are wanted (NO_COLOR). */
bool screen_colours(void);

/* 0 or -errno, as screen_show(). */
int screen_open(void);
void screen_close(void);
void screen_size(size_t *rows, size_t *columns);
/* Shows one frame from the top left; its lines end in "\033[K\n", the last one only in "\033[K". */
int screen_show(const struct strbuf *frame);
/* The next key; waits for at most ms. */
enum screen_key screen_wait(int ms);
/* The signal that made screen_wait() say SCREEN_QUIT; 0. */
int screen_signal(void);

/* The key at the start of len bytes of input, and in *used how many it is; *used 0: more are
 * needed. */
enum screen_key screen_key_parse(const char *input, size_t len, size_t *used);

#endif
