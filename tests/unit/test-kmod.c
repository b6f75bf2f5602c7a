/* init/lib/kmod.c: which modules want a device. (Loading itself is tested in machines.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "init/lib/kmod.h"
#include "init/lib/str.h"

static const char alias[] = "# Aliases extracted from modules themselves.\n"
			    "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n"
			    "alias virtio:d00000001v* virtio_net\n"
			    "alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000\n"
			    "alias pci:v*d*sv*sd*bc01sc06i01* ahci\n"
			    "alias fs-ext4 ext4\n"
			    "alias usb:v0[5-9]* usbthing\n"
			    "alias cut\n"
			    "other line\n";
static const char dep[] = "kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio.ko "
			  "kernel/drivers/virtio/virtio_ring.ko\n"
			  "kernel/fs/ext4/ext4.ko.xz:\n"
			  "no colon\n"
			  ":\n";

static struct strbuf found;

static void keep(const char *name, void *arg)
{
	(void)arg;
	strbuf_addf(&found, "%s ", name);
}

static void finds(struct kmod *k, const char *modalias, const char *names)
{
	strbuf_reset(&found);
	strbuf_adds(&found, "");
	kmod_match(k, modalias, keep, NULL);
	assert_string_equal(found.buf, names);
}

static void by_alias(void **state)
{
	struct kmod *k;

	(void)state;
	assert_int_equal(kmod_open_text(&k, alias, dep, "kernel/drivers/nvme/host/nvme-core.ko\n"),
			 0);
	finds(k, "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", "virtio_pci ");
	finds(k, "virtio:d00000001v00001AF4", "virtio_net ");
	finds(k, "virtio:d00000002v00001AF4", "");
	finds(k, "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "ahci ");
	finds(k, "usb:v0781p", "usbthing ");
	finds(k, "usb:v0481p", "");
	finds(k, "fs-ext4", "ext4 ");
	finds(k, "", "");
	kmod_close(k);
}

static void by_name(void **state)
{
	struct kmod *k;

	(void)state;
	assert_int_equal(kmod_open_text(&k, alias, dep, "kernel/drivers/nvme/host/nvme-core.ko\n"),
			 0);
	assert_int_equal(kmod_load(k, "nosuch"), -ENOENT);
	assert_int_equal(kmod_load(k, "nvme_core"), 0);
	assert_int_equal(kmod_load(k, "nvme-core"), 0);
	assert_int_equal(kmod_load(k, ""), -ENOENT);
	kmod_close(k);
}

static void hostile_patterns_end(void **state)
{
	struct kmod *k;
	char text[1200];

	(void)state;
	assert_int_equal(kmod_open_text(&k,
					"alias a*a*a*a*a*a*a*a*a*a*b m\nalias [ x\nalias \\ y\n",
					"", ""),
			 0);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	finds(k, text, "");
	text[30] = '\0';
	finds(k, text, "");
	kmod_close(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_alias),
		cmocka_unit_test(by_name),
		cmocka_unit_test(hostile_patterns_end),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	strbuf_free(&found);
	return ret;
}
