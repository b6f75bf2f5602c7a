/* Kernel modules from /lib/modules/VERSION: by name, or by the modalias of a device. Reads
 * modules.alias and modules.dep as depmod writes them and loads with finit_module(2); no modprobe
 * is needed. */
#ifndef LUCIE_KMOD_H
#define LUCIE_KMOD_H

#include <stdbool.h>
#include <stddef.h>

struct kmod;

/* dir: NULL for that of the running kernel. -ENOENT when this image has no modules. */
int kmod_open(struct kmod **out, const char *dir);
void kmod_close(struct kmod *k);

/* Loads a module (by its name, or by an alias such as "fs-ext4") and what it depends on. 0 also
 * when it was there before or is built in; -ENOENT when there is none; else the -errno of what the
 * kernel said (logged). */
int kmod_load(struct kmod *k, const char *name);
/* Loads every module that wants this device; each alias is looked up once. Failures are logged,
 * none is fatal. */
void kmod_load_alias(struct kmod *k, const char *modalias);

/* For tests: calls found() with the name of every module that has an alias which matches. Pure. */
void kmod_match(struct kmod *k, const char *modalias, void (*found)(const char *name, void *arg),
		void *arg);
/* The same index from texts in memory, as the files have them. */
int kmod_open_text(struct kmod **out, const char *alias, const char *dep, const char *builtin);

#endif
