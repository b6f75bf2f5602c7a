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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/door.h"
#include "ring/pump.h"
#include "ring/ring.h"
#include "ring/sock.h"
#include "ring/source.h"
#include "tests/unit/temp-folder.h"

static void make_file(const char *name, const char *text)
{
	char path[256];

	assert_int_equal(file_write(temp_path(path, sizeof(path), name), text, strlen(text), 0644),
			 0);
}

static void make_folder(const char *name)
{
	char path[256];

	assert_int_equal(mkdir_path(temp_path(path, sizeof(path), name), 0755), 0);
}

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

static const struct catalog_entry *entry(const struct source *s, const char *path)
{
	for (size_t i = 0; i < s->catalog.count; i++)
		if (!strcmp(s->catalog.entries[i].path, path))
			return &s->catalog.entries[i];
	fail_msg("no entry '%s'", path);
	return NULL;
}

static void assert_content(struct source *s, const char *path, const char *text)
{
	const struct catalog_entry *e = entry(s, path);
	char buf[32] = "";

	assert_int_equal(e->type, CATALOG_FILE);
	assert_int_equal(e->size, strlen(text));
	assert_int_equal(s->store.read(&s->store, e->offset, buf, e->size), 0);
	assert_string_equal(buf, text);
}

/* What is named is what is sent, under its own name; links below it stay links. */
static void test_links_at_the_top(void **state)
{
	char cur[256], file[256], below[256], *paths[] = {cur, file};
	struct source s;

	(void)state;
	make_folder("v12");
	make_file("v12/data", "twelve");
	make_file("single", "one");
	assert_int_equal(symlink("v12", temp_path(cur, sizeof(cur), "cur")), 0);
	assert_int_equal(symlink("single", temp_path(file, sizeof(file), "linked")), 0);
	assert_int_equal(symlink("data", temp_path(below, sizeof(below), "v12/below")), 0);
	assert_int_equal(source_open(&s, paths, 2), 0);
	assert_int_equal(s.kind, RING_TREE);
	assert_int_equal(entry(&s, "cur")->type, CATALOG_DIR);
	assert_int_equal(entry(&s, "cur/below")->type, CATALOG_LINK);
	assert_content(&s, "cur/data", "twelve");
	assert_content(&s, "linked", "one");
	source_close(&s);
}

/* A file that cannot be read, or not as far as it was long, is named. */
static void test_unreadable_is_named(void **state)
{
	char tree[256], path[256], *paths[] = {tree};
	struct source s;
	char buf[16];

	(void)state;
	make_folder("tree");
	make_file("tree/goes", "here today");
	make_file("tree/shrinks", "long enough");
	temp_path(tree, sizeof(tree), "tree");
	assert_int_equal(source_open(&s, paths, 1), 0);
	assert_int_equal(unlink(temp_path(path, sizeof(path), "tree/goes")), 0);
	assert_int_equal(s.store.read(&s.store, entry(&s, "tree/goes")->offset, buf, 10), -ENOENT);
	assert_non_null(strstr(log_last_error(), path));
	assert_int_equal(truncate(temp_path(path, sizeof(path), "tree/shrinks"), 3), 0);
	assert_int_equal(s.store.read(&s.store, entry(&s, "tree/shrinks")->offset, buf, 11),
			 -ENODATA);
	assert_non_null(strstr(log_last_error(), path));
	source_close(&s);

	make_file("alone", "long enough");
	paths[0] = temp_path(path, sizeof(path), "alone");
	assert_int_equal(source_open(&s, paths, 1), 0);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(s.store.read(&s.store, 0, buf, 11), -ENODATA);
	assert_non_null(strstr(log_last_error(), path));
	source_close(&s);
}

static void ignore(const struct ring_event *e, void *arg)
{
	(void)e;
	(void)arg;
}

static void *master_main(void *arg)
{
	return (void *)(intptr_t)ring_send(arg);
}

static void master_init(struct ring_send *s, char *const *path)
{
	ring_send_defaults(s);
	s->common.port = (uint16_t)(20000 + getpid() % 20000);
	s->paths = path;
	s->path_count = 1;
	s->event = ignore;
}

static int join_and_recv(const struct ring_send *s, const char *dest, uint32_t wait_ms)
{
	char master[32], path[256];
	struct ring_recv r;

	ring_recv_defaults(&r);
	snprintf(master, sizeof(master), "127.0.0.1:%u", s->common.port);
	r.master = master;
	r.dest = temp_path(path, sizeof(path), dest);
	r.common.key = s->common.key;
	r.wait_ms = wait_ms;
	return ring_recv(&r);
}

static void assert_told(const struct ring_send *s, int node, int master)
{
	pthread_t thread;
	void *ret;

	assert_int_equal(pthread_create(&thread, NULL, master_main, (void *)s), 0);
	assert_int_equal(join_and_recv(s, "promised", 5000), node);
	pthread_join(thread, &ret);
	assert_int_equal((intptr_t)ret, master);
}

/* A master that cannot give what its manifest says tells who comes, instead of being away. */
static void test_promise_not_kept(void **state)
{
	char path[256], *paths[] = {path};
	struct blob_manifest manifest;
	struct ring_send s;
	enum ring_kind kind;

	(void)state;
	make_file("set", "what was promised");
	temp_path(path, sizeof(path), "set");
	assert_int_equal(ring_manifest(&manifest, paths, 1, &kind, NULL, NULL), 0);
	master_init(&s, paths);
	s.manifest = &manifest;
	make_file("set", "something else");
	assert_told(&s, -EBADMSG, -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_told(&s, -EPERM, -ENOENT);
	blob_manifest_free(&manifest);
}

/* The mode of a single file is not under the root: nobody gets a setuid program by it. */
static void test_mode_is_bounded(void **state)
{
	struct ring_welcome what = {.kind = RING_FILE, .mode = 04755};
	struct spool spool;
	struct stat st;
	char path[256];

	(void)state;
	assert_int_equal(spool_open(&spool, temp_path(path, sizeof(path), "mode"), &what), 0);
	assert_int_equal(spool_finish(&spool), 0);
	spool_close(&spool);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

/* What a manifest or a stream cannot hold: the error says so. */
static void test_too_large(void **state)
{
	char path[256], *paths[] = {path};
	struct blob_manifest manifest;
	struct source source;
	enum ring_kind kind;

	(void)state;
	make_file("large", "");
	assert_int_equal(truncate(temp_path(path, sizeof(path), "large"), (off_t)1 << 40), 0);
	assert_int_equal(ring_manifest(&manifest, paths, 1, &kind, NULL, NULL), -EFBIG);
	assert_non_null(strstr(log_last_error(), "larger than a data set can be"));
	assert_int_equal(truncate(path, (off_t)2 << 40), 0);
	assert_int_equal(source_open(&source, paths, 1), -EFBIG);
	assert_non_null(strstr(log_last_error(), "larger than a stream can be"));
}

struct full_house {
	int listener;
	struct ring_send *send;
};

/* Closes the first connection, has no place for the second, then makes room for the master. */
static void *full_house_main(void *arg)
{
	struct full_house *f = arg;
	struct conn conn;

	close(accept(f->listener, NULL, NULL));
	conn_init(&conn, accept(f->listener, NULL, NULL), &f->send->common.key);
	conn_refuse(&conn, RING_REFUSE, 0, "too many at once");
	close(f->listener);
	return master_main(f->send);
}

/* Who is not let in, with or without a word, tries again. */
static void test_crowded_door(void **state)
{
	char path[256], *paths[] = {path};
	struct full_house full;
	struct ring_send s;
	pthread_t thread;
	void *ret;

	(void)state;
	make_file("keyed", "for some");
	temp_path(path, sizeof(path), "keyed");
	master_init(&s, paths);
	s.common.key = (struct ring_key){.set = true, .key = "0123456789"};
	s.nodes = 1;
	full = (struct full_house){sock_listen(NULL, &s.common.port), &s};
	assert_true(full.listener >= 0);
	assert_int_equal(pthread_create(&thread, NULL, full_house_main, &full), 0);
	assert_int_equal(join_and_recv(&s, "crowded", 5000), 0);
	pthread_join(thread, &ret);
	assert_int_equal((intptr_t)ret, 0);
}

/* Another key is known at once, however long the master may be waited for, and disturbs nobody. */
static void test_wrong_key(void **state)
{
	char path[256], *paths[] = {path};
	struct ring_send s, other;
	pthread_t thread;
	void *ret;

	(void)state;
	make_file("locked", "for who has the key");
	temp_path(path, sizeof(path), "locked");
	master_init(&s, paths);
	s.common.key = (struct ring_key){.set = true, .key = "0123456789"};
	s.nodes = 1;
	other = s;
	other.common.key.key[0]++;
	assert_int_equal(pthread_create(&thread, NULL, master_main, &s), 0);
	assert_int_equal(join_and_recv(&other, "stolen", 3600000), -EKEYREJECTED);
	assert_int_equal(join_and_recv(&s, "given", 5000), 0);
	pthread_join(thread, &ret);
	assert_int_equal((intptr_t)ret, 0);
}

static void queue(struct conn *conn, enum ring_type type, uint64_t offset, struct strbuf *b)
{
	assert_int_equal(conn_queue(conn, type, offset, b->buf, b->len), 0);
}

/* A master that takes a node in and lets it go at once, as if it had reported. */
static void take_and_release(void *arg, struct conn *conn, const struct ring_address *from)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_welcome w = {
		.id = 1, .detect_ms = 100, .beat_ms = 10, .length = 7, .name = "x"};
	struct strbuf none = STRBUF_INIT;

	(void)from;
	conn->session = 1;
	message_encode_welcome(&b, &w);
	queue(conn, RING_WELCOME, 0, &b);
	queue(conn, RING_RELEASE, 1, &none);
	assert_int_equal(conn_flush(conn), 0);
	conn_close(conn);
	*(bool *)arg = true;
}

static void *hasty_main(void *arg)
{
	struct ring_send *s = arg;
	int fd = sock_listen(NULL, &s->common.port);
	bool released = false;
	struct door d;

	assert_int_equal(door_open(&d, fd, &s->common.key, 5000), 0);
	d.enter = take_and_release;
	d.arg = &released;
	while (!released)
		door_handle(&d);
	door_close(&d);
	return NULL;
}

/* Nobody is done before it has everything, whatever the master says. */
static void test_released_too_early(void **state)
{
	char path[256], *paths[] = {path};
	struct ring_send s;
	pthread_t thread;

	(void)state;
	temp_path(path, sizeof(path), "hasty");
	master_init(&s, paths);
	assert_int_equal(pthread_create(&thread, NULL, hasty_main, &s), 0);
	assert_int_not_equal(join_and_recv(&s, "hasty", 5000), 0);
	pthread_join(thread, NULL);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset_past_the_end), cmocka_unit_test(test_links_at_the_top),
		cmocka_unit_test(test_unreadable_is_named), cmocka_unit_test(test_promise_not_kept),
		cmocka_unit_test(test_mode_is_bounded),	    cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_crowded_door),	    cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_released_too_early),
	};

	return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
