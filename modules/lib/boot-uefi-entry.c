/* The boot entries that a machine's firmware keeps of its disks: one for each system partition of
 * the layout, named "Lucie", "Lucie (2)", ... A reinstallation writes over those of the one before,
 * and takes away what is too many. Bytes and order are efi-boot-entry.h's.
 *
 * The disk boots without them, too (boot-loader.h): what the firmware refuses is said, and is no
 * failure.
 */
#include "modules/lib/boot-loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/efi-boot-entry.h"
#include "modules/lib/efi-vars.h"
#include "modules/lib/table.h"

#define NAME	    "Lucie"
#define FILE_PATH   "\\EFI\\BOOT\\BOOTX64.EFI" /* BOOT_FILE_SHIM, as the firmware has it */
#define VAR_LEN	    16
#define ORDER_BYTES ((size_t)2 * EFI_ENTRIES_MAX)

struct firmware {
	struct entry {
		uint16_t number;
		struct efi_option option;
	} entries[EFI_ENTRIES_MAX];
	size_t count;
	struct efi_order ours;
	int current; /* BootCurrent; -1: not known */
};

static void var_name(uint16_t number, char name[VAR_LEN])
{
	snprintf(name, VAR_LEN, "Boot%04X", number);
}

static bool is_ours(const struct efi_option *o)
{
	return !strcmp(o->description, NAME) || str_starts(o->description, NAME " (");
}

/* One that cannot be read is none of ours. */
static int take_entry(uint16_t number, void *arg)
{
	struct firmware *f = arg;
	struct entry *e = &f->entries[f->count];
	uint8_t data[EFI_OPTION_MAX];
	char name[VAR_LEN];
	size_t len = 0;

	if (f->count == EFI_ENTRIES_MAX)
		return log_err(-E2BIG, "the firmware has too many boot entries");
	var_name(number, name);
	e->number = number;
	if (efi_var_read(name, data, sizeof(data), &len) ||
	    efi_option_decode(&e->option, data, len))
		e->option = (struct efi_option){.active = false};
	f->count++;
	return 0;
}

static const struct entry *entry_find(const struct firmware *f, uint16_t number)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->entries[i].number == number)
			return &f->entries[i];
	return NULL;
}

/* What the machine came up with now is the network's, unless it leads to a partition: not every
 * firmware says that by a device path with a card in it. */
static enum efi_kind kind_of(const struct firmware *f, uint16_t number)
{
	const struct entry *e = entry_find(f, number);

	if (!e)
		return EFI_KIND_OTHER;
	if (is_ours(&e->option))
		return EFI_KIND_OURS;
	return e->option.network || (number == f->current && !e->option.on_partition)
		       ? EFI_KIND_NETWORK
		       : EFI_KIND_OTHER;
}

/* The number of an entry of that name, else the lowest that is free. */
static uint16_t number_for(const struct firmware *f, const char *description)
{
	uint16_t number = 0;

	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->entries[i].option.description, description))
			return f->entries[i].number;
	while (entry_find(f, number))
		number++;
	return number;
}

/* Entry `index` of ours, for this system partition. */
static int describe(const struct boot_loader *b, const struct boot_place *place, size_t index,
		    struct efi_option *o)
{
	_cleanup_free_ struct table *t = malloc(sizeof(*t));
	const char *disk = b->v->disks[place->disk].path;
	int ret = t ? table_read(disk, t) : -ENOMEM;

	*o = (struct efi_option){.file = FILE_PATH};
	snprintf(o->description, sizeof(o->description), index ? NAME " (%zu)" : NAME, index + 1);
	for (size_t i = 0; !ret && i < t->count; i++) {
		const struct table_part *p = &t->parts[i];

		if (p->number != place->number || !t->sector)
			continue;
		o->partition = (struct efi_partition){.gpt = t->kind == TABLE_KIND_GPT,
						      .number = p->number,
						      .start = p->start / t->sector,
						      .blocks = p->bytes / t->sector};
		ret = efi_partition_id(&o->partition, o->partition.gpt ? p->uuid : t->id);
		return ret ? log_err(ret, "the id of partition %u of '%s'", p->number, disk) : 0;
	}
	return ret ? ret : log_err(-ENXIO, "cannot find partition %u of '%s'", place->number, disk);
}

static int write_entry(struct firmware *f, const struct boot_loader *b,
		       const struct boot_place *place)
{
	struct efi_option option;
	uint8_t data[EFI_OPTION_MAX];
	char name[VAR_LEN];
	uint16_t number;
	int ret = describe(b, place, f->ours.count, &option);

	if (ret)
		return ret;
	number = number_for(f, option.description);
	var_name(number, name);
	ret = efi_var_write(name, data, efi_option_encode(&option, data, sizeof(data)));
	if (ret)
		return ret;
	f->ours.list[f->ours.count++] = number;
	if (!entry_find(f, number) && f->count < EFI_ENTRIES_MAX)
		f->entries[f->count++] = (struct entry){.number = number, .option = option};
	log_info("boot entry %s '%s' of the firmware: '%s' on partition %u of '%s'", name,
		 option.description, option.file, place->number, b->v->disks[place->disk].path);
	return 0;
}

static int write_entries(struct firmware *f, const struct boot_loader *b)
{
	struct boot_place places[LAYOUT_DISKS_MAX];
	int ret = 0;

	for (size_t i = 0; !ret && i < b->esp_count; i++) {
		size_t count = boot_places(b->v, b->esps[i], places);

		for (size_t n = 0; !ret && n < count; n++)
			ret = write_entry(f, b, &places[n]);
	}
	return ret;
}

static bool is_wanted(const struct firmware *f, uint16_t number)
{
	for (size_t i = 0; i < f->ours.count; i++)
		if (f->ours.list[i] == number)
			return true;
	return false;
}

static int delete_others(const struct firmware *f)
{
	char name[VAR_LEN];
	int ret = 0;

	for (size_t i = 0; !ret && i < f->count; i++) {
		if (!is_ours(&f->entries[i].option) || is_wanted(f, f->entries[i].number))
			continue;
		var_name(f->entries[i].number, name);
		ret = efi_var_delete(name);
	}
	return ret;
}

static int order_read(const char *name, struct efi_order *o)
{
	uint8_t data[ORDER_BYTES];
	size_t len = 0;
	int ret = efi_var_read(name, data, sizeof(data), &len);

	o->count = 0;
	if (ret && ret != -ENOENT)
		return log_err(ret, "cannot read the firmware's variable '%s'", name);
	for (size_t i = 0; !ret && i + 2 <= len; i += 2)
		o->list[o->count++] = (uint16_t)(data[i] | data[i + 1] << 8);
	return 0;
}

static int order_write(const struct firmware *f)
{
	enum efi_kind kinds[EFI_ENTRIES_MAX];
	struct efi_order old, new;
	uint8_t data[ORDER_BYTES];
	int ret = order_read("BootOrder", &old);

	if (ret)
		return ret;
	for (size_t i = 0; i < old.count; i++)
		kinds[i] = kind_of(f, old.list[i]);
	efi_order_make(&new, &old, kinds, &f->ours,
		       f->current >= 0 && kind_of(f, (uint16_t)f->current) == EFI_KIND_NETWORK);
	for (size_t i = 0; i < new.count; i++) {
		data[2 * i] = (uint8_t) new.list[i];
		data[2 * i + 1] = (uint8_t)(new.list[i] >> 8);
	}
	return efi_var_write("BootOrder", data, 2 * new.count);
}

static int firmware_read(struct firmware *f)
{
	struct efi_order current;
	int ret = order_read("BootCurrent", &current);

	f->current = current.count ? current.list[0] : -1;
	return ret ? ret : efi_each_boot_var(take_entry, f);
}

/* The order comes before what it no longer names goes. */
void boot_uefi_register(const struct boot_loader *b)
{
	_cleanup_free_ struct firmware *f = calloc(1, sizeof(*f));
	int ret = f ? efi_vars_open() : -ENOMEM;

	if (!ret)
		ret = firmware_read(f);
	if (!ret)
		ret = write_entries(f, b);
	if (!ret)
		ret = order_write(f);
	if (!ret)
		ret = delete_others(f);
	if (ret)
		log_warn("the firmware has no boot entry for this disk, and finds it by '%s'",
			 BOOT_FILE_SHIM);
}
