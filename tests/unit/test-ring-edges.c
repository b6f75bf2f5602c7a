/* What comes to a ring from its edges: members that ask for what cannot be, sources that are not
 * what they were, keys that differ. Masters and nodes as threads, over the loopback. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring/pump.h"
#include "ring/ring.h"

/* An offset past the end, which a member may ask for, neither stops the reader nor is served. */
static void test_offset_past_the_end(void **state)
{
	const struct ring_key none = {0};
	struct senders senders;
	struct flow flow;
	struct conn conn;
	int fds[2];

	(void)state;
	assert_int_equal(flow_init(&flow, 3 * BLOB_CHUNK, 0), 0);
	flow_want(&flow, UINT64_MAX - 15);
	assert_int_equal(flow.wanted, flow.length);
	senders = (struct senders){.flow = &flow, .detect_ms = 2000};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	conn_init(&conn, fds[0], &none);
	assert_int_equal(senders_add(&senders, &conn, 1, flow.length + 1), -ERANGE);
	assert_int_equal(senders_add(&senders, &conn, 1, UINT64_MAX - 15), -ERANGE);
	assert_int_equal(senders.count, 0);
	conn_close(&conn);
	close(fds[1]);
	flow_free(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset_past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
