/* Sources that kept a node waiting. Each blob is fetched by a process of its own, so what one of them
 * has learned lies in a file, until the next boot: otherwise a mirror that takes connections and never
 * answers would cost its wait again for every blob. */
#ifndef LUCIE_SILENT_H
#define LUCIE_SILENT_H

#include <stddef.h>

#define SILENT_PATH                                                                                \
	"/run/lucie/silent" /* on the node; "http://HOST:PORT" a line, the last one last */

/* Puts those that were silent behind the others, and the one that was it last at the end; else in
 * the order that they have. */
void silent_last(const char *path, char **urls, size_t count);
/* A note that cannot be made costs a wait, and is no error. */
void silent_note(const char *path, const char *url);

#endif
