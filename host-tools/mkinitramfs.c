/* mkinitramfs OUTPUT LIST...: writes a cpio archive for the kernel from lists of what it shall
 * hold.
 *
 * A list has one entry a line, blanks between the fields, comments from '#':
 *	dir PATH MODE             file PATH MODE SOURCE
 *	link PATH TARGET          node PATH MODE c|b MAJOR MINOR
 * PATH is absolute in the image; missing parents are made (0755). Entries are sorted by path, so
 * that the same lists give the same bits whatever their order; times are $SOURCE_DATE_EPOCH. Modes,
 * owners (root) and nodes come from the list: no root is needed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/newc.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#define LIST_MAX ((size_t)16 << 20)

struct entry {
	char *path; /* points into the list's text, as source; or own memory of a parent that was
		       made */
	mode_t mode;
	char *source; /* file, or a link's target */
	unsigned int major, minor;
	bool made; /* a parent that no list names */
};

static struct entry *entries;
static size_t entry_count, entry_cap;

static int entry_add(const struct entry *e)
{
	if (entry_count == entry_cap) {
		size_t cap = entry_cap ? 2 * entry_cap : 256;
		struct entry *p = reallocarray(entries, cap, sizeof(*p));

		if (!p)
			return -ENOMEM;
		entries = p;
		entry_cap = cap;
	}
	entries[entry_count++] = *e;
	return 0;
}

/* Absolute, no empty, "." or ".." component, no trailing slash. */
static bool path_is_plain(const char *path)
{
	const char *p = path;

	if (*p != '/' || !p[1])
		return false;
	while (*p) {
		size_t len = strcspn(++p, "/");

		if (!len || (len == 1 && p[0] == '.') || (len == 2 && !memcmp(p, "..", 2)))
			return false;
		p += len;
	}
	return true;
}

static int parse_mode(const char *s, mode_t *mode)
{
	char *end;
	unsigned long v = s ? strtoul(s, &end, 8) : 0;

	if (!s || *end || end == s || v > 07777)
		return -EINVAL;
	*mode = (mode_t)v;
	return 0;
}

static int parse_number(const char *s, unsigned int *out)
{
	uint64_t v;

	if (!s || str_to_u64(s, &v) || v > 0xfffff)
		return -EINVAL;
	*out = (unsigned int)v;
	return 0;
}

static int parse_node(struct entry *e, char **rest)
{
	const char *type = str_word(rest);

	if (!type || (strcmp(type, "c") && strcmp(type, "b")))
		return -EINVAL;
	e->mode |= *type == 'c' ? S_IFCHR : S_IFBLK;
	if (parse_number(str_word(rest), &e->major) || parse_number(str_word(rest), &e->minor))
		return -EINVAL;
	return 0;
}

/* 0, or -EINVAL for a line that says nothing that we know. */
static int parse_line(char *line, struct entry *e)
{
	char *rest = line, *type = str_word(&rest);

	e->path = str_word(&rest);
	if (!type || !e->path || !path_is_plain(e->path))
		return -EINVAL;
	if (strcmp(type, "link") && parse_mode(str_word(&rest), &e->mode))
		return -EINVAL;
	if (!strcmp(type, "dir")) {
		e->mode |= S_IFDIR;
	} else if (!strcmp(type, "file") || !strcmp(type, "link")) {
		e->mode |= *type == 'f' ? S_IFREG : S_IFLNK;
		e->source = str_word(&rest);
		if (!e->source)
			return -EINVAL;
	} else if (strcmp(type, "node") || parse_node(e, &rest)) {
		return -EINVAL;
	}
	return str_word(&rest) ? -EINVAL : 0;
}

/* Reads a list; its text stays allocated, because the entries point into it. */
static int read_list(const char *file)
{
	unsigned int number = 0;
	char *text, *line;
	int err = file_read(file, LIST_MAX, &text, NULL);

	if (err)
		return log_err(err, "cannot read '%s'", file);
	while ((line = strsep(&text, "\n"))) {
		struct entry e = {0};

		number++;
		line[strcspn(line, "#")] = '\0';
		line = str_trim(line);
		if (!*line)
			continue;
		if (parse_line(line, &e))
			return log_err(0,
				       "%s:%u: expected 'dir PATH MODE', 'file PATH MODE SOURCE', "
				       "'link PATH TARGET' or "
				       "'node PATH MODE c|b MAJOR MINOR'",
				       file, number);
		err = entry_add(&e);
		if (err)
			return log_err(err, "cannot read '%s'", file);
	}
	return 0;
}

/* Adds all parents of all entries; sort and unique come after. */
static int add_parents(void)
{
	size_t named = entry_count;

	for (size_t i = 0; i < named; i++) {
		for (const char *p = strchr(entries[i].path + 1, '/'); p; p = strchr(p + 1, '/')) {
			struct entry e = {.mode = S_IFDIR | 0755, .made = true};

			e.path = strndup(entries[i].path, (size_t)(p - entries[i].path));
			if (!e.path || entry_add(&e))
				return log_err(-ENOMEM, "cannot sort the entries");
		}
	}
	return 0;
}

/* By path, so that a parent precedes what lies in it; what a list names precedes a parent that was
 * made. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : (int)x->made - (int)y->made;
}

static int write_entry(struct newc *n, const struct entry *e)
{
	const char *path = e->path + 1;

	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		return newc_dir(n, path, e->mode & 07777);
	case S_IFREG:
		return newc_file(n, path, e->mode & 07777, e->source);
	case S_IFLNK:
		return newc_link(n, path, e->source);
	default:
		return newc_node(n, path, e->mode, e->major, e->minor);
	}
}

static int write_entries(struct newc *n)
{
	int err = 0;

	for (size_t i = 0; i < entry_count && !err; i++) {
		const struct entry *e = &entries[i], *last = i ? e - 1 : NULL;

		if (!last || strcmp(e->path, last->path))
			err = write_entry(n, e);
		else if (!e->made)
			err = log_err(0, "'%s' is in the lists twice", e->path);
		else if (!S_ISDIR(last->mode))
			err = log_err(-ENOTDIR, "'%s'", e->path);
	}
	return err;
}

static time_t source_date(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	uint64_t v;

	return s && !str_to_u64(s, &v) && v <= UINT32_MAX ? (time_t)v : 0;
}

int main(int argc, char **argv)
{
	struct newc *n;
	int err = 0, end;

	log_set_program("mkinitramfs");
	if (argc < 3) {
		fprintf(stderr, "usage: mkinitramfs OUTPUT LIST...\n");
		return 2;
	}
	for (int i = 2; i < argc && !err; i++)
		err = read_list(argv[i]);
	if (err || add_parents())
		return 1;
	if (entry_count)
		qsort(entries, entry_count, sizeof(*entries), compare);
	if (newc_create(&n, argv[1], source_date()))
		return 1;
	err = write_entries(n);
	end = newc_close(n);
	return err || end ? 1 : 0;
}
