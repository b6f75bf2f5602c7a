/* The card for the data: its line, and bringing it up, in a network namespace of its own. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/proc.h"
#include "modules/lib/card.h"
#include "tests/unit/as-root.h"

#define MAC "52:54:00:00:09:01"

static void lines(void **arg)
{
	static const char *const wrong[] = {"",
					    "eth1",
					    "eth1 10.1.0.1",
					    "eth1 10.1.0.1/0",
					    "eth1 10.1.0.1/33",
					    "eth1 10.1.0/24",
					    "eth1 10.1.0.1/24 x",
					    "a-name-that-is-long 10.1.0.1/24"};
	struct card c;

	(void)arg;
	assert_int_equal(card_parse(&c, MAC " 10.1.0.1/20 9000"), 0);
	assert_string_equal(c.mac, MAC);
	assert_string_equal(c.name, "");
	assert_int_equal(ntohl(c.netmask.s_addr), 0xfffff000);
	assert_int_equal(c.mtu, 9000);
	assert_int_equal(card_parse(&c, "ib0 10.1.0.1/32"), 0);
	assert_string_equal(c.name, "ib0");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(card_parse(&c, wrong[i]), -EINVAL);
}

static void it_is_up(void **arg)
{
	_cleanup_close_ int fd = -1;
	struct ifreq q = {.ifr_name = "data7"};
	char *const argv[] = {"ip",   "link", "add",  "data7", "address", MAC,
			      "type", "veth", "peer", "name",  "data6",	  NULL};
	struct card c;

	(void)arg;
	assert_int_equal(proc_run(argv, &(struct proc_options){.total_seconds = 20}), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(card_parse(&c, MAC " 10.1.0.1/20 1400"), 0);
	for (int again = 0; again < 2; again++)
		assert_int_equal(card_up(&c), 0);
	assert_int_equal(ioctl(fd, SIOCGIFNETMASK, &q), 0);
	assert_int_equal(((struct sockaddr_in *)&q.ifr_netmask)->sin_addr.s_addr,
			 htonl(0xfffff000));
	assert_int_equal(ioctl(fd, SIOCGIFMTU, &q), 0);
	assert_int_equal(q.ifr_mtu, 1400);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &q), 0);
	assert_true(q.ifr_flags & IFF_UP);
	assert_int_equal(card_parse(&c, "52:54:00:00:09:99 10.1.0.1/20"), 0);
	assert_int_equal(card_up(&c), -ENODEV);
	assert_int_equal(card_parse(&c, "data8 10.1.0.1/20"), 0);
	assert_int_equal(card_up(&c), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(it_is_up)};

	if (become_root() || unshare(CLONE_NEWNET))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
