/* efivarfs; see efi-vars.h. A file is four bytes of attributes and the data, written at once, and
 * immutable where the kernel fears that firmware cannot do without it. */
#include "modules/lib/efi-vars.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/tool.h"

#define PLACE	   "/sys/firmware/efi/efivars"
#define GLOBAL	   "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define ATTRIBUTES 7 /* non-volatile, boot services, runtime */
#define NAME_LEN   16
#define DATA_MAX   ((size_t)16 << 10)

int efi_vars_open(void)
{
	static const char *const modules[] = {"efivarfs"};

	tool_load(modules, ARRAY_SIZE(modules));
	if (!mount("efivarfs", PLACE, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
	    errno == EBUSY)
		return 0;
	return log_err(-errno, "cannot mount the firmware's variables at '%s'", PLACE);
}

static void path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%.*s%s", PLACE, NAME_LEN, name, GLOBAL);
}

int efi_var_read(const char *name, uint8_t *data, size_t max, size_t *len)
{
	_cleanup_free_ char *bytes = NULL;
	char path[128];
	size_t n;
	int ret;

	path_of(name, path);
	ret = file_read(path, max + 4, &bytes, &n);
	if (ret)
		return ret;
	*len = n < 4 ? 0 : n - 4;
	memcpy(data, bytes + 4, *len);
	return 0;
}

static void make_mutable(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) || !(flags & FS_IMMUTABLE_FL))
		return;
	flags &= ~FS_IMMUTABLE_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

int efi_var_write(const char *name, const uint8_t *data, size_t len)
{
	uint8_t bytes[4 + DATA_MAX] = {ATTRIBUTES}, old[DATA_MAX];
	_cleanup_close_ int fd = -1;
	char path[128];
	size_t n;

	if (len > DATA_MAX)
		return -EFBIG;
	if (!efi_var_read(name, old, sizeof(old), &n) && n == len && !memcmp(old, data, len))
		return 0;
	path_of(name, path);
	make_mutable(path);
	memcpy(bytes + 4, data, len);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, 4 + len) != (ssize_t)(4 + len))
		return log_err(-errno, "cannot write the firmware's variable '%s'", name);
	return 0;
}

int efi_var_delete(const char *name)
{
	char path[128];

	path_of(name, path);
	make_mutable(path);
	return unlink(path) ? log_err(-errno, "cannot delete the firmware's variable '%s'", name)
			    : 0;
}

/* "Boot0A1B-8be4..." */
static bool is_boot_var(const char *name, uint16_t *number)
{
	char digits[5] = "";

	if (strncmp(name, "Boot", 4) || strlen(name) < 8 || strcmp(name + 8, GLOBAL))
		return false;
	for (size_t i = 0; i < 4; i++)
		if (!isxdigit((unsigned char)name[4 + i]))
			return false;
	memcpy(digits, name + 4, 4);
	*number = (uint16_t)strtoul(digits, NULL, 16);
	return true;
}

int efi_each_boot_var(int (*fn)(uint16_t number, void *arg), void *arg)
{
	_cleanup_closedir_ DIR *dir = opendir(PLACE);
	struct dirent *e;
	uint16_t number;
	int ret = 0;

	if (!dir)
		return log_err(-errno, "cannot read '%s'", PLACE);
	while (!ret && (e = readdir(dir)))
		if (is_boot_var(e->d_name, &number))
			ret = fn(number, arg);
	return ret;
}
