/* What the verbs with --json share: texts that may be missing or not be text, and printing. */
#ifndef LUCIE_JSON_OUT_H
#define LUCIE_JSON_OUT_H

#include <jansson.h>
#include <stdint.h>

/* A new string, made valid (str_make_text); null for "". */
json_t *json_text(const char *text);
/* Seconds since 1970; null for 0. */
json_t *json_time(int64_t at);
/* Prints a document to stdout, one item of an array a line, and releases it; NULL means that there
 * was no memory for it. 0 or -errno (logged). */
int json_print(json_t *document);

#endif
