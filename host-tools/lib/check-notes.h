/* What is no error in a definition, but few want, and what `lucie setup` will still ask for. */
#ifndef LUCIE_CHECK_NOTES_H
#define LUCIE_CHECK_NOTES_H

#include "host-tools/lib/cluster.h"

/* Prints a line for each. Of a definition without errors. */
void check_notes(const struct cluster *c);

#endif
