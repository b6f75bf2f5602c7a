/* See target-initramfs.h. */
#include "modules/lib/target-initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"

#define UPDATE_INITRAMFS "/usr/sbin/update-initramfs"
#define CRYPTROOT	 "/usr/share/initramfs-tools/hooks/cryptroot" /* of cryptsetup-initramfs */

/* The encrypted device below this one, or itself. Members come before what lies on them. */
static const struct volume *encrypted_below(const struct volumes *v, const struct volume *vol)
{
	char words[STAMP_MEMBERS_MAX], *rest = words, *word;
	const struct volume *found = vol->part.kind == PART_LUKS ? vol : NULL;

	strcpy(words, vol->part.members);
	while (!found && (word = str_word(&rest))) {
		const struct volume *member = volume_named(v, word);

		found = member ? encrypted_below(v, member) : NULL;
	}
	return found;
}

const struct volume *target_initramfs_opens(const struct volumes *v)
{
	static const char *const early[] = {"/", "/usr"};
	const struct volume *found = NULL;

	for (size_t i = 0; !found && i < ARRAY_SIZE(early); i++) {
		const struct volume *vol = volume_of(v, early[i]);

		found = vol ? encrypted_below(v, vol) : NULL;
	}
	return found;
}

static int make_one(const char *target, const char *version, bool all)
{
	char initrd[PATH_MAX];
	char *const argv[] = {UPDATE_INITRAMFS, "-c", "-k", (char *)version, NULL};

	snprintf(initrd, sizeof(initrd), "/boot/initrd.img-%s", version);
	if (!all && target_exists(target, initrd))
		return 0;
	log_info("generating the initramfs of kernel %s", version);
	return target_run(target, &(struct target_command){.argv = argv,
							   .silence_seconds = INITRAMFS_SECONDS});
}

int target_initramfs(const char *target, bool all)
{
	int fd = target_open(target, "/boot", O_RDONLY | O_DIRECTORY), ret = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir || !target_exists(target, UPDATE_INITRAMFS))
		return 0;
	while (!ret && (e = readdir(dir)))
		if (str_starts(e->d_name, "vmlinuz-"))
			ret = make_one(target, e->d_name + strlen("vmlinuz-"), all);
	return ret;
}

int target_initramfs_encrypted(const char *target, const struct volume *device)
{
	int ret, left;

	if (!target_exists(target, CRYPTROOT))
		return log_err(-ENOENT,
			       "the root lies on the encrypted '%s', which the installed system "
			       "cannot open: it has no cryptsetup-initramfs",
			       device->part.name);
	ret = target_enter(target);
	if (!ret)
		ret = target_initramfs(target, true);
	left = target_leave(target);
	return ret ? ret : left;
}
