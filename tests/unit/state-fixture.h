/* The state that a test works on: a database of its own, in memory where there is a file system in
 * memory, as each change is synced; and words for what nodes say. One state at a time. */
#ifndef LUCIE_TEST_STATE_FIXTURE_H
#define LUCIE_TEST_STATE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "host-tools/lib/state-internal.h"

#define MAC "52:54:00:00:00:01"

static char dir[64];
static struct state *state;

static inline int set_up(void **arg)
{
	(void)arg;
	snprintf(dir, sizeof(dir), "%s/test-state.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(dir) ? state_open(&state, dir) : -1;
}

static inline int tear_down(void **arg)
{
	static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
	char path[128];

	(void)arg;
	state_close(state);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static inline struct event event(const char *install, uint64_t seq, enum event_kind kind,
				 const char *module)
{
	struct event e = {.seq = seq, .kind = kind, .mac = MAC, .ok = 1, .millis = 1500};

	snprintf(e.install, sizeof(e.install), "%s", install);
	snprintf(e.module, sizeof(e.module), "%s", module);
	return e;
}

/* As a node that nobody armed gets no plan, it is armed first. */
static inline void begin(const char *node, const char *install)
{
	uint8_t hash[32] = {1, 2, 3};
	struct state_node seen;

	state_node(state, node, &seen);
	if (!seen.armed[0]) {
		assert_int_equal(state_arm(state, node, "full", false), 0);
		assert_int_equal(state_node(state, node, &seen), 0);
	}
	assert_int_equal(state_install_begin(state, &seen, install, MAC, hash), 0);
}

static inline int apply(struct event e)
{
	return state_event(state, &e);
}

static inline struct state_node node(const char *name)
{
	struct state_node n;

	assert_int_equal(state_node(state, name, &n), 0);
	return n;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
