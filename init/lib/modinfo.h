/* What a kernel module says about itself: the "key=value" strings of its ELF section .modinfo (alias,
 * depends, vermagic, ...). Pure; the file comes from an administrator, so everything in it is
 * checked against its length. */
#ifndef LUCIE_MODINFO_H
#define LUCIE_MODINFO_H

#include <stddef.h>

typedef void modinfo_fn(const char *key, const char *value, void *arg);

/* 0, or -ENOEXEC: no ELF file of this machine's word size and byte order, or none with this
 * section. key and value are valid during the call. */
int modinfo_each(const void *file, size_t len, modinfo_fn *found, void *arg);

#endif
