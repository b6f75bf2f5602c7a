/* Switching nodes on and off through the definition's `power_command` (cluster.conf(5)): a program
 * of the site, run once for each node and action, with a limit of time and so many at once. Never a
 * shell string: the words of the command are its arguments. */
#ifndef LUCIE_POWER_H
#define LUCIE_POWER_H

#include <stdbool.h>
#include <stddef.h>

#include "host-tools/lib/cluster.h"

#define POWER_SECONDS  60 /* that one call may take */
#define POWER_PARALLEL 16
#define POWER_TEXT     256

/* on, off, cycle, status or pxe. */
bool power_is_action(const char *word);

struct power_order {
	const struct cluster *c;
	const char *const *actions; /* one after the other for each node; NULL at the end */
	unsigned int seconds, parallel;
	/* Called for each node in the order of the list as soon as it and those before it are
	 * done; not at the same time. text: the last line that the program printed, or why it
	 * failed; without control characters. */
	void (*done)(const struct cluster_object *host, bool ok, const char *text, void *arg);
	void *arg;
};

/* The number of nodes for which it failed. SIGTERM and SIGINT end it, where they are caught
 * (cancel.h): what runs is stopped, the rest fails as cancelled. */
size_t power_run(const struct power_order *order, const struct cluster_object *const *hosts,
		 size_t count);

#endif
