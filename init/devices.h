/* The process that loads kernel modules for the devices of this machine: those that are there at
 * the start (cold plug), the board's list, and then, until the end, those that appear. A process of
 * its own, because a driver may hang or fall over. */
#ifndef LUCIE_DEVICES_H
#define LUCIE_DEVICES_H

/* Exists once everything that was there at the start has its driver. */
#define DEVICES_READY "/run/lucie/devices-ready"

/* Body of a child (init/loop.h); does not return. */
int devices_main(void *arg);

#endif
