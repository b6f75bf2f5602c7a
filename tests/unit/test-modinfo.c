/* init/lib/modinfo.c and kmod-extra.c: what modules say of themselves, and the index made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/io.h"
#include "init/lib/kmod-extra.h"
#include "init/lib/modinfo.h"
#include "tests/unit/module-elf.h"
#include "tests/unit/temp-folder.h"

#define MYRI                                                                                       \
	"license=GPL\0\0alias=pci:v000014C1d00000008sv*sd*bc*sc*i*\0depends=dca,mii\0no value\0"   \
	"=\0alias=two words\0last"

static struct strbuf said;

static void keep(const char *key, const char *value, void *arg)
{
	(void)arg;
	strbuf_addf(&said, "%s<%s> ", key, value);
}

static void strings_of_a_module(void **state)
{
	struct module_elf m;

	(void)state;
	module_elf(&m, MYRI, sizeof(MYRI));
	strbuf_reset(&said);
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), 0);
	assert_string_equal(said.buf, "license<GPL> alias<pci:v000014C1d00000008sv*sd*bc*sc*i*> "
				      "depends<dca,mii> <> alias<two words> ");
}

/* Cut anywhere, it is refused or read to its end; ASan watches. */
static void cut_files(void **state)
{
	struct module_elf m;

	(void)state;
	module_elf(&m, MYRI, sizeof(MYRI));
	for (size_t len = 0; len < sizeof(m); len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, &m, len);
		strbuf_reset(&said);
		if (len < offsetof(struct module_elf, info) + sizeof(MYRI))
			assert_int_equal(modinfo_each(copy, len, keep, NULL), -ENOEXEC);
		else
			assert_int_equal(modinfo_each(copy, len, keep, NULL), 0);
		free(copy);
	}
}

static void offsets_that_lead_out(void **state)
{
	struct module_elf m;

	(void)state;
	module_elf(&m, MYRI, sizeof(MYRI));
	m.sections[2].sh_size = UINT64_MAX;
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), -ENOEXEC);
	module_elf(&m, MYRI, sizeof(MYRI));
	m.sections[2].sh_offset = UINT64_MAX - 8;
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), -ENOEXEC);
	module_elf(&m, MYRI, sizeof(MYRI));
	m.sections[1].sh_offset = UINT64_MAX;
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), -ENOEXEC);
	module_elf(&m, MYRI, sizeof(MYRI));
	m.head.e_shoff = UINT64_MAX - 64;
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), -ENOEXEC);
	module_elf(&m, MYRI, sizeof(MYRI));
	m.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(modinfo_each(&m, sizeof(m), keep, NULL), -ENOEXEC);
}

static void put(const char *name, const void *data, size_t len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/extra/%s", temp_folder, name);
	assert_int_equal(file_write(path, data, len, 0644), 0);
}

static void index_of_a_folder(void **state)
{
	struct strbuf alias = STRBUF_INIT, dep = STRBUF_INIT;
	struct module_elf m;
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/extra", temp_folder);
	assert_int_equal(kmod_extra(temp_folder, "", &alias, &dep), 0);
	assert_int_equal(dep.len, 0);
	assert_int_equal(mkdir(path, 0755), 0);
	module_elf(&m, MYRI, sizeof(MYRI));
	put("myri-10ge.ko", &m, sizeof(m));
	put("known.ko", &m, sizeof(m));
	put("readme", &m, sizeof(m));
	put(".hidden.ko", &m, sizeof(m));
	assert_int_equal(kmod_extra(temp_folder, "kernel/a.ko:\nextra/known.ko: b\n", &alias, &dep),
			 0);
	assert_string_equal(dep.buf, "extra/myri-10ge.ko: dca mii\n");
	assert_string_equal(alias.buf, "alias pci:v000014C1d00000008sv*sd*bc*sc*i* myri-10ge\n");
	put("text.ko", "no module", 9);
	strbuf_reset(&dep);
	assert_int_equal(kmod_extra(temp_folder, "extra/myri-10ge.ko: dca\nextra/known.ko: b\n",
				    &alias, &dep),
			 0);
	assert_string_equal(dep.buf, "extra/text.ko:\n");
	strbuf_free(&alias);
	strbuf_free(&dep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_of_a_module),
		cmocka_unit_test(cut_files),
		cmocka_unit_test(offsets_that_lead_out),
		cmocka_unit_test(index_of_a_folder),
	};
	int ret = cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);

	strbuf_free(&said);
	return ret;
}
