/* Bonds, VLANs and further cards, as they are written for ifupdown and systemd-networkd. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "modules/lib/link.h"
#include "modules/lib/target-network.h"
#include "modules/lib/target.h"
#include "tests/unit/temp-folder.h"

#define HEAD                                                                                       \
	PLAN_VERSION_LINE "\n[configure]\naddress 10.0.0.1\nnetmask 255.255.255.0\ngateway "       \
			  "10.0.0.254\nmac 52:54:00:00:00:01\ninterface auto\n"
#define NAMED "[Match]\nType=ether\nPermanentMACAddress="

static void write_network(const char *program, const char *links)
{
	char text[2048], why[160];
	struct plan plan;

	assert_int_equal(target_write_text(temp_folder, program, "", 0755), 0);
	snprintf(text, sizeof(text), HEAD "%s", links);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(target_network(temp_folder, plan_section(&plan, "configure")), 0);
	plan_free(&plan);
}

static void holds(const char *path, const char *text)
{
	_cleanup_free_ char *got = NULL;

	assert_int_equal(target_read(temp_folder, path, 4096, &got), 0);
	assert_string_equal(got, text);
}

static const char cluster[] =
	"link eth1 mac=52:54:00:00:01:01\n"
	"link bond0 mtu=9000 bond=boot,eth1 mode=802.3ad\n"
	"link bond0.5 address=10.5.0.1/16 gateway=10.5.0.9 vlan=5 parent=bond0\n"
	"link ib0 address=10.1.0.1/24\n";

static void ifupdown(void **state)
{
	(void)state;
	write_network("/sbin/ifup", cluster);
	holds("/etc/network/interfaces.d/lucie",
	      "auto lan0\niface lan0 inet manual\n"
	      "\nauto eth1\niface eth1 inet manual\n"
	      "\nauto bond0\niface bond0 inet static\n\taddress 10.0.0.1/24\n\tgateway 10.0.0.254\n"
	      "\tmtu 9000\n\tbond-slaves lan0 eth1\n\tbond-mode 802.3ad\n\tbond-miimon 100\n"
	      "\nauto bond0.5\niface bond0.5 inet static\n\taddress 10.5.0.1/16\n\tgateway "
	      "10.5.0.9\n"
	      "\tvlan-raw-device bond0\n\tvlan-id 5\n"
	      "\nauto ib0\niface ib0 inet static\n\taddress 10.1.0.1/24\n");
	holds("/etc/systemd/network/10-lucie-lan0.link",
	      NAMED "52:54:00:00:00:01\n\n[Link]\nName=lan0\n");
	holds("/etc/systemd/network/10-lucie-eth1.link",
	      NAMED "52:54:00:00:01:01\n\n[Link]\nName=eth1\n");
}

static void networkd(void **state)
{
	(void)state;
	write_network("/lib/systemd/system/systemd-networkd.service", cluster);
	holds("/etc/systemd/network/10-lucie.network",
	      "[Match]\nName=lan0\n\n[Network]\nBond=bond0\n");
	holds("/etc/systemd/network/20-lucie-eth1.network",
	      "[Match]\nName=eth1\n\n[Network]\nBond=bond0\n");
	holds("/etc/systemd/network/20-lucie-bond0.netdev",
	      "[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=802.3ad\nMIIMonitorSec=100ms\n");
	holds("/etc/systemd/network/20-lucie-bond0.network",
	      "[Match]\nName=bond0\n\n[Link]\nMTUBytes=9000\n\n[Network]\nVLAN=bond0.5\n"
	      "Address=10.0.0.1/24\nGateway=10.0.0.254\n");
	holds("/etc/systemd/network/20-lucie-bond0.5.netdev",
	      "[NetDev]\nName=bond0.5\nKind=vlan\n\n[VLAN]\nId=5\n");
	holds("/etc/systemd/network/20-lucie-bond0.5.network",
	      "[Match]\nName=bond0.5\n\n[Network]\nAddress=10.5.0.1/16\nGateway=10.5.0.9\n");
}

/* A card that nothing is made of keeps its way: found by its address, whatever its name. */
static void a_vlan_on_the_boot_card(void **state)
{
	(void)state;
	write_network("/lib/systemd/system/systemd-networkd.service",
		      "link v7 address=10.7.0.1/24 vlan=7 parent=boot\n");
	holds("/etc/systemd/network/10-lucie.network",
	      "[Match]\nName=lan0\n\n[Network]\nVLAN=v7\nAddress=10.0.0.1/"
	      "24\nGateway=10.0.0.254\n");
}

static void others_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"a/b",
		"name-that-is-long",
		"eth1 mtu",
		"eth1 mtu=0",
		"eth1 mtu=70000",
		"eth1 mac=xx",
		"eth1 address=10.0.0.1",
		"eth1 address=10.0.0.1/33",
		"eth1 address=10.0.0/8",
		"eth1 gateway=10.0.0.1/8",
		"eth1 vlan=5",
		"eth1 parent=eth0",
		"eth1 vlan=5 parent=a/b",
		"eth1 bond=eth0",
		"eth1 mode=802.3ad",
		"eth1 bond=eth0, mode=802.3ad",
		"eth1 bond=a,b,c,d,e,f,g,h,i mode=802.3ad",
		"eth1 colour=red",
	};
	struct link l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(link_parse(&l, lines[i]), -EINVAL);
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, temp_folder_make, temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(ifupdown),
		folder_test(networkd),
		folder_test(a_vlan_on_the_boot_card),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
