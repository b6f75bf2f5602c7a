/* See tpm.h. */
#include "modules/lib/tpm.h"

#include <errno.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"

#define VERSION "/sys/class/tpm/tpm0/tpm_version_major"
#define ENROLL	"/usr/bin/systemd-cryptenroll"

bool tpm_has_key(const struct stamp_part *p)
{
	return p->kind == PART_LUKS && !strcmp(p->how, "tpm2");
}

int tpm_check(const struct layout *l)
{
	_cleanup_free_ char *version = NULL;
	const struct layout_part *part = NULL;

	for (size_t i = 0; !part && i < l->part_count; i++)
		if (l->parts[i].kind == PART_LUKS && l->parts[i].key == KEY_TPM2)
			part = &l->parts[i];
	if (!part || (!file_read(VERSION, 16, &version, NULL) && version[0] == '2'))
		return 0;
	return log_err(-ENODEV,
		       "luks '%s' has key=tpm2, and this machine has no TPM 2.0 that the kernel "
		       "knows; nothing was written",
		       part->name);
}

/* The key of an earlier TPM goes first, and by a call of its own: systemd-cryptenroll adds none where
 * one with the same PCRs is there, whatever TPM it is of. */
static int enroll(const char *target, const char *key, const struct volume *member)
{
	char *device = (char *)member->path;
	char *const wipe[] = {ENROLL, "--wipe-slot=tpm2", device, NULL};
	char *const add[] = {ENROLL,
			     "--unlock-key-file=/proc/self/fd/0",
			     "--tpm2-device=auto",
			     "--tpm2-pcrs=",
			     device,
			     NULL};
	int ret = target_run(target, &(struct target_command){.argv = wipe});

	return ret ? ret : target_run(target, &(struct target_command){.argv = add, .input = key});
}

/* The devices in the order of the list. */
static int enroll_all(const char *target, const char *key, const struct volumes *v)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < v->count; i++) {
		const struct stamp_part *p = &v->list[i].part;
		const struct volume *member = tpm_has_key(p) ? volume_named(v, p->members) : NULL;

		if (member)
			ret = enroll(target, key, member);
	}
	return ret;
}

int tpm_enroll(const char *target, const struct plan *plan, const struct volumes *v)
{
	const char *key = plan_get(plan_section(plan, "luks"), "luks_key");
	bool any = false;
	int ret, left;

	for (size_t i = 0; i < v->count; i++)
		any |= tpm_has_key(&v->list[i].part);
	if (!any)
		return 0;
	if (!key)
		return log_err(-EINVAL, "the plan has no key of what the TPM is to open");
	if (!target_exists(target, ENROLL))
		return log_err(-ENOENT, "the installed system has no '%s'", ENROLL);
	ret = target_enter(target);
	if (!ret)
		ret = enroll_all(target, key, v);
	left = target_leave(target);
	return ret ? ret : left;
}
