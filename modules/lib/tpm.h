/* Encrypted devices that the machine's own TPM 2.0 opens when it boots. The key of the plan opens them
 * too: it makes them, and is what a repair and a resumed installation have. The key in the TPM is
 * bound to the chip, and not to a state of the firmware: that of the installer's boot is another one
 * than the disk's. */
#ifndef LUCIE_TPM_H
#define LUCIE_TPM_H

#include <stdbool.h>

#include "init/lib/plan-format.h"
#include "modules/lib/layout.h"
#include "modules/lib/volume.h"

bool tpm_has_key(const struct stamp_part *p);

/* Before the first write: -ENODEV, logged, where the layout needs a TPM 2.0 and there is none. */
int tpm_check(const struct layout *l);

/* Gives each such device a key in the TPM, in the place of an earlier one, by the target's own
 * systemd-cryptenroll. Enters and leaves the target. -errno; logged. */
int tpm_enroll(const char *target, const struct plan *plan, const struct volumes *v);

#endif
