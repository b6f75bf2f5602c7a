/* Variables of UEFI firmware through efivarfs, of the global vendor (Boot0001, BootOrder, ...). The
 * firmware's memory for them wears and fills: what is there already is not written again. */
#ifndef LUCIE_EFI_VARS_H
#define LUCIE_EFI_VARS_H

#include <stddef.h>
#include <stdint.h>

/* Loads the driver and mounts it. -errno, and a word about why, where this machine has none. */
int efi_vars_open(void);

/* *len: the bytes that there are, without the attributes; -ENOENT, -EFBIG, -errno. Logs nothing. */
int efi_var_read(const char *name, uint8_t *data, size_t max, size_t *len);
/* Kept over power cycles, visible to boot loaders and systems. -errno; logged. */
int efi_var_write(const char *name, const uint8_t *data, size_t len);
int efi_var_delete(const char *name);

/* Calls fn with the number of every Boot#### variable; stops at a result that is not 0, and returns
 * it. */
int efi_each_boot_var(int (*fn)(uint16_t number, void *arg), void *arg);

#endif
