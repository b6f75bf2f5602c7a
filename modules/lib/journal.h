/* The journal of an installation, on the disk itself: which work it is and what of it stands. It
 * lies in the stamp of the layout's first disk, so it is written, torn and read back as that is.
 *
 * After a power cut the server's next plan names the installation that was cut off (`resume`). Only
 * then, where the journal is that installation's and the work the same (the plan but for what is new
 * in each), a module that stands is not run again. What lies on a disk alone proves nothing: whoever
 * owned the machine before could have written it.
 *
 * A module that leaves behind what a power cut would spoil unseen (package managers write without
 * syncing) opens the journal before and closes it after; cut between the two, the next boot starts
 * from the beginning. Plans that do not partition have no journal: all but
 * journal_reopen() does nothing.
 */
#ifndef LUCIE_JOURNAL_H
#define LUCIE_JOURNAL_H

#include <stdbool.h>

#include "init/lib/plan-format.h"
#include "modules/lib/stamp.h"

/* The module with which an installation ends: once it was opened, what is there may be in use. */
#define JOURNAL_LAST "finalize"

/* BLAKE3, as hex, of what the plan wants done. Pure. -ENOMEM. */
int journal_work(const struct plan *plan, char work[STAMP_WORK_TEXT]);

/* Whether the journal is of the installation that this plan resumes and partition need not run:
 * tables and file systems are proven to be there, and stamps and journal are this plan's now. The
 * log says why not. */
bool journal_take_over(const struct plan *plan);

/* Whether the module's work stands; only after partition has run or was taken over. */
bool journal_has(const struct plan *plan, const char *module);

/* -errno; logged. It is opened on every disk, the first one last, and closed on the first. A module
 * that is closed was synced before. */
int journal_open(const struct plan *plan, const char *module);
int journal_close(const struct plan *plan, const char *module);

/* What was finished is replaced by a plan without partition: until finalize ran again the stamps say
 * that it is not, and, as JOURNAL_LAST is open, that it may have been in use. -errno; logged. */
int journal_reopen(const struct plan *plan);

#endif
