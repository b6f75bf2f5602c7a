/* configure's files, written into a folder that stands for the target. */
#include "modules/configure.c"

#include "init/lib/io.h"
#include "tests/unit/module-notes.h"
#include "tests/unit/temp-folder.h"
#include "tests/unit/as-root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct plan plan;
static struct module_context ctx;
static struct configure c;

static int teardown(void **state)
{
	(void)state;
	plan_free(&plan);
	plan = (struct plan){0};
	return temp_folder_remove(state);
}

static void with_plan(const char *head, const char *section)
{
	char text[4096], why[160];

	snprintf(text, sizeof(text), PLAN_VERSION_LINE "\n%s[configure]\n%s", head, section);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	ctx = (struct module_context){
		.plan = &plan, .section = plan_section(&plan, "configure"), .target = temp_folder};
	c = (struct configure){.ctx = &ctx, .section = ctx.section, .target = temp_folder};
}

static void put(const char *path, const char *text)
{
	assert_int_equal(target_write_text(temp_folder, path, text, 0640), 0);
}

static void holds(const char *path, const char *text)
{
	_cleanup_free_ char *got = NULL;

	assert_int_equal(target_read(temp_folder, path, 4096, &got), 0);
	assert_string_equal(got, text);
}

static void netmasks(void **state)
{
	(void)state;
	assert_int_equal(target_prefix_length("255.255.255.0"), 24);
	assert_int_equal(target_prefix_length("255.255.255.255"), 32);
	assert_int_equal(target_prefix_length("255.240.0.0"), 12);
	assert_int_equal(target_prefix_length("128.0.0.0"), 1);
	assert_int_equal(target_prefix_length("0.0.0.0"), 0);
	assert_int_equal(target_prefix_length("255.0.255.0"), -EINVAL);
	assert_int_equal(target_prefix_length("24"), -EINVAL);
	assert_int_equal(target_prefix_length(NULL), -EINVAL);
}

static void hosts_and_name(void **state)
{
	(void)state;
	with_plan("",
		  "hostname cnode00\ndomain example\naddress 10.0.0.1\nhost 10.0.0.10 cnode10\n");
	assert_int_equal(write_hostname(&c), 0);
	holds("/etc/hostname", "cnode00\n");
	assert_int_equal(write_hosts(&c), 0);
	holds("/etc/hosts",
	      "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\nff02::1 "
	      "ip6-allnodes\n"
	      "ff02::2 ip6-allrouters\n\n10.0.0.1 cnode00.example cnode00\n10.0.0.10 cnode10\n");
}

static void own_line_is_not_doubled(void **state)
{
	(void)state;
	with_plan("", "hostname cnode00\naddress 10.0.0.1\nhost 10.0.0.1 cnode00\n");
	assert_int_equal(write_hosts(&c), 0);
	holds("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost "
			    "ip6-loopback\nff02::1 ip6-allnodes\n"
			    "ff02::2 ip6-allrouters\n\n10.0.0.1 cnode00\n");
}

static void network_by_ifupdown(void **state)
{
	(void)state;
	with_plan("", "address 10.0.0.1\nnetmask 255.255.0.0\ngateway 10.0.0.254\nmac "
		      "52:54:00:00:00:01\ninterface auto\n");
	put("/sbin/ifup", "");
	assert_int_equal(write_network(&c), 0);
	holds("/etc/network/interfaces",
	      "auto lo\niface lo inet loopback\n\nsource /etc/network/interfaces.d/*\n");
	holds("/etc/network/interfaces.d/lucie",
	      "auto mac/52:54:00:00:00:01=lan\niface lan inet static\n"
	      "\taddress 10.0.0.1/16\n\tgateway 10.0.0.254\n");
	plan_free(&plan);
	with_plan("", "interface eth0\nmac 52:54:00:00:00:01\n");
	assert_int_equal(write_network(&c), 0);
	holds("/etc/network/interfaces.d/lucie", "auto eth0\niface eth0 inet dhcp\n");
}

static void network_by_networkd(void **state)
{
	char to[128];

	(void)state;
	with_plan("", "address 10.0.0.1\nnetmask 255.255.0.0\ndns 10.0.0.2\ndomain example\nmac "
		      "52:54:00:00:00:01\n");
	put("/lib/systemd/system/systemd-networkd.service", "");
	assert_int_equal(write_network(&c), 0);
	holds("/etc/systemd/network/10-lucie.network",
	      "[Match]\nType=ether\nMACAddress=52:54:00:00:00:01\n\n[Network]\n"
	      "Address=10.0.0.1/16\nDNS=10.0.0.2\nDomains=example\n");
	assert_true(target_readlink(
			    temp_folder,
			    "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
			    to, sizeof(to)) > 0);
}

static void network_that_cannot_be(void **state)
{
	(void)state;
	with_plan("", "address 10.0.0.1\nmac 52:54:00:00:00:01\n");
	assert_int_equal(write_network(&c), -EINVAL);
	plan_free(&plan);
	with_plan("", "hostname x\n");
	assert_int_equal(write_network(&c), -EINVAL);
}

static void resolver(void **state)
{
	(void)state;
	with_plan("", "dns 10.0.0.2\ndns 10.0.0.3\ndomain example\n");
	assert_int_equal(write_resolver(&c), 0);
	holds("/etc/resolv.conf", "search example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n");
	assert_int_equal(target_symlink(temp_folder, "../run/systemd/resolve/stub-resolv.conf",
					"/etc/resolv.conf"),
			 0);
	assert_int_equal(write_resolver(&c), 0);
	assert_false(target_exists(temp_folder, "/etc/resolv.conf"));
}

static void password(void **state)
{
	struct stat st;
	char path[64];

	(void)state;
	with_plan("time 1700000000\n", "root_password $6$salt$hash\n");
	put("/etc/shadow", "daemon:*:1:0:99999:7:::\nroot:*:1:0:99999:7:::\nrooter:x:1::::::\n");
	assert_int_equal(write_password(&c), 0);
	holds("/etc/shadow",
	      "daemon:*:1:0:99999:7:::\nroot:$6$salt$hash:19675:0:99999:7:::\nrooter:x:1::::::\n");
	snprintf(path, sizeof(path), "%s/etc/shadow", temp_folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	put("/etc/shadow", "daemon:*:1:0:99999:7:::\n");
	assert_int_equal(write_password(&c), -EINVAL);
}

static void machine_id_of_a_base_goes(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	with_plan("modules init extrbase configure\n", "hostname x\n");
	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	c.fresh = true;
	assert_int_equal(write_machine_id(&c), 0);
	assert_int_equal(target_read(temp_folder, "/etc/machine-id", 64, &first), 0);
	assert_int_equal(strlen(first), 33);
	assert_string_not_equal(first, "0123456789abcdef0123456789abcdef\n");
	/* a repair keeps it */
	c.fresh = false;
	assert_int_equal(write_machine_id(&c), 0);
	assert_int_equal(target_read(temp_folder, "/etc/machine-id", 64, &second), 0);
	assert_string_equal(first, second);
	assert_true(volume_plan_runs(&plan, "extrbase"));
	assert_false(volume_plan_runs(&plan, "extr"));
}

static void ssh_keys(void **state)
{
	struct stat st;
	char path[64];

	(void)state;
	with_plan("", "ssh_key ssh-ed25519 AAAA one\nssh_key ssh-ed25519 BBBB two\n");
	assert_int_equal(write_ssh_keys(&c), 0);
	holds("/root/.ssh/authorized_keys", "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n");
	snprintf(path, sizeof(path), "%s/root/.ssh", temp_folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void check_finds_everything(void **state)
{
	struct module_check check = {.error = note};

	(void)state;
	with_plan("", "hostname bad/name\naddress 10.0.0.300\ngateway x\ndns y\nmac "
		      "1:2\nroot_password a:b\n");
	check.plan = &plan;
	check.section = c.section;
	notes[0] = '\0';
	configure_check(&check);
	assert_string_equal(
		notes,
		"'bad/name' is not a host name\naddress '10.0.0.300' is not an IPv4 address\n"
		"gateway 'x' is not an IPv4 address\ndns 'y' is not an IPv4 address\n"
		"an address needs a netmask\n'1:2' is not a hardware address\n"
		"root_password is not the hash of a password\n");
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, temp_folder_make, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netmasks),
		folder_test(hosts_and_name),
		folder_test(own_line_is_not_doubled),
		folder_test(network_by_ifupdown),
		folder_test(network_by_networkd),
		folder_test(network_that_cannot_be),
		folder_test(resolver),
		folder_test(password),
		folder_test(machine_id_of_a_base_goes),
		folder_test(ssh_keys),
		folder_test(check_finds_everything),
	};

	if (become_root())
		return 1;
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
