/* Inventory from sysfs and procfs; see inventory.h. All of it is bounded, and clean text: what a
 * device says of itself is as hostile as any stranger. */
#include "init/inventory.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

#include <limits.h>
#include <string.h>
#include <sys/sysinfo.h>

#define ITEMS_MAX 64 /* disks, and network cards */
#define TEXT_MAX  80
#define DMI	  "/sys/class/dmi/id"

/* DIR/NAME, a file of sysfs, without blanks around it; "" where there is none. */
static void read_attribute(const char *dir, const char *name, char *out, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];

	*out = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!file_read(path, 4096, &text, NULL))
		snprintf(out, size, "%s", str_trim(text));
	str_make_text(out);
}

static void add_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_string(text));
}

/* The first of two files that says something. */
static void add_attribute(json_t *object, const char *key, const char *dir, const char *name,
			  const char *other)
{
	char text[TEXT_MAX];

	read_attribute(dir, name, text, sizeof(text));
	if (!*text && other)
		read_attribute(dir, other, text, sizeof(text));
	add_text(object, key, text);
}

/* Of each entry of a folder of sysfs; describe() returns NULL for what does not count. */
static json_t *list(const char *folder, json_t *(*describe)(const char *dir, const char *name))
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	json_t *all = json_array();
	struct dirent *d;

	while (dir && (d = readdir(dir)) && json_array_size(all) < ITEMS_MAX) {
		char path[PATH_MAX];
		json_t *item;

		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		item = *d->d_name == '.' ? NULL : describe(path, d->d_name);
		if (item)
			json_array_append_new(all, item);
	}
	return all;
}

/* --- disks --- */

/* By which bus, as its place among the devices tells. */
static const char *transport(const char *dir)
{
	static const char *const words[][2] = {{"/usb", "usb"},	      {"/nvme", "nvme"},
					       {"/virtio", "virtio"}, {"/end_device-", "sas"},
					       {"/ata", "sata"},      {"/mmc_host", "mmc"}};
	char real[PATH_MAX];

	for (size_t i = 0; realpath(dir, real) && i < ARRAY_SIZE(words); i++)
		if (strstr(real, words[i][0]))
			return words[i][1];
	return "";
}

/* Disks have a device behind them; loop, ram and device-mapper ones do not. */
static json_t *describe_disk(const char *dir, const char *name)
{
	char text[TEXT_MAX], path[PATH_MAX];
	uint64_t sectors = 0;
	json_t *disk;

	snprintf(path, sizeof(path), "%s/device", dir);
	if (access(path, F_OK) || str_starts(name, "sr") || str_starts(name, "fd"))
		return NULL;
	read_attribute(dir, "size", text, sizeof(text));
	if (str_to_u64(text, &sectors) || sectors > INT64_MAX / 512)
		return NULL;
	disk = json_pack("{s:s, s:I}", "name", name, "bytes", (json_int_t)(sectors * 512));
	add_attribute(disk, "serial", dir, "serial", "device/serial");
	add_attribute(disk, "model", dir, "device/model", "device/name");
	add_text(disk, "transport", transport(dir));
	return disk;
}

/* --- network cards --- */

static json_t *describe_nic(const char *dir, const char *name)
{
	char text[TEXT_MAX], path[PATH_MAX], driver[PATH_MAX];
	uint64_t speed;
	json_t *nic;

	snprintf(path, sizeof(path), "%s/device", dir);
	if (access(path, F_OK))
		return NULL;
	nic = json_pack("{s:s}", "name", name);
	add_attribute(nic, "mac", dir, "address", NULL);
	snprintf(path, sizeof(path), "%s/device/driver", dir);
	if (realpath(path, driver))
		add_text(nic, "driver", strrchr(driver, '/') + 1);
	read_attribute(dir, "carrier", text, sizeof(text)); /* cannot be read while it is off */
	json_object_set_new(nic, "link", json_boolean(!strcmp(text, "1")));
	read_attribute(dir, "speed", text, sizeof(text)); /* "-1" without a link */
	if (!str_to_u64(text, &speed) && speed < INT32_MAX)
		json_object_set_new(nic, "speed", json_integer((json_int_t)speed));
	return nic;
}

/* --- the machine --- */

/* NULL but for the first thread of a core. */
static json_t *describe_core(const char *dir, const char *name)
{
	char first[TEXT_MAX];

	if (!str_starts(name, "cpu"))
		return NULL;
	read_attribute(dir, "topology/thread_siblings_list", first, sizeof(first));
	first[strcspn(first, ",-")] = '\0';
	return *first && !strcmp(first, name + 3) ? json_null() : NULL;
}

/* "model name	: ..." of the first processor. */
static void add_cpu(json_t *machine)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *colon;

	while (f && fgets(line, sizeof(line), f))
		if (str_starts(line, "model name") && (colon = strchr(line, ':'))) {
			colon = str_trim(colon + 1);
			colon[strcspn(colon, "\n")] = '\0';
			str_make_text(colon);
			add_text(machine, "cpu", colon);
			return;
		}
}

json_t *inventory(void)
{
	json_t *cores = list("/sys/devices/system/cpu", describe_core), *machine;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct sysinfo info;

	sysinfo(&info);
	machine = json_pack(
		"{s:I, s:I, s:o, s:o}", "ram", (json_int_t)info.totalram * info.mem_unit, "cpus",
		(json_int_t)(cpus > 0 ? cpus : 1), "disks", list("/sys/block", describe_disk),
		"nics", list("/sys/class/net", describe_nic));
	if (json_array_size(cores))
		json_object_set_new(machine, "cores",
				    json_integer((json_int_t)json_array_size(cores)));
	json_decref(cores);
	add_cpu(machine);
	add_attribute(machine, "vendor", DMI, "sys_vendor", NULL);
	add_attribute(machine, "product", DMI, "product_name", NULL);
	add_attribute(machine, "serial", DMI, "product_serial", NULL);
	return machine;
}
