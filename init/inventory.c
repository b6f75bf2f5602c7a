/* Inventory from sysfs; see inventory.h. */
#include "init/inventory.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

#include <string.h>
#include <sys/sysinfo.h>

#define DISKS_MAX 64

/* The first of two files that is there, without blanks around it; "" . */
static void read_attribute(const char *disk, const char *name, const char *other, char *out,
			   size_t size)
{
	const char *const names[] = {name, other};
	char path[320];

	*out = '\0';
	for (int i = 0; i < 2 && !*out; i++) {
		_cleanup_free_ char *text = NULL;

		snprintf(path, sizeof(path), "/sys/block/%s/%s", disk, names[i]);
		if (!file_read(path, 4096, &text, NULL))
			snprintf(out, size, "%s", str_trim(text));
	}
	str_make_text(out);
}

/* Disks have a device behind them; loop, ram and device-mapper ones do not. */
static json_t *describe_disk(const char *name)
{
	char size[32], serial[64], model[64], path[320];
	uint64_t sectors = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/device", name);
	if (access(path, F_OK) || str_starts(name, "sr") || str_starts(name, "fd"))
		return NULL;
	read_attribute(name, "size", "size", size, sizeof(size));
	read_attribute(name, "serial", "device/serial", serial, sizeof(serial));
	read_attribute(name, "device/model", "device/name", model, sizeof(model));
	if (str_to_u64(size, &sectors) || sectors > INT64_MAX / 512)
		return NULL;
	return json_pack("{s:s, s:I, s:s, s:s}", "name", name, "bytes", (json_int_t)(sectors * 512),
			 "serial", serial, "model", model);
}

static json_t *disks(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/sys/block");
	json_t *list = json_array();
	struct dirent *d;

	while (dir && (d = readdir(dir)) && json_array_size(list) < DISKS_MAX) {
		json_t *disk = *d->d_name == '.' ? NULL : describe_disk(d->d_name);

		if (disk)
			json_array_append_new(list, disk);
	}
	return list;
}

json_t *inventory(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct sysinfo info;

	sysinfo(&info);
	return json_pack("{s:I, s:I, s:o}", "ram", (json_int_t)info.totalram * info.mem_unit,
			 "cpus", (json_int_t)(cpus > 0 ? cpus : 1), "disks", disks());
}
