/* Mirrors: HTTP servers that hold the same blobs as the server (`http_server` of a lucie_group), so
 * that many nodes share the load of several machines. */
#ifndef LUCIE_MIRRORS_H
#define LUCIE_MIRRORS_H

#include "host-tools/lib/cluster.h"

/* The URLs below which a host finds its blobs ("URL/ROOT"), those of `servers` (NULL-terminated)
 * among them, in an order of its own: each machine is the first of equally many hosts, and where
 * one fails, its hosts spread over all the others. NULL-terminated, to be released with
 * mirrors_free(); NULL where the definition names no mirror whose address is known. */
char **mirrors_of(const struct cluster *c, const struct cluster_object *host,
		  const char *const *servers);
void mirrors_free(char **urls);

#endif
