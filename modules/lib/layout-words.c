/* The words that lines of a layout have in common: sizes, places to mount, file systems, options;
 * see layout.h. What reaches fstab, a path or an argument of a program is limited to characters
 * that are plain there. */
#include "modules/lib/layout-parse.h"

#include <ctype.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"
#include "modules/lib/ext4.h"
#include "modules/lib/vfat.h"
#include "modules/lib/xfs.h"

bool layout_word_only(const char *s, const char *also)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(also, *s))
			return false;
	return true;
}

/* --- sizes --- */

bool layout_word_bytes(const char *text, uint64_t *out)
{
	return !str_to_size(text, out) && *out > 0 && *out <= LAYOUT_SIZE_MAX;
}

static bool parse_number(const char *text, uint64_t max, unsigned int *out)
{
	uint64_t number;

	if (str_to_u64(text, &number) || number < 1 || number > max)
		return false;
	*out = (unsigned int)number;
	return true;
}

static bool parse_size(struct layout_size *size, char *word)
{
	char *dash = strchr(word, '-');
	size_t n = strlen(word);

	size->as_found = !strcmp(word, "-");
	if (size->as_found)
		return true;
	if (!strcmp(word, "RAM")) {
		size->ram_multiple = 1;
		return true;
	}
	if (str_starts(word, "RAM*"))
		return parse_number(word + 4, 16, &size->ram_multiple);
	if (n && word[n - 1] == '%') {
		word[n - 1] = '\0';
		return parse_number(word, 100, &size->percent);
	}
	if (dash)
		*dash = '\0';
	if (!layout_word_bytes(word, &size->min))
		return false;
	if (!dash)
		size->max = size->min;
	else if (dash[1])
		return layout_word_bytes(dash + 1, &size->max) && size->max >= size->min;
	return true;
}

/* Bytes are possible, and never meant by so small a number. */
static bool lacks_unit(const struct layout_size *size, const char *said)
{
	uint64_t most = size->max ? size->max : size->min;

	return most < LAYOUT_ALIGN && strspn(said, "0123456789-") == strlen(said);
}

/* 8GB, 8GiB and 8gb as 8G. */
static void without_bytes(const char *said, char *size)
{
	while (*said) {
		*size = (char)toupper((unsigned char)*said++);
		if (strchr("KMGT", *size++)) {
			said += said[0] == 'i' && tolower((unsigned char)said[1]) == 'b';
			said += tolower((unsigned char)*said) == 'b';
		}
	}
	*size = '\0';
}

void layout_word_size(struct layout_parser *p, struct layout_part *part, char *word)
{
	char said[40], plain[40];

	strncpy(said, word, sizeof(said) - 1);
	said[sizeof(said) - 1] = '\0';
	without_bytes(said, plain);
	if (!parse_size(&part->size, word)) {
		strcpy(word, plain); /* which is not longer */
		if (strcmp(said, plain) != 0 && parse_size(&part->size, word))
			layout_fail(p, "'%s' is not a size, expected '%s'", said, plain);
		else
			layout_fail(p,
				    "'%s' is not a size, expected 512M, 20%%, 2G-8G, 8G-, RAM or "
				    "RAM*2",
				    said);
	} else if (part->size.min && lacks_unit(&part->size, said)) {
		layout_fail(p, "'%s' has no unit, expected for example %lluM", said,
			    (unsigned long long)part->size.min);
	} else {
		return;
	}
	part->size = (struct layout_size){0};
}

/* --- file systems --- */

/* Mount points reach fstab and path names: a plain absolute path without '.', '..' and empty
 * components. */
static bool is_mount_path(const char *s)
{
	if (s[0] != '/' || !layout_word_only(s, "/_-.+@"))
		return false;
	if (!strcmp(s, "/"))
		return true;
	for (const char *part = s; *part;) {
		size_t n = strcspn(++part, "/");

		if (!n || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += n;
	}
	return true;
}

static void parse_mount(struct layout_parser *p, struct layout_part *part, const char *word)
{
	bool swap = !strcmp(word, "swap"), none = !strcmp(word, "-");

	if (!swap && !none && !is_mount_path(word))
		layout_fail(
			p, "'%s' is not a place to mount, expected an absolute path, 'swap' or '-'",
			word);
	else if (swap != (part->fs == FS_SWAP))
		layout_fail(p, "'swap' as the place goes with 'swap' as the file system, and only "
			       "with it");
	else if ((part->fs == FS_RAW || part->fs == FS_MEMBER) && !none)
		layout_fail(p, "a %s partition cannot be mounted at '%s', expected '-'",
			    layout_fs_name(part->fs), word);
	else
		layout_take(p, part->mount, sizeof(part->mount), word, "the place to mount");
}

/* What the file system itself asks of its place. */
static void check_size(struct layout_parser *p, const struct layout_part *part)
{
	uint64_t min = layout_fs_min(part->fs);

	if (part->size.max && part->size.max < min)
		layout_fail(p, "%s needs at least %lluM", layout_fs_name(part->fs),
			    (unsigned long long)(min >> 20));
	if (part->fs == FS_VFAT && !strcmp(part->mount, "/"))
		layout_fail(p,
			    "vfat cannot be the root file system: it has no owners and no links");
}

void layout_word_fs(struct layout_parser *p, struct layout_part *part, const char *fs,
		    const char *mount)
{
	if (!layout_fs_parse(&part->fs, fs)) {
		layout_fail(
			p,
			"unknown file system '%s', expected ext4, xfs, vfat, swap, raw or member",
			fs);
		return;
	}
	parse_mount(p, part, mount);
	check_size(p, part);
}

/* --- options --- */

static void option_label(struct layout_parser *p, struct layout_part *part, const char *value)
{
	size_t max = part->fs == FS_VFAT  ? VFAT_LABEL_MAX
		     : part->fs == FS_XFS ? XFS_LABEL_MAX
					  : sizeof(part->label) - 1;

	if (!layout_word_only(value, "_-.+@/"))
		layout_fail(p, "label '%s' has other characters than letters, digits and _-.+@/",
			    value);
	else if (strlen(value) > max && max < sizeof(part->label) - 1)
		layout_fail(p, "label '%s' is longer than the %zu bytes that %s has", value, max,
			    layout_fs_name(part->fs));
	else
		layout_take(p, part->label, sizeof(part->label), value, "the label");
}

static void option_mount(struct layout_parser *p, struct layout_part *part, const char *value)
{
	if (!layout_word_only(value, "_-.+@/=,:"))
		layout_fail(p, "mount options '%s' have characters that fstab does not take",
			    value);
	else
		layout_take(p, part->options, sizeof(part->options), value, "the mount options");
}

static void option_features(struct layout_parser *p, struct layout_part *part, const char *value)
{
	if (part->fs != FS_EXT4)
		layout_fail(p, "only ext4 has features=");
	else if (!ext4_features_known(value))
		layout_fail(p, "'%s' is not a list of features like ^metadata_csum,quota", value);
	else
		layout_take(p, part->features, sizeof(part->features), value, "the features");
}

static void option_reserved(struct layout_parser *p, struct layout_part *part, const char *value)
{
	uint64_t percent;

	if (part->fs != FS_EXT4)
		layout_fail(p, "only ext4 has reserved=");
	else if (str_to_u64(value, &percent) || percent > 50)
		layout_fail(p, "'%s' is not a percentage of 0 to 50", value);
	else
		part->reserved = (int)percent;
}

/* How a partition is found that is kept: preserve, preserve=label, preserve=fs, preserve=3 */
static void option_keep(struct layout_parser *p, struct layout_part *part, const char *value,
			enum layout_keep keep)
{
	if (part->kind != PART_DISK)
		layout_fail(p, "only partitions can be preserved or reused");
	else if (part->keep)
		layout_fail(p, "preserve or reuse is said twice");
	else if (value && !strcmp(value, "label"))
		part->find = FIND_LABEL;
	else if (value && !strcmp(value, "fs"))
		part->find = FIND_FS;
	else if (value &&
		 (!strcmp(value, "number") || parse_number(value, 128, &part->find_number)))
		part->find = FIND_NUMBER;
	else if (value)
		layout_fail(p,
			    "'%s' is no way to find a partition, expected label, fs, number or "
			    "the partition's number",
			    value);
	part->keep = keep;
}

static void option_preserve(struct layout_parser *p, struct layout_part *part, const char *value)
{
	option_keep(p, part, value, KEEP_CONTENT);
}

static void option_reuse(struct layout_parser *p, struct layout_part *part, const char *value)
{
	option_keep(p, part, value, KEEP_PLACE);
}

static void option_logical(struct layout_parser *p, struct layout_part *part, const char *value)
{
	(void)value;
	if (part->kind != PART_DISK || p->l->disks[part->disk].table != TABLE_MSDOS)
		layout_fail(p, "only a partition of a disk with table=msdos can be logical");
	part->logical = true;
}

static void parse_option(struct layout_parser *p, struct layout_part *part, char *word)
{
	static const struct {
		const char *name;
		bool needs_value, may_have_value;
		void (*parse)(struct layout_parser *p, struct layout_part *part, const char *value);
	} options[] = {
		{"label", true, true, option_label},
		{"mount", true, true, option_mount},
		{"features", true, true, option_features},
		{"reserved", true, true, option_reserved},
		{"preserve", false, true, option_preserve},
		{"reuse", false, true, option_reuse},
		{"logical", false, false, option_logical},
	};
	size_t n = strcspn(word, "=");
	char *value = word[n] ? word + n + 1 : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == n && !strncmp(options[i].name, word, n) &&
		    (value ? options[i].may_have_value : !options[i].needs_value)) {
			options[i].parse(p, part, value);
			return;
		}
	layout_fail(p,
		    "unknown option '%s', expected label=TEXT, mount=OPTIONS, features=LIST, "
		    "reserved=PERCENT, preserve, reuse or logical",
		    word);
}

/* What the options say together. */
static void check_keep(struct layout_parser *p, struct layout_part *part)
{
	if (part->find == FIND_BY_WHAT_IS_GIVEN)
		part->find = part->label[0] ? FIND_LABEL : FIND_NUMBER;
	if (part->keep && part->find == FIND_LABEL && !part->label[0])
		layout_fail(p, "a partition that is found by its label needs label=TEXT");
	if (part->keep && part->find == FIND_FS && (part->fs == FS_RAW || part->fs == FS_MEMBER))
		layout_fail(p, "a %s partition has no file system to be found by",
			    layout_fs_name(part->fs));
	if (part->keep && part->fs == FS_MEMBER)
		layout_fail(p, "a member of another device cannot be preserved or reused");
	if (part->size.as_found && !part->keep)
		layout_fail(p, "'-' as the size goes with preserve or reuse");
}

void layout_word_options(struct layout_parser *p, struct layout_part *part, char *rest)
{
	char *word;

	while ((word = str_word(&rest)))
		parse_option(p, part, word);
	check_keep(p, part);
}
