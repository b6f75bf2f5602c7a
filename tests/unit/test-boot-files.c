/* The boot loader's files: local boot unless armed, one for each card, rewritten only when they
 * change. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/dnsmasq.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/fake-modules.h"

static const char definition[] =
	"define lucie_group{\n name g\n subnet 255.255.255.0\n server_address 10.0.0.250\n "
	"http_port 80\n"
	" http_server n2, elsewhere, 10.0.0.250, 10.0.0.9\n dhcp_interface eth1\n"
	" nfs_server 10.0.0.251\n nfs_path /srv/roots\n nfs_version 3\n}\n"
	"define installer{\n name over-nfs\n modules init\n boot nfsroot\n}\n"
	"define disk_layout{\n name stack\n disk a disk1\n partition /boot 1G ext4\n"
	" partition - 1G member\n disk b disk2\n partition - 1G member\n raid r 1 a.2 b.1\n luks l "
	"r\n vg v l\n"
	" lv v root / 500M xfs\n}\n"
	"define disk_layout{\n name kept\n disk a disk1\n partition / 1G ext4\n"
	" partition /home 1G ext4 preserve=label label=home\n}\n"
	"define host{\n name t\n register 0\n lucie_group g\n board small\n console ttyS1,9600\n}\n"
	"define host{\n host_name n1\n use t\n address 10.0.0.1\n mac_address 52:54:00:00:00:01, "
	"52:54:00:00:00:0F\n}\n"
	"define host{\n host_name n2\n use t\n address 10.0.0.2\n mac_address "
	"52:54:00:00:00:02\n disk_layout stack\n}\n"
	"define host{\n host_name n3\n use t\n address 10.0.0.3\n mac_address "
	"52:54:00:00:00:03\n disk_layout kept\n}\n";

static struct cluster *cluster;
static const struct cluster_object *n1;

static void no_error(const char *line, void *arg)
{
	(void)arg;
	print_message("%s\n", line);
}

static int set_up(void **state)
{
	char path[128];

	if (temp_folder_make(state))
		return -1;
	snprintf(path, sizeof(path), "%s/tftp/pxelinux.cfg", temp_folder);
	if (mkdir_path(path, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/tftp/grub", temp_folder);
	if (mkdir_path(path, 0755))
		return -1;
	if (cluster_load_text(&cluster, "test", definition, strlen(definition), no_error, NULL))
		return -1;
	n1 = cluster_find(cluster, TYPE_HOST, "n1");
	return n1 ? 0 : -1;
}

static int tear_down(void **state)
{
	cluster_free(cluster);
	return temp_folder_remove(state);
}

static void assert_file(const char *name, const char *wanted)
{
	char path[128], *text;

	snprintf(path, sizeof(path), "%s/tftp/%s", temp_folder, name);
	assert_int_equal(file_read(path, 4096, &text, NULL), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void assert_no_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/tftp/%s", temp_folder, name);
	assert_int_equal(access(path, F_OK), -1);
}

static const char install[] =
	"# n1: install, variant full\nDEFAULT install\nLABEL install\n\tKERNEL vmlinuz-small\n"
	"\tINITRD initramfs-small.img,site.img\n"
	"\tAPPEND rootfstype=ramfs panic=30 quiet console=ttyS1,9600 "
	"lucie.server=http://10.0.0.250:80\n\tSYSAPPEND 3\n";

static const char grub_install[] =
	"# n1: install, variant full\nlinux /vmlinuz-small rootfstype=ramfs panic=30 quiet "
	"console=ttyS1,9600 lucie.server=http://10.0.0.250:80 BOOTIF=01-52-54-00-00-00-0f\n"
	"initrd /initramfs-small.img /site.img\nboot\n";

static void test_grub(void **state)
{
	struct state_node node = {.name = "n1", .armed = "full"};

	(void)state;
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, &node), 0);
	assert_file("grub/grub.cfg-01-52-54-00-00-00-0f", grub_install);
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, NULL), 0);
	assert_no_file("grub/grub.cfg-01-52-54-00-00-00-0f");
}

/* What GRUB's shell would read as its own reaches the kernel as it is. */
static void test_grub_escapes(void **state)
{
	struct boot_entry e = {.what = BOOT_INSTALL, .host = "n", .variant = "v", .kernel = "k"};
	struct strbuf out = STRBUF_INIT;

	(void)state;
	strbuf_adds(&e.args, "a=$b;c 'd'");
	assert_int_equal(boot_entry_grub(&out, &e, "52:54:00:00:00:01"), 0);
	assert_non_null(strstr(out.buf, " a=\\$b\\;c \\'d\\' BOOTIF="));
	strbuf_free(&out);
	strbuf_free(&e.args);
}

static void test_flip(void **state)
{
	struct state_node node = {.name = "n1"};

	(void)state;
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, NULL), 0);
	assert_no_file("pxelinux.cfg/01-52-54-00-00-00-01");
	strcpy(node.armed, "full");
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, &node), 0);
	assert_file("pxelinux.cfg/01-52-54-00-00-00-01", install);
	assert_file("pxelinux.cfg/01-52-54-00-00-00-0f", install);
	node.armed[0] = '\0';
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, &node), 0);
	assert_no_file("pxelinux.cfg/01-52-54-00-00-00-01");
	assert_no_file("pxelinux.cfg/01-52-54-00-00-00-0f");
}

static void test_nfsroot(void **state)
{
	struct state_node node = {.name = "n1", .armed = "over-nfs"};
	struct boot_entry e;
	char path[128];

	(void)state;
	assert_int_equal(boot_entry_make(&e, temp_folder, cluster, n1, &node), -ENOENT);
	boot_entry_free(&e);
	temp_path(path, sizeof(path), "tftp/nfsroot-small.img");
	assert_int_equal(file_write(path, "", 0, 0644), 0);
	assert_int_equal(boot_entry_make(&e, temp_folder, cluster, n1, &node), 0);
	assert_int_equal(e.initrd_count, 2);
	assert_string_equal(e.initrds[0], "nfsroot-small.img");
	assert_string_equal(e.initrds[1], "site.img");
	assert_string_equal(e.args.buf, "rootfstype=ramfs panic=30 quiet console=ttyS1,9600 "
					"lucie.server=http://10.0.0.250:80 "
					"lucie.nfsroot=10.0.0.251:/srv/roots/small,vers=3");
	boot_entry_free(&e);
}

static void test_cannot_write(void **state)
{
	struct state_node node = {.armed = "full"};

	(void)state;
	assert_true(boot_files_write("/nonexistent", cluster, n1, &node) < 0);
}

/* In a generation the files that are loaded are named below its number, whatever path leads there.
 */
static void test_generation(void **state)
{
	struct state_node node = {.armed = "full"};
	char made[128], link[128], *text;

	(void)state;
	snprintf(made, sizeof(made), "%s/generations/12/tftp/pxelinux.cfg", temp_folder);
	assert_int_equal(mkdir_path(made, 0755), 0);
	snprintf(made, sizeof(made), "%s/generations/12/tftp/grub", temp_folder);
	assert_int_equal(mkdir_path(made, 0755), 0);
	snprintf(link, sizeof(link), "%s/current", temp_folder);
	assert_int_equal(symlink("generations/12", link), 0);
	assert_int_equal(boot_files_write(link, cluster, n1, &node), 0);
	snprintf(made, sizeof(made), "%s/generations/12/tftp/pxelinux.cfg/01-52-54-00-00-00-01",
		 temp_folder);
	assert_int_equal(file_read(made, 4096, &text, NULL), 0);
	assert_non_null(strstr(text, "KERNEL 12/vmlinuz-small\n\tINITRD "
				     "12/initramfs-small.img,12/site.img\n"));
	free(text);
}

static void test_addons(void **state)
{
	struct state_node node = {.armed = "full"};
	char path[128], *text;

	(void)state;
	snprintf(path, sizeof(path), "%s/tftp/firmware-small.img", temp_folder);
	assert_int_equal(file_write(path, "x", 1, 0644), 0);
	assert_int_equal(boot_files_write(temp_folder, cluster, n1, &node), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/tftp/pxelinux.cfg/01-52-54-00-00-00-01", temp_folder);
	assert_int_equal(file_read(path, 4096, &text, NULL), 0);
	assert_non_null(strstr(text, "INITRD initramfs-small.img,firmware-small.img,site.img\n"));
	free(text);
}

/* What is there of the storage tools; which of them a host's file names. */
static void assert_tools(const char *host, const char *variant, const char *wanted)
{
	static const char *const tools[] = {"e2fsck", "xfs", "raid", "lvm", "luks"};
	struct state_node node = {0};
	struct boot_entry e;
	char path[128], names[128] = "";

	snprintf(node.armed, sizeof(node.armed), "%s", variant);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		snprintf(path, sizeof(path), "%s/tftp/%s-small.img", temp_folder, tools[i]);
		assert_int_equal(file_write(path, "x", 1, 0644), 0);
	}
	assert_int_equal(boot_entry_make(&e, temp_folder, cluster,
					 cluster_find(cluster, TYPE_HOST, host), &node),
			 0);
	for (size_t i = 1; i + 1 < e.initrd_count; i++)
		strcat(strcat(names, i > 1 ? " " : ""), e.initrds[i]);
	assert_string_equal(names, wanted);
	boot_entry_free(&e);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		snprintf(path, sizeof(path), "%s/tftp/%s-small.img", temp_folder, tools[i]);
		unlink(path);
	}
}

static void test_tools(void **state)
{
	(void)state;
	assert_tools("n1", "full", "");
	assert_tools("n1", "repair", "e2fsck-small.img");
	assert_tools("n2", "full", "xfs-small.img raid-small.img lvm-small.img luks-small.img");
	assert_tools("n3", "full", "e2fsck-small.img");
}

static void test_dnsmasq(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(dnsmasq_write(&out, cluster, "/state"), 0);
	assert_non_null(strstr(out.buf, "\nport=0\n"));
	assert_non_null(strstr(out.buf, "\ndhcp-ignore=tag:!known\n"));
	assert_non_null(strstr(out.buf, "\ninterface=eth1\n"));
	assert_non_null(strstr(out.buf, "\ndhcp-range=10.0.0.0,static,255.255.255.0\n"));
	assert_non_null(strstr(out.buf, "\ndhcp-option=tag:g,option:router\n"));
	assert_non_null(strstr(out.buf, "\ndhcp-boot=tag:g,tag:efi64,shimx64.efi,,10.0.0.250\n"));
	assert_non_null(strstr(out.buf, "\ndhcp-boot=tag:g,tag:!efi64,lpxelinux.0,,10.0.0.250\n"));
	assert_non_null(strstr(
		out.buf, "\ndhcp-host=52:54:00:00:00:01,52:54:00:00:00:0f,set:g,10.0.0.1,n1\n"));
	assert_null(strstr(out.buf, "enable-ra"));
	strbuf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flip),	     cmocka_unit_test(test_nfsroot),
		cmocka_unit_test(test_grub),	     cmocka_unit_test(test_grub_escapes),
		cmocka_unit_test(test_cannot_write), cmocka_unit_test(test_generation),
		cmocka_unit_test(test_addons),	     cmocka_unit_test(test_tools),
		cmocka_unit_test(test_dnsmasq),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
