/* A small ELF file with a section .modinfo, as a kernel module has it, for tests. */
#ifndef LUCIE_TEST_MODULE_ELF_H
#define LUCIE_TEST_MODULE_ELF_H

#include <elf.h>
#include <string.h>

struct module_elf {
	Elf64_Ehdr head;
	Elf64_Shdr sections[3]; /* none, names, .modinfo */
	char names[24];
	char info[512];
};

static inline void module_elf(struct module_elf *m, const char *info, size_t len)
{
	*m = (struct module_elf){0};
	memcpy(m->head.e_ident, ELFMAG, SELFMAG);
	m->head.e_ident[EI_CLASS] = ELFCLASS64;
	m->head.e_ident[EI_DATA] =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	m->head.e_shoff = offsetof(struct module_elf, sections);
	m->head.e_shentsize = sizeof(Elf64_Shdr);
	m->head.e_shnum = 3;
	m->head.e_shstrndx = 1;
	memcpy(m->names, "\0.shstrtab\0.modinfo", 20);
	m->sections[1] = (Elf64_Shdr){.sh_name = 1,
				      .sh_type = SHT_STRTAB,
				      .sh_offset = offsetof(struct module_elf, names),
				      .sh_size = sizeof(m->names)};
	m->sections[2] = (Elf64_Shdr){.sh_name = 11,
				      .sh_type = SHT_PROGBITS,
				      .sh_offset = offsetof(struct module_elf, info),
				      .sh_size = len};
	memcpy(m->info, info, len);
}

#endif
