/* New mainboards: network cards from the state in place of the definition's (lucie replace). */
#ifndef LUCIE_REPLACE_H
#define LUCIE_REPLACE_H

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

/* For setup, before it writes anything: puts them into the definition, says where a person has to
 * write them, and forgets those that are over. 0 or -errno (logged). */
int replace_apply(struct cluster *c, const char *state_dir);
/* A list of cards in the form in which two can be compared. Not 0: it is none. */
int replace_canonical(const char *list, struct strbuf *out);
/* Says on stdout which place of the definition is to be changed. */
void replace_say(const struct cluster_object *host, const char *old, const char *mac);

#endif
