/* The whole ring in one process, over the loopback: a master and nodes as threads; files, holes,
 * trees, keys, resuming, a wrong root, a source that changes, and the module on top. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "modules/dolly.c"
#include "tests/unit/temp-folder.h"

#define NODES 3

struct master {
	struct ring_send send;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint16_t port;
	uint8_t root[BLOB_HASH_LEN];
	int ret;
};

static void on_event(const struct ring_event *e, void *arg)
{
	struct master *m = arg;

	pthread_mutex_lock(&m->lock);
	if (e->kind == RING_EVENT_LISTENING)
		m->port = m->send.common.port;
	if (e->kind == RING_EVENT_DONE)
		memcpy(m->root, e->member->root, sizeof(m->root));
	pthread_cond_signal(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static void *master_main(void *arg)
{
	struct master *m = arg;

	m->ret = ring_send(&m->send);
	return NULL;
}

static void master_start(struct master *m, char *const *paths, size_t count, size_t nodes,
			 const struct ring_key *key, const struct blob_manifest *manifest)
{
	*m = (struct master){.lock = PTHREAD_MUTEX_INITIALIZER,
			     .changed = PTHREAD_COND_INITIALIZER};
	ring_send_defaults(&m->send);
	m->send.common.port = (uint16_t)(20000 + getpid() % 20000);
	m->send.paths = paths;
	m->send.path_count = count;
	m->send.nodes = nodes;
	m->send.manifest = manifest;
	m->send.wait_ms = 1000;
	m->send.event = on_event;
	m->send.arg = m;
	if (key)
		m->send.common.key = *key;
	assert_int_equal(pthread_create(&m->thread, NULL, master_main, m), 0);
	pthread_mutex_lock(&m->lock);
	while (!m->port)
		pthread_cond_wait(&m->changed, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

static int master_end(struct master *m)
{
	pthread_join(m->thread, NULL);
	return m->ret;
}

struct node {
	struct ring_recv recv;
	pthread_t thread;
	char master[32], dest[256], name[16];
	int ret;
};

static void *node_main(void *arg)
{
	struct node *n = arg;

	n->ret = ring_recv(&n->recv);
	return NULL;
}

static void node_start(struct node *n, const struct master *m, unsigned int i, const char *dest,
		       const char *root)
{
	*n = (struct node){0};
	ring_recv_defaults(&n->recv);
	snprintf(n->master, sizeof(n->master), "127.0.0.1:%u", m->port);
	snprintf(n->dest, sizeof(n->dest), "%s/%s%u", temp_folder, dest, i);
	snprintf(n->name, sizeof(n->name), "n%u", i);
	n->recv.master = n->master;
	n->recv.dest = n->dest;
	n->recv.name = n->name;
	n->recv.wait_ms = 0;
	n->recv.has_root = root;
	if (root)
		assert_int_equal(str_from_hex(root, n->recv.root, BLOB_HASH_LEN), 0);
	n->recv.common.key = m->send.common.key;
	assert_int_equal(pthread_create(&n->thread, NULL, node_main, n), 0);
}

static int node_end(struct node *n)
{
	pthread_join(n->thread, NULL);
	return n->ret;
}

static void make_file(const char *path, size_t size, unsigned int seed)
{
	_cleanup_free_ uint8_t *data = calloc(1, size);

	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
	if (size > 9000000)
		memset(data + 3000000, 0, 5500000);
	assert_int_equal(file_write(path, data, size, 0640), 0);
}

static void assert_same(const char *a, const char *b)
{
	_cleanup_free_ char *x = NULL, *y = NULL;
	size_t n, m;

	assert_int_equal(file_read(a, 1 << 28, &x, &n), 0);
	assert_int_equal(file_read(b, 1 << 28, &y, &m), 0);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
}

static void distribute(char *const *paths, size_t count, const char *dest,
		       const struct ring_key *key)
{
	struct node nodes[NODES];
	struct master m;

	master_start(&m, paths, count, NODES, key, NULL);
	for (unsigned int i = 0; i < NODES; i++)
		node_start(&nodes[i], &m, i, dest, NULL);
	for (unsigned int i = 0; i < NODES; i++)
		assert_int_equal(node_end(&nodes[i]), 0);
	assert_int_equal(master_end(&m), 0);
}

static void test_files(void **state)
{
	static const size_t sizes[] = {0, 1, 32768, 4 << 20, (4 << 20) + 1, 13000001};
	char path[256], copy[256], *paths[] = {path};

	(void)state;
	temp_path(path, sizeof(path), "source");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct stat st;

		make_file(path, sizes[i], (unsigned int)i);
		distribute(paths, 1, "copy", NULL);
		for (unsigned int n = 0; n < NODES; n++) {
			snprintf(copy, sizeof(copy), "%s/copy%u", temp_folder, n);
			assert_same(path, copy);
			assert_int_equal(stat(copy, &st), 0);
			assert_int_equal(st.st_mode & 07777, 0640);
		}
	}
}

static void test_keyed(void **state)
{
	struct ring_key key = {.set = true, .key = "0123456789"};
	char path[256], copy[256], *paths[] = {path};

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 5000000, 9);
	distribute(paths, 1, "keyed", &key);
	assert_same(path, temp_path(copy, sizeof(copy), "keyed2"));
}

static void test_tree(void **state)
{
	char tree[256], path[300], copy[300], *paths[] = {tree};

	(void)state;
	temp_path(tree, sizeof(tree), "tree");
	snprintf(path, sizeof(path), "%s/a/b", tree);
	assert_int_equal(mkdir_path(path, 0755), 0);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/a/b/f%u", tree, i);
		make_file(path, i * 397, i);
	}
	snprintf(path, sizeof(path), "%s/a/link", tree);
	assert_int_equal(symlink("../../nowhere", path), 0);
	distribute(paths, 1, "trees", NULL);
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/a/b/f%u", tree, i);
		snprintf(copy, sizeof(copy), "%s/trees1/tree/a/b/f%u", temp_folder, i);
		assert_same(path, copy);
	}
	snprintf(copy, sizeof(copy), "%s/trees1/tree/a/link", temp_folder);
	assert_int_equal(readlink(copy, path, sizeof(path)), 13);
	snprintf(copy, sizeof(copy), "%s/trees1/.dolly-part", temp_folder);
	assert_int_equal(access(copy, F_OK), -1);
}

/* What lies there from an earlier run is taken as far as it is right. */
static void test_resume_over_damage(void **state)
{
	char path[256], part[256], copy[256], *paths[] = {path};
	_cleanup_free_ char *data = NULL;
	size_t len;

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 13000001, 4);
	assert_int_equal(file_read(path, 1 << 28, &data, &len), 0);
	data[9000000] ^= 1;
	temp_path(part, sizeof(part), ".part1.dolly-part");
	assert_int_equal(file_write(part, data, len, 0600), 0);
	distribute(paths, 1, "part", NULL);
	assert_same(path, temp_path(copy, sizeof(copy), "part1"));
}

static void no_report(struct module_context *ctx, uint64_t done, uint64_t total, const char *what)
{
	(void)ctx;
	(void)done;
	(void)total;
	(void)what;
}

static void run_module(struct master *m, const char *root, int expected)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct module_context ctx = {.target = temp_folder};
	char why[160], key[2 * RING_KEY_LEN + 1];
	struct plan plan;

	plan_write_start(&b);
	plan_write(&b, "node", "n1");
	plan_write_section(&b, "dolly");
	plan_writef(&b, "dataset", "set %s 127.0.0.1:%u /srv/data/set.img", root, m->port);
	str_to_hex(m->send.common.key.key, RING_KEY_LEN, key);
	plan_writef(&b, "ring_key", "set %s", key);
	assert_int_equal(plan_parse(&plan, b.buf, b.len, why, sizeof(why)), 0);
	ctx.plan = &plan;
	ctx.section = plan_section(&plan, "dolly");
	ctx.report = no_report;
	assert_int_equal(dolly_run(&ctx), expected);
	plan_free(&plan);
}

static void test_module(void **state)
{
	char path[256], copy[256], root[BLOB_ROOT_TEXT], *paths[] = {path};
	struct blob_manifest manifest;
	struct ring_key key = {.set = true, .key = "of the plan"};
	struct master m;
	int fd;

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 9000000, 5);
	fd = open(path, O_RDONLY);
	assert_int_equal(blob_manifest_make(&manifest, fd), 0);
	close(fd);
	memcpy(root, manifest.root, sizeof(root));
	blob_manifest_free(&manifest);
	master_start(&m, paths, 1, 1, &key, NULL);
	run_module(&m, root, 0);
	assert_int_equal(master_end(&m), 0);
	assert_same(path, temp_path(copy, sizeof(copy), "srv/data/set.img"));

	root[0] = root[0] == '0' ? '1' : '0'; /* another content than the plan's */
	assert_int_equal(unlink(copy), 0);
	master_start(&m, paths, 1, 1, &key, NULL);
	run_module(&m, root, -EBADMSG);
	assert_int_equal(master_end(&m), -ENODATA);
	assert_int_equal(access(copy, F_OK), -1);
}

/* Where a data set goes: folders of the base keep their modes, and links lead nowhere but into the
 * target. */
static void test_module_paths(void **state)
{
	char path[300], dest[PATH_MAX], place[PATH_MAX];
	struct stat st;
	int folder = -1;

	(void)state;
	assert_int_equal(mkdir(temp_path(path, sizeof(path), "open"), 0700), 0);
	assert_int_equal(chmod(path, 01777), 0);
	assert_int_equal(find_path(temp_folder, "/open/set", dest, &folder), 0);
	assert_true(folder >= 0);
	close(folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01777);

	folder = -1;
	assert_int_equal(symlink("/open", temp_path(path, sizeof(path), "absolute")), 0);
	assert_int_equal(find_path(temp_folder, "/absolute", dest, &folder), 0);
	assert_int_equal(folder, -1);
	assert_non_null(realpath(temp_path(path, sizeof(path), "open"), place));
	assert_string_equal(dest, place);

	assert_int_equal(symlink("/dev/null", temp_path(path, sizeof(path), "null")), 0);
	assert_int_equal(find_path(temp_folder, "/null", dest, &folder), -ELOOP);
}

/* The same manifest as any blob maker's, with a hole that is known and zeros that are not. */
static void test_manifest(void **state)
{
	char path[256], *paths[] = {path};
	struct blob_manifest made, blob;
	enum ring_kind kind;
	int fd;

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 13000001, 6);
	assert_int_equal(truncate(path, 30000000), 0);
	assert_int_equal(ring_manifest(&made, paths, 1, &kind, NULL, NULL), 0);
	assert_int_equal(kind, RING_FILE);
	fd = open(path, O_RDONLY);
	assert_int_equal(blob_manifest_make(&blob, fd), 0);
	close(fd);
	assert_int_equal(made.length, blob.length);
	assert_int_equal(made.chunks, blob.chunks);
	assert_string_equal(made.root, blob.root);
	assert_memory_equal(made.hash, blob.hash, blob.chunks * BLOB_HASH_LEN);
	blob_manifest_free(&made);
	blob_manifest_free(&blob);

	paths[0] = temp_path(path, sizeof(path), "nothing");
	assert_int_equal(ring_manifest(&made, paths, 1, &kind, NULL, NULL), -ENOENT);
}

static void count_progress(uint64_t done, uint64_t total, void *arg)
{
	uint64_t *last = arg;

	assert_true(done > *last && done <= total);
	*last = done;
}

static void make_manifest(struct blob_manifest *m, char *path)
{
	char *paths[] = {path};
	enum ring_kind kind;
	uint64_t last = 0;

	assert_int_equal(ring_manifest(m, paths, 1, &kind, count_progress, &last), 0);
	assert_int_equal(last, m->length);
}

/* A tree whose root is known is taken by that root, also by nodes that want no other. */
static void test_known_root(void **state)
{
	char tree[256], path[300], *paths[] = {tree};
	struct blob_manifest manifest;
	struct node nodes[NODES];
	struct master m;

	(void)state;
	temp_path(tree, sizeof(tree), "known");
	assert_int_equal(mkdir_path(tree, 0755), 0);
	snprintf(path, sizeof(path), "%s/a", tree);
	make_file(path, 9500000, 7);
	make_manifest(&manifest, tree);
	master_start(&m, paths, 1, NODES, NULL, &manifest);
	for (unsigned int i = 0; i < NODES; i++)
		node_start(&nodes[i], &m, i, "known-copy", manifest.root);
	for (unsigned int i = 0; i < NODES; i++)
		assert_int_equal(node_end(&nodes[i]), 0);
	assert_int_equal(master_end(&m), 0);
	blob_manifest_free(&manifest);
}

static void flip_byte(const char *path, off_t offset)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* A source that is not what its manifest says ends everything, and nothing looks complete. */
static void test_changed_source(void **state)
{
	char path[256], copy[256], *paths[] = {path};
	struct blob_manifest manifest;
	struct node node;
	struct master m;

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 13000001, 8);
	make_manifest(&manifest, path);
	flip_byte(path, 10000000);
	master_start(&m, paths, 1, 1, NULL, &manifest);
	node_start(&node, &m, 0, "changed", manifest.root);
	assert_int_equal(node_end(&node), -EBADMSG);
	assert_int_equal(master_end(&m), -ESTALE);
	assert_int_equal(access(temp_path(copy, sizeof(copy), "changed0"), F_OK), -1);
	blob_manifest_free(&manifest);
}

/* The same for one that changes after the first node has got it: what a late node gets comes from
 * the disk again. */
static void test_changed_later(void **state)
{
	char path[256], copy[256], *paths[] = {path};
	struct node node;
	struct master m;

	(void)state;
	make_file(temp_path(path, sizeof(path), "source"), 40000000, 9);
	master_start(&m, paths, 1, 2, NULL, NULL);
	node_start(&node, &m, 0, "later", NULL);
	assert_int_equal(node_end(&node), 0);
	flip_byte(path, 1000);
	node_start(&node, &m, 1, "later", NULL);
	assert_int_equal(node_end(&node), -EBADMSG);
	assert_int_equal(master_end(&m), -ESTALE);
	assert_int_equal(access(temp_path(copy, sizeof(copy), "later1"), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	       cmocka_unit_test(test_keyed),
		cmocka_unit_test(test_tree),	       cmocka_unit_test(test_resume_over_damage),
		cmocka_unit_test(test_module),	       cmocka_unit_test(test_module_paths),
		cmocka_unit_test(test_manifest),       cmocka_unit_test(test_known_root),
		cmocka_unit_test(test_changed_source), cmocka_unit_test(test_changed_later),
	};

	return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
