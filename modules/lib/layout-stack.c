/* Lines of what lies on partitions: raid, luks, vg, lv, filesystem; see layout.h. A member is named
 * after its own line, so that the order of lines is an order in which all can be made. */
#include "modules/lib/layout-parse.h"

#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"

#define CHUNK_MIN ((uint64_t)4 << 10)
#define CHUNK_MAX ((uint64_t)64 << 20)
#define NONE	  ((size_t)LAYOUT_PARTS_MAX)

/* --- members --- */

/* "sys.2": the second partition line of disk sys; NONE if there is none. */
static size_t find_partition(const struct layout *l, const char *word)
{
	const char *dot = strrchr(word, '.');
	uint64_t number;

	if (!dot || str_to_u64(dot + 1, &number) || !number)
		return NONE;
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];
		const char *disk = part->kind == PART_DISK ? l->disks[part->disk].name : "";

		if (strlen(disk) == (size_t)(dot - word) && !strncmp(disk, word, strlen(disk)) &&
		    !--number)
			return i;
	}
	return NONE;
}

/* A raid or luks by its name; names have no dots. */
static size_t find_device(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->part_count; i++)
		if ((l->parts[i].kind == PART_RAID || l->parts[i].kind == PART_LUKS) &&
		    !strcmp(l->parts[i].name, name))
			return i;
	return NONE;
}

static void add_member(struct layout_parser *p, struct layout_part *part, const char *word)
{
	size_t member = find_device(p->l, word);
	struct layout_part *m;

	if (member == NONE)
		member = find_partition(p->l, word);
	if (member == NONE) {
		layout_fail(p,
			    "there is no '%s' above, expected DISK.N for the N-th partition line "
			    "of a disk, or the name of a raid or luks",
			    word);
		return;
	}
	m = &p->l->parts[member];
	if (m->fs != FS_MEMBER)
		layout_fail(p, "'%s' holds %s, expected 'member' as its file system", word,
			    layout_fs_name(m->fs));
	else if (m->used)
		layout_fail(p, "'%s' is already a member of something else", word);
	else if (part->member_count == LAYOUT_MEMBERS_MAX)
		layout_fail(p, "more than %d members", LAYOUT_MEMBERS_MAX);
	else
		part->members[part->member_count++] = (uint8_t)member;
	m->used = true;
}

/* --- names --- */

static bool is_vg_of(const struct layout *l, const struct layout_part *lv, const char *vg)
{
	return lv->kind == PART_LV && !strcmp(l->parts[lv->members[0]].name, vg);
}

/* Of raid, luks and vg; of an lv within its vg. */
static void take_name(struct layout_parser *p, struct layout_part *part, const char *name,
		      const char *vg)
{
	if (!str_is_name(name) || strchr(name, '.'))
		layout_fail(p, "'%s' is not a name of letters, digits, '_' and '-'", name);
	else
		layout_take(p, part->name, sizeof(part->name), name, "the name");
	for (size_t i = 0; i < p->l->part_count; i++) {
		const struct layout_part *other = &p->l->parts[i];

		if (other->kind == PART_DISK || strcmp(other->name, name) != 0 ||
		    (vg ? !is_vg_of(p->l, other, vg) : other->kind == PART_LV))
			continue;
		layout_fail(p, "'%s' is already the name of the %s of line %u", name,
			    layout_kind_name(other->kind), other->line);
	}
}

static struct layout_part new_part(enum layout_kind kind)
{
	return (struct layout_part){.kind = kind,
				    .disk = LAYOUT_NO_DISK,
				    .fs = FS_MEMBER,
				    .mount = "-",
				    .reserved = -1};
}

/* --- raid --- */

/* Members of each level, without spares: mdadm(8). */
static void parse_level(struct layout_parser *p, struct layout_part *part, const char *word)
{
	static const unsigned int levels[] = {0, 1, 5, 6, 10};
	uint64_t level;

	for (size_t i = 0; i < ARRAY_SIZE(levels) && !str_to_u64(word, &level); i++)
		if (level == levels[i]) {
			part->level = (unsigned int)level;
			return;
		}
	layout_fail(p, "'%s' is not a level of a raid, expected 0, 1, 5, 6 or 10", word);
}

static void check_members(struct layout_parser *p, const struct layout_part *part)
{
	size_t min = part->level == 6 ? 4 : part->level == 5 ? 3 : 2;

	if (part->member_count < min + part->spares)
		layout_fail(p, "a raid of level %u needs %zu members, '%s' has %zu", part->level,
			    min, part->name, part->member_count - part->spares);
	if (part->spares && part->level == 0)
		layout_fail(p, "a raid of level 0 has no use for spares");
	if (part->chunk && part->level == 1)
		layout_fail(p, "a raid of level 1 has no chunks");
}

static void parse_chunk(struct layout_parser *p, struct layout_part *part, const char *word)
{
	if (!layout_word_bytes(word, &part->chunk) || part->chunk < CHUNK_MIN ||
	    part->chunk > CHUNK_MAX || (part->chunk & (part->chunk - 1)))
		layout_fail(p, "'%s' is not a chunk, expected a power of two of 4K to 64M", word);
}

void layout_line_raid(struct layout_parser *p, char *rest)
{
	struct layout_part part = new_part(PART_RAID);
	char *name = str_word(&rest), *level = str_word(&rest), *word, *spares = NULL, *item;

	if (!level) {
		layout_fail(p,
			    "expected 'raid NAME LEVEL MEMBER... [spare=MEMBER,...] [chunk=SIZE]'");
		return;
	}
	take_name(p, &part, name, NULL);
	parse_level(p, &part, level);
	while ((word = str_word(&rest))) {
		if (str_starts(word, "spare="))
			spares = word + 6;
		else if (str_starts(word, "chunk="))
			parse_chunk(p, &part, word + 6);
		else
			add_member(p, &part, word);
	}
	part.spares = part.member_count;
	while ((item = strsep(&spares, ",")))
		add_member(p, &part, item);
	part.spares = part.member_count - part.spares;
	check_members(p, &part);
	layout_add(p, &part);
}

/* --- luks --- */

void layout_line_luks(struct layout_parser *p, char *rest)
{
	struct layout_part part = new_part(PART_LUKS);
	char *name = str_word(&rest), *member = str_word(&rest), *word;

	if (!member) {
		layout_fail(p, "expected 'luks NAME MEMBER [key=plan|random|tpm2]'");
		return;
	}
	take_name(p, &part, name, NULL);
	add_member(p, &part, member);
	while ((word = str_word(&rest))) {
		if (!strcmp(word, "key=random"))
			part.key = KEY_RANDOM;
		else if (!strcmp(word, "key=tpm2"))
			part.key = KEY_TPM2;
		else if (strcmp(word, "key=plan") != 0)
			layout_fail(
				p,
				"unknown option '%s' of a luks, expected key=plan, key=random or "
				"key=tpm2",
				word);
	}
	layout_add(p, &part);
}

/* --- lvm --- */

void layout_line_vg(struct layout_parser *p, char *rest)
{
	struct layout_part part = new_part(PART_VG);
	char *name = str_word(&rest), *word = str_word(&rest);

	if (!word) {
		layout_fail(p, "expected 'vg NAME MEMBER...'");
		return;
	}
	take_name(p, &part, name, NULL);
	for (; word; word = str_word(&rest))
		add_member(p, &part, word);
	part.used = true;
	layout_add(p, &part);
}

void layout_line_lv(struct layout_parser *p, char *rest)
{
	struct layout_part part = new_part(PART_LV);
	char *vg = str_word(&rest), *name = str_word(&rest), *mount = str_word(&rest),
	     *size = str_word(&rest), *fs = str_word(&rest);
	size_t i;

	if (!fs) {
		layout_fail(p, "expected 'lv VG NAME MOUNT SIZE FS [OPTION...]'");
		return;
	}
	for (i = 0; i < p->l->part_count; i++)
		if (p->l->parts[i].kind == PART_VG && !strcmp(p->l->parts[i].name, vg))
			break;
	if (i == p->l->part_count) {
		layout_fail(p, "there is no vg '%s' above", vg);
		return;
	}
	part.members[part.member_count++] = (uint8_t)i;
	take_name(p, &part, name, vg);
	layout_word_size(p, &part, size);
	layout_word_fs(p, &part, fs, mount);
	layout_word_options(p, &part, rest);
	if (part.fs == FS_MEMBER)
		layout_fail(p, "an lv cannot be a member of another device");
	layout_add(p, &part);
}

/* --- file systems of what has a name --- */

void layout_line_filesystem(struct layout_parser *p, char *rest)
{
	char *mount = str_word(&rest), *name = str_word(&rest), *fs = str_word(&rest);
	struct layout_part part, *device;
	size_t i;

	if (!fs) {
		layout_fail(p, "expected 'filesystem MOUNT DEVICE FS [OPTION...]'");
		return;
	}
	i = find_device(p->l, name);
	if (i == NONE) {
		layout_fail(p, "there is no raid or luks '%s' above", name);
		return;
	}
	device = &p->l->parts[i];
	if (device->used || device->fs != FS_MEMBER) {
		layout_fail(p, "'%s' already holds something else", name);
		return;
	}
	part = new_part(device->kind);
	layout_word_fs(p, &part, fs, mount);
	layout_word_options(p, &part, rest);
	if (part.fs == FS_MEMBER)
		layout_fail(p, "'member' is for partitions; a raid or luks that is not named by a "
			       "filesystem line is one");
	for (i = 0; part.mount[0] == '/' && i < p->l->part_count; i++)
		if (!strcmp(p->l->parts[i].mount, part.mount))
			layout_fail(p, "'%s' is already mounted by line %u", part.mount,
				    p->l->parts[i].line);
	strcpy(device->mount, part.mount);
	device->fs = part.fs;
	strcpy(device->label, part.label);
	strcpy(device->options, part.options);
	strcpy(device->features, part.features);
	device->reserved = part.reserved;
}
