/* What a module's check() finds, one line each in `notes`. */
#ifndef LUCIE_TEST_MODULE_NOTES_H
#define LUCIE_TEST_MODULE_NOTES_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "init/module.h"

static char notes[2048];

__attribute__((format(printf, 2, 3))) static inline void note(struct module_check *check,
							      const char *fmt, ...)
{
	size_t n = strlen(notes);
	va_list ap;

	(void)check;
	va_start(ap, fmt);
	vsnprintf(notes + n, sizeof(notes) - n, fmt, ap);
	va_end(ap);
	n = strlen(notes);
	snprintf(notes + n, sizeof(notes) - n, "\n");
}

#endif
