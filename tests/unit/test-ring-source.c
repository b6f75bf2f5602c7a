/* modules/lib/ring-source.c: blobs that come over a ring on the loopback. The master is a process,
 * so that it can be killed; a relay before it decides how far it gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "modules/lib/ring-source.h"
#include "tests/unit/as-root.h"
#include "tests/unit/http-stub.h"
#include "tests/unit/ring-relay.h"

#define LENGTH (6 * BLOB_CHUNK + 4321)
#define SLACK  ((size_t)9 << 20)

static char dir[] = "/tmp/lucie-test-XXXXXX", file[64], other[64];
static uint8_t *data;
static struct blob_manifest manifest;

/* --- the master --- */

struct master {
	pid_t pid;
	unsigned int port;
	int pipe[2];
};

static void on_event(const struct ring_event *e, void *arg)
{
	struct master *m = arg;
	unsigned int port = e->port;

	if (e->kind == RING_EVENT_LISTENING && write(m->pipe[1], &port, sizeof(port)) < 0)
		_exit(1);
}

static void master_main(struct master *m, char *path, size_t nodes, const struct ring_key *key)
{
	struct ring_send s;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* when a test fails */
	ring_send_defaults(&s);
	s.common.port = (uint16_t)m->port;
	s.common.key = *key;
	s.paths = &path;
	s.path_count = 1;
	s.nodes = nodes;
	s.wait_ms = 10000;
	s.event = on_event;
	s.arg = m;
	_exit(ring_send(&s) ? 1 : 0);
}

/* On the next port that nobody else has. */
static void master_start(struct master *m, char *path, size_t nodes, const struct ring_key *key)
{
	static unsigned int count;
	bool listens = false;

	for (int tries = 0; !listens && tries < 20; tries++) {
		assert_int_equal(pipe2(m->pipe, O_CLOEXEC), 0);
		m->port = 20000 + ((unsigned int)getpid() * 20 + count++) % 12000;
		m->pid = fork();
		if (m->pid == 0)
			master_main(m, path, nodes, key);
		assert_true(m->pid > 0);
		close(m->pipe[1]);
		listens = read(m->pipe[0], &m->port, sizeof(m->port)) == sizeof(m->port);
		close(m->pipe[0]);
		if (!listens)
			waitpid(m->pid, NULL, 0);
	}
	assert_true(listens);
}

/* Its exit code, or minus the signal that ended it. */
static int master_end(struct master *m)
{
	int status;

	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- a node --- */

struct node {
	char target[128], master[32], name[16], url[160];
	struct ring_source source;
	struct blob_stream stream;
	atomic_bool began; /* has its first block */
	bool stops;	   /* closes then */
	pthread_t thread;
	int ret;
};

static bool spool_is_gone(const struct node *n)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/" RING_SOURCE_FOLDER, n->target);
	return access(path, F_OK) && errno == ENOENT;
}

static void node_init(struct node *n, unsigned int i, unsigned int port, const struct ring_key *key,
		      const char *url)
{
	*n = (struct node){0};
	snprintf(n->target, sizeof(n->target), "%s/target%u", dir, i);
	snprintf(n->name, sizeof(n->name), "n%u", i);
	snprintf(n->master, sizeof(n->master), "127.0.0.1:%u", port);
	snprintf(n->url, sizeof(n->url), "%s", url);
	mkdir(n->target, 0755);
	n->source = (struct ring_source){
		.master = n->master, .target = n->target, .node = n->name, .key = *key};
	assert_int_equal(str_from_hex(manifest.root, n->source.root, sizeof(n->source.root)), 0);
	n->stream =
		(struct blob_stream){.name = n->master, .run = ring_source_run, .arg = &n->source};
}

/* Compares every byte. */
static int node_read(struct node *n)
{
	const char *urls[] = {n->url};
	struct blob_request q = {.root = manifest.root,
				 .urls = urls,
				 .url_count = 1,
				 .tries = 1,
				 .stream = &n->stream};
	struct blob_reader *r;
	const void *block;
	size_t done = 0;
	ssize_t got;

	assert_int_equal(blob_open(&r, &q), 0);
	while ((got = blob_next(r, &block)) > 0) {
		assert_memory_equal(block, data + done, (size_t)got);
		done += (size_t)got;
		n->began = true;
		if (n->stops)
			break;
	}
	blob_close(r);
	assert_true(spool_is_gone(n));
	assert_true(got || done == LENGTH);
	return got < 0 ? (int)got : 0;
}

static void *node_main(void *arg)
{
	struct node *n = arg;

	n->ret = node_read(n);
	return NULL;
}

/* --- tests --- */

static const struct ring_key no_key, key = {.set = true, .key = "0123456789"};
static const char nowhere[] = "file:/nonexistent";
static char file_url[80];

/* A manifest, and no data: everything has to come over the ring. */
static const char *manifest_only(void)
{
	static char url[80];
	_cleanup_free_ char *text = NULL;
	char path[80];
	size_t len;

	snprintf(path, sizeof(path), "%s.blob", file);
	assert_int_equal(file_read(path, BLOB_MANIFEST_MAX, &text, &len), 0);
	snprintf(path, sizeof(path), "%s/only.blob", dir);
	assert_int_equal(file_write(path, text, len, 0600), 0);
	snprintf(url, sizeof(url), "file:%s/only", dir);
	return url;
}

static void distribute(const struct ring_key *k)
{
	const char *url = manifest_only();
	struct node nodes[2];
	struct master m;

	master_start(&m, file, 2, k);
	for (unsigned int i = 0; i < 2; i++) {
		node_init(&nodes[i], i, m.port, k, url);
		assert_int_equal(pthread_create(&nodes[i].thread, NULL, node_main, &nodes[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		pthread_join(nodes[i].thread, NULL);
		assert_int_equal(nodes[i].ret, 0);
	}
	assert_int_equal(master_end(&m), 0);
}

static void two_nodes(void **state)
{
	(void)state;
	distribute(&no_key);
	distribute(&key);
}

/* What an earlier try left is in nobody's way. */
static void leftovers(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/target0/" RING_SOURCE_FOLDER "/deep/er", dir);
	assert_int_equal(mkdir_path(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/target0/" RING_SOURCE_FOLDER "/.blob.dolly-part", dir);
	assert_int_equal(file_write(path, "old", 3, 0600), 0);
	distribute(&no_key);
}

static struct http_stub stub;
static long first_byte;

static void handle(int client, const char *path, long from, void *arg)
{
	_cleanup_free_ char *text = NULL;
	char name[80];
	size_t len;

	(void)arg;
	if (!strcmp(path, "data")) {
		first_byte = from;
		stub_answer(client, 206, data + from, LENGTH - (size_t)from);
		return;
	}
	snprintf(name, sizeof(name), "%s.blob", file);
	assert_int_equal(file_read(name, BLOB_MANIFEST_MAX, &text, &len), 0);
	stub_answer(client, 200, text, len);
}

static void master_killed(void **state)
{
	struct relay relay = {.limit = SLACK};
	struct master m;
	struct node n;
	char url[80];

	(void)state;
	master_start(&m, file, 1, &key);
	relay.to = m.port;
	relay.kill = m.pid;
	relay.go = &n.began;
	stub.handle = handle;
	assert_int_equal(stub_start(&stub), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/data", stub.port);
	node_init(&n, 0, relay_start(&relay), &key, url);
	first_byte = -1;
	assert_int_equal(node_read(&n), 0);
	assert_true(first_byte >= (long)BLOB_CHUNK && first_byte < (long)SLACK);
	relay_end(&relay);
	stub_stop(&stub);
	assert_int_equal(master_end(&m), -SIGKILL);
}

static void closed_early(void **state)
{
	struct relay relay = {.limit = SLACK};
	struct master m;
	struct node n;

	(void)state;
	master_start(&m, file, 1, &no_key);
	relay.to = m.port;
	node_init(&n, 0, relay_start(&relay), &no_key, manifest_only());
	n.stops = true;
	assert_int_equal(node_read(&n), 0);
	relay_end(&relay);
	kill(m.pid, SIGKILL);
	master_end(&m);
}

static void another_content(void **state)
{
	struct master m;
	struct node n;

	(void)state;
	master_start(&m, other, 1, &no_key);
	node_init(&n, 0, m.port, &no_key, file_url);
	assert_int_equal(node_read(&n), 0);
	assert_int_equal(master_end(&m), 1);

	master_start(&m, other, 1, &no_key); /* and nobody else has it */
	node_init(&n, 0, m.port, &no_key, manifest_only());
	assert_int_equal(node_read(&n), -EIO);
	assert_int_equal(master_end(&m), 1);
}

static void nobody_there(void **state)
{
	struct node n;

	(void)state;
	node_init(&n, 0, 1, &no_key, file_url);
	assert_int_equal(node_read(&n), 0);
	node_init(&n, 0, 1, &no_key, file_url);
	n.source.target = nowhere;
	assert_int_equal(node_read(&n), 0);
}

static void no_room(void **state)
{
	struct node n;

	(void)state;
	node_init(&n, 9, 1, &no_key, file_url);
	assert_int_equal(mount("small", n.target, "tmpfs", 0, "size=64M"), 0);
	assert_int_equal(node_read(&n), 0);
	assert_int_equal(umount(n.target), 0);
}

static void lines_of_the_plan(void **state)
{
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"", NULL},
		{"ring 10.0.0.1:9998\n", NULL},
		{"ring [fd00::1]:9998\nring_key " HEX "\n", NULL},
		{"ring_key " HEX "\n", "there is a ring_key, but no ring"},
		{"ring a b\n", "ring is not MASTER:PORT"},
		{"ring a:1\nring_key 00\n", "ring_key is not 64 hex digits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
		const char *problem;
		char why[160] = "";
		struct plan plan;

		strbuf_addf(&b, "lucie-plan 1\n\n[extrbase]\n%s", cases[i].text);
		assert_int_equal(plan_parse(&plan, b.buf, b.len, why, sizeof(why)), 0);
		problem = ring_source_problem(plan_section(&plan, "extrbase"));
		assert_true(!problem == !cases[i].problem);
		if (problem)
			assert_string_equal(problem, cases[i].problem);
		plan_free(&plan);
	}
}

static int setup(void **state)
{
	char path[80];
	struct strbuf text = STRBUF_INIT;
	int fd;

	(void)state;
	if (become_root() || !mkdtemp(dir))
		return -1;
	data = malloc(LENGTH);
	for (size_t i = 0; i < LENGTH; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	memset(data + BLOB_CHUNK + 5000, 0, 100000);
	memset(data + LENGTH - 10000, 0, 10000); /* the copy is shorter until it is whole */
	snprintf(file, sizeof(file), "%s/data", dir);
	snprintf(file_url, sizeof(file_url), "file:%s", file);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(file_write(file, data, LENGTH, 0600), 0);
	assert_int_equal(file_write(other, data, LENGTH - 1, 0600), 0);
	fd = open(file, O_RDONLY);
	assert_int_equal(blob_manifest_make(&manifest, fd), 0);
	close(fd);
	assert_int_equal(blob_manifest_write(&manifest, &text), 0);
	snprintf(path, sizeof(path), "%s.blob", file);
	assert_int_equal(file_write(path, text.buf, text.len, 0600), 0);
	strbuf_free(&text);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data",    "data.blob", "other",  "only.blob",
					    "target0", "target1",   "target9"};
	char path[80];
	int ret = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ret |= remove(path);
	}
	blob_manifest_free(&manifest);
	free(data);
	return ret | rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_plan), cmocka_unit_test(two_nodes),
		cmocka_unit_test(leftovers),	     cmocka_unit_test(master_killed),
		cmocka_unit_test(closed_early),	     cmocka_unit_test(another_content),
		cmocka_unit_test(nobody_there),	     cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
