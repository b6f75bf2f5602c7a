/* See modinfo.h; elf(5). Structures are copied out: nothing in the file need be aligned. */
#include "init/lib/modinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 1024

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif

struct image {
	const unsigned char *data;
	size_t len;
	Elf64_Ehdr head;
};

/* 0, or -ENOEXEC when the file has no such bytes. */
static int take(const struct image *m, uint64_t offset, void *out, size_t len)
{
	if (offset > m->len || len > m->len - offset)
		return -ENOEXEC;
	memcpy(out, m->data + offset, len);
	return 0;
}

static int section(const struct image *m, unsigned int index, Elf64_Shdr *out)
{
	uint64_t offset;

	if (index >= m->head.e_shnum ||
	    __builtin_add_overflow(m->head.e_shoff, (uint64_t)index * sizeof(*out), &offset))
		return -ENOEXEC;
	return take(m, offset, out, sizeof(*out));
}

static int open_image(struct image *m)
{
	const unsigned char *id = m->head.e_ident;

	if (take(m, 0, &m->head, sizeof(m->head)) || memcmp(id, ELFMAG, SELFMAG) != 0 ||
	    id[EI_CLASS] != ELFCLASS64 || id[EI_DATA] != OWN_ORDER ||
	    m->head.e_shentsize != sizeof(Elf64_Shdr))
		return -ENOEXEC;
	return 0;
}

static int find_section(const struct image *m, const char *wanted, Elf64_Shdr *out)
{
	Elf64_Shdr names;
	char name[16];
	size_t n = strlen(wanted) + 1;

	if (section(m, m->head.e_shstrndx, &names))
		return -ENOEXEC;
	for (unsigned int i = 0; !section(m, i, out); i++) {
		uint64_t at;

		if (!__builtin_add_overflow(names.sh_offset, (uint64_t)out->sh_name, &at) &&
		    !take(m, at, name, n) && !memcmp(name, wanted, n))
			return out->sh_type == SHT_PROGBITS ? 0 : -ENOEXEC;
	}
	return -ENOEXEC;
}

static void give_one(const char *text, size_t len, modinfo_fn *found, void *arg)
{
	char copy[VALUE_MAX], *value;

	if (len >= sizeof(copy))
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	value = strchr(copy, '=');
	if (!value)
		return;
	*value++ = '\0';
	found(copy, value, arg);
}

int modinfo_each(const void *file, size_t len, modinfo_fn *found, void *arg)
{
	struct image m = {.data = file, .len = len};
	const char *text;
	Elf64_Shdr info;

	if (open_image(&m) || find_section(&m, ".modinfo", &info) || info.sh_offset > len ||
	    info.sh_size > len - info.sh_offset)
		return -ENOEXEC;
	text = (const char *)file + info.sh_offset;
	for (size_t left = info.sh_size, n; left; text += n, left -= n) {
		n = strnlen(text, left);
		give_one(text, n, found, arg);
		n += n < left; /* the NUL */
	}
	return 0;
}
