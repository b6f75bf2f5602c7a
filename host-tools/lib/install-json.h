/* Installations as JSON objects, the same for `lucie history --json` and for the board. */
#ifndef LUCIE_INSTALL_JSON_H
#define LUCIE_INSTALL_JSON_H

#include <jansson.h>

#include "host-tools/lib/state.h"

/* "installed", "failed", "running", or "superseded" by a later one before it ended. */
const char *install_result(const struct state_install *i);
/* NULL: no memory. */
json_t *install_json(const struct state_install *i);
/* For state_events(): appends {module, ok, seconds} of the end of a module to the array `list`. */
void install_json_module(const struct event *e, int64_t at, void *list);

#endif
