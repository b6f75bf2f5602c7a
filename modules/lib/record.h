/* The record of an installation: the listing (listing.h) of all that it changed of the base, in the
 * target itself. So a verification does not take configuration and packages for damage.
 *
 * Nobody tells it: whatever was changed since the base was unpacked, or in a repair since this boot,
 * was changed by the installer, and its time of change (ctime) says so. It therefore holds for
 * every module, also for a site's own. It lies on the node's disk and is as good as that: who owns
 * the node could write it anew, while the listing of the base comes from the signed plan.
 */
#ifndef LUCIE_RECORD_H
#define LUCIE_RECORD_H

#include "modules/lib/census.h"

/* The base is unpacked: what is changed from here on is the installation's. Logs; -errno. */
int record_start(const char *target, const char *base);
/* At the end of the modules: writes what was changed. Where nothing was started, or the listing of
 * the base cannot be had, it says so and there is none. Logs; -errno. */
int record_write(const struct census_job *job);
/* -ENOENT without a word; logs others. */
int record_read(const char *target, struct listing *l);

/* The listing of the base that the module's section of the plan names: `base NAME`, `root ROOT` and `listing
 * ROOT BYTES`. -ENODATA without a word where it names none; logs others. */
int record_base(const struct census_job *job, struct listing *l);

#endif
