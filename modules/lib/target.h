/* Files and mounts of the node's future root.
 *
 * Paths are the target's own ("/etc/fstab"): every symbolic link on the way is followed as if the
 * target were already the root, so that an absolute link in the base leads into the target and
 * never into the installer. All log what is wrong with which path, except where said.
 */
#ifndef LUCIE_TARGET_H
#define LUCIE_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "modules/lib/disk.h"

/* --- files --- */

#define TARGET_KEEP ((mode_t)-1) /* owner and mode of the file that is replaced */

/* Writes beside it and renames: a link at path is replaced, not followed. Owner root; missing
 * directories are made (0755). */
int target_write(const char *target, const char *path, const void *data, size_t len, mode_t mode);
int target_write_text(const char *target, const char *path, const char *text, mode_t mode);
/* *out is malloc'ed and NUL-terminated, the caller's to free. -ENOENT is returned without a word.
 */
int target_read(const char *target, const char *path, size_t max, char **out);
/* A descriptor (O_CLOEXEC); -errno, logs nothing. */
int target_open(const char *target, const char *path, int flags);
/* Below the directory root, through no link at all, and with O_PATH a link itself: what is at exactly
 * this place. -ELOOP: a link is in the way. */
int target_open_plain(int root, const char *path, int flags);
/* Length of what the link at path says, NUL-terminated; -errno, logs nothing. */
ssize_t target_readlink(const char *target, const char *path, char *to, size_t len);
bool target_exists(const char *target, const char *path);
/* One that is there gets the mode. */
int target_mkdir(const char *target, const char *path, mode_t mode);
/* Where that directory is for the installer, all links followed: what is mounted there is mounted
 * in the target. -ENOENT, -errno; logs nothing. */
int target_place(const char *target, const char *path, char place[PATH_MAX]);
int target_symlink(const char *target, const char *to, const char *path);
/* Nothing there is fine. */
int target_remove(const char *target, const char *path);
/* Both in one directory or not, within the target. Nothing at `from` is fine. */
int target_rename(const char *target, const char *from, const char *to);

/* --- mounts --- */

/* proc, sysfs, /dev and a fresh /run for programs that run in the target (argument lists with
 * proc_options.chroot). Idempotent. */
int target_enter(const char *target);
/* Ends what still runs in the target, and undoes target_enter(). */
int target_leave(const char *target);

/* True if something is mounted exactly there; *dev is its device. */
bool target_is_mounted(const char *path, dev_t *dev);
/* Unmounts everything at and below `path`, the deepest first. Bounded; -EBUSY names the place. */
int target_unmount(const char *path);

/* Switches off swap that lies on this disk. */
int target_swap_off(const struct disk *d);
/* The same of one device; fine where it is no swap. */
int target_swap_off_device(const char *path, dev_t dev);

#endif
