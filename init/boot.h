/* PID 1 from the kernel's hand-over to the machine's end. */
#ifndef LUCIE_BOOT_H
#define LUCIE_BOOT_H

void boot(void) __attribute__((noreturn));

#endif
