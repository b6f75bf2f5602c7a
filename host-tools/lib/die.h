/* For host programs only: the end with a message, and memory that is there or the program ends.
 * Never used on a node. */
#ifndef LUCIE_DIE_H
#define LUCIE_DIE_H

#include <stdarg.h>
#include <stddef.h>

/* Prints "lucie: MESSAGE" and exits with 1. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

#endif
