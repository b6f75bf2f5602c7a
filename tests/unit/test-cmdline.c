/* init/lib/cmdline.c: what pxelinux and an administrator write, and what somebody else might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "init/lib/cmdline.h"

static struct cmdline parse(const char *text)
{
	struct cmdline c;

	cmdline_parse(&c, text, strlen(text));
	return c;
}

static void as_pxelinux_writes_it(void **state)
{
	struct cmdline c = parse(
		"BOOT_IMAGE=vmlinuz rootfstype=ramfs panic=30 console=tty0 console=ttyS0,115200 "
		"lucie.server=http://10.0.0.1:8077/ lucie.server=http://mirror.example:80 "
		"ip=10.0.0.20:10.0.0.1:10.0.0.254:255.255.0.0 BOOTIF=01-52-54-00-AB-cd-ef\n");

	(void)state;
	assert_string_equal(c.wrong, "");
	assert_int_equal(c.server_count, 2);
	assert_string_equal(c.servers[0], "http://10.0.0.1:8077");
	assert_string_equal(c.servers[1], "http://mirror.example:80");
	assert_true(c.has_address);
	assert_int_equal(c.address.s_addr, inet_addr("10.0.0.20"));
	assert_int_equal(c.next_server.s_addr, inet_addr("10.0.0.1"));
	assert_int_equal(c.gateway.s_addr, inet_addr("10.0.0.254"));
	assert_int_equal(c.netmask.s_addr, inet_addr("255.255.0.0"));
	assert_string_equal(c.bootif, "52:54:00:ab:cd:ef");
	assert_false(c.shell);
}

static void addresses_that_may_be_missing(void **state)
{
	struct cmdline c = parse("ip=10.0.0.20:::255.0.0.0:host:eth0:off");

	(void)state;
	assert_true(c.has_address);
	assert_int_equal(c.next_server.s_addr, 0);
	assert_int_equal(c.gateway.s_addr, 0);
	c = parse("ip=dhcp");
	assert_false(c.has_address);
	assert_string_equal(c.wrong, "");
	c = parse("");
	assert_false(c.has_address);
	assert_string_equal(c.bootif, "");
}

static void breaks_and_shell(void **state)
{
	struct cmdline c =
		parse("lucie.shell lucie.break=mount lucie.break=finalize lucie.plan=/plan");

	(void)state;
	assert_true(c.shell);
	assert_true(cmdline_breaks_at(&c, "mount"));
	assert_true(cmdline_breaks_at(&c, "finalize"));
	assert_false(cmdline_breaks_at(&c, "moun"));
	assert_string_equal(c.plan_file, "/plan");
}

static void nfs_is(const char *text, const char *name, const char *options)
{
	char got_name[NFS_SOURCE_MAX], got_options[NFS_OPTIONS_MAX];
	struct cmdline c = parse(text);

	assert_string_equal(c.wrong, "");
	nfs_source_name(&c.nfsroot, got_name);
	nfs_source_options(&c.nfsroot, got_options);
	assert_string_equal(got_name, name);
	assert_string_equal(got_options, options);
}

static void nfs_roots(void **state)
{
	(void)state;
	assert_string_equal(parse("").nfsroot.server, "");
	nfs_is("lucie.nfsroot=10.0.0.1:/srv/root", "10.0.0.1:/srv/root",
	       "vers=4.1,addr=10.0.0.1,proto=tcp,port=2049,hard,nolock");
	nfs_is("lucie.nfsroot=10.0.0.1:/a:b,vers=3", "10.0.0.1:/a:b",
	       "vers=3,addr=10.0.0.1,proto=tcp,port=2049,hard,nolock,mountproto=tcp,"
	       "mountaddr=10.0.0.1");
	nfs_is("lucie.nfsroot=10.0.0.1:/a,port=20049,vers=3,mountport=20048", "10.0.0.1:/a",
	       "vers=3,addr=10.0.0.1,proto=tcp,port=20049,hard,nolock,mountproto=tcp,"
	       "mountaddr=10.0.0.1,mountport=20048");
}

static void wrong(const char *text, const char *what)
{
	struct cmdline c = parse(text);

	assert_string_equal(c.wrong, what);
}

static void what_cannot_be_used(void **state)
{
	static char long_text[2 * CMDLINE_MAX];
	struct cmdline c;

	(void)state;
	wrong("lucie.nfsroot=server:/a", "'lucie.nfsroot=server:/a' cannot be used");
	wrong("lucie.nfsroot=10.0.0.1:a", "'lucie.nfsroot=10.0.0.1:a' cannot be used");
	wrong("lucie.nfsroot=10.0.0.1:/a,vers=2",
	      "'lucie.nfsroot=10.0.0.1:/a,vers=2' cannot be used");
	wrong("lucie.nfsroot=10.0.0.1:/a,rw", "'lucie.nfsroot=10.0.0.1:/a,rw' cannot be used");
	wrong("lucie.nfsroot=10.0.0.1:/a,port=0",
	      "'lucie.nfsroot=10.0.0.1:/a,port=0' cannot be used");
	wrong("lucie.nfsroot=10.0.0.1,vers=3:/a",
	      "'lucie.nfsroot=10.0.0.1,vers=3:/a' cannot be used");
	wrong("lucie.server=ftp://x", "'lucie.server=ftp://x' cannot be used");
	wrong("lucie.server=", "'lucie.server=' cannot be used");
	wrong("lucie.server=http://", "'lucie.server=http://' cannot be used");
	wrong("lucie.plan=plan", "'lucie.plan=plan' cannot be used");
	wrong("lucie.break=../x", "'lucie.break=../x' cannot be used");
	wrong("lucie.brake=x lucie.shel", "'lucie.brake=x' is not known");
	wrong("ip=10.0.0.1:::", "'ip=10.0.0.1:::' cannot be used");
	wrong("ip=10.0.0.1:x::255.0.0.0", "'ip=10.0.0.1:x::255.0.0.0' cannot be used");
	wrong("ip=10.0.0.300:::255.0.0.0", "'ip=10.0.0.300:::255.0.0.0' cannot be used");
	wrong("BOOTIF=52:54:00:12:34:56", "'BOOTIF=52:54:00:12:34:56' cannot be used");
	wrong("BOOTIF=20-52-54-00-12-34-56", "'BOOTIF=20-52-54-00-12-34-56' cannot be used");
	wrong("lucie.\x1b[2J", "'lucie.?[2J' is not known");
	memset(long_text, 'a', sizeof(long_text) - 1);
	memcpy(long_text, "lucie.shell ", 12);
	c = parse(long_text);
	assert_true(c.shell);
	assert_string_equal(c.wrong, "what comes after byte 4095 is not read");
}

static void more_than_there_is_room_for(void **state)
{
	char text[2048] = "";
	struct cmdline c;

	(void)state;
	for (int i = 0; i < 12; i++)
		strcat(text, "lucie.server=http://10.0.0.1 lucie.break=x ");
	c = parse(text);
	assert_int_equal(c.server_count, CMDLINE_SERVERS_MAX);
	assert_int_equal(c.break_count, CMDLINE_BREAKS_MAX);
	assert_string_equal(c.wrong, "'lucie.server=http://10.0.0.1' cannot be used");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_pxelinux_writes_it),
		cmocka_unit_test(addresses_that_may_be_missing),
		cmocka_unit_test(breaks_and_shell),
		cmocka_unit_test(nfs_roots),
		cmocka_unit_test(what_cannot_be_used),
		cmocka_unit_test(more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
