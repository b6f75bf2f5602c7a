/* cryptsetup for one device at a time; see luks.h. */
#include "modules/lib/luks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/probe.h"
#include "modules/lib/tool.h"

#define CRYPTSETUP "/sbin/cryptsetup"
#define ADDON	   "luks"
/* What the key is stretched by is fixed, the second choice of RFC 9106 with one pass more: a measure of
 * this machine while it installs would be chance, and a small one has to have the memory when it
 * boots as well. */
#define STRETCH                                                                                    \
	"--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "65536",         \
		"--pbkdf-parallel", "4"

/* The ciphers of headers and data, and the kernel's interface to them for cryptsetup. */
static const char *const drivers[] = {"dm_crypt",	"xts",	     "ecb", "aesni_intel",
				      "algif_skcipher", "algif_hash"};

static int run(char *const argv[], const struct luks *k)
{
	return tool_run(&(struct tool){.argv = argv,
				       .addon = ADDON,
				       .device = k->device,
				       .input = k->key,
				       .input_len = k->key_len});
}

int luks_format(const struct luks *k)
{
	char *const argv[] = {CRYPTSETUP, "luksFormat", "--batch-mode",	   "--type",
			      "luks2",	  "--uuid",	(char *)k->uuid,   "--key-file",
			      "-",	  STRETCH,	(char *)k->device, NULL};
	char uuid[64];
	int ret;

	if (!k->key)
		return 0;
	if (!k->key_len)
		return log_err(-EINVAL, "the key for '%s' is empty", k->device);
	tool_load(drivers, ARRAY_SIZE(drivers));
	ret = run(argv, k);
	if (ret)
		return ret;
	ret = probe_uuid(k->device, uuid, sizeof(uuid));
	if (!ret && strcasecmp(uuid, k->uuid))
		ret = -EIO;
	return ret ? log_err(ret, "the LUKS header of '%s' does not read back", k->device) : 0;
}

int luks_open(const struct luks *k, char path[DISK_PATH_MAX])
{
	char *const with_key[] = {CRYPTSETUP,	"open", "--batch-mode",	   "--type",	    "luks2",
				  "--key-file", "-",	(char *)k->device, (char *)k->name, NULL};
	char *const random[] = {CRYPTSETUP,	 "open",       "--batch-mode",	  "--type",
				"plain",	 "--cipher",   "aes-xts-plain64", "--key-size",
				"512",		 "--key-file", "/dev/urandom",	  (char *)k->device,
				(char *)k->name, NULL};
	int ret;

	if (snprintf(path, DISK_PATH_MAX, "/dev/mapper/%s", k->name) >= DISK_PATH_MAX)
		return log_err(-ENAMETOOLONG, "mapping '%s'", k->name);
	if (!access(path, F_OK))
		return 0;
	tool_load(drivers, ARRAY_SIZE(drivers));
	ret = run(k->key ? with_key : random, k);
	if (!ret && access(path, F_OK))
		ret = log_err(-errno, "'%s' is open, but '%s' is not there", k->device, path);
	return ret;
}
