/* Sweeping over a disk: whatever pieces are wanted of it, in whatever order, each comes out as its
 * own bytes; what cannot be read is not read. And what must not be read past the file system is not
 * taken in. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/io.h"
#include "modules/lib/sweep.h"
#include "tests/unit/temp-folder.h"

#define DISK   ((size_t)6 << 20)
#define ROUNDS 40

static uint8_t disk[DISK];
static _Atomic uint64_t bytes;

static int make_disk(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < DISK; i++)
		disk[i] = (uint8_t)random();
	assert_true(fd >= 0);
	assert_int_equal(write_full(fd, disk, DISK), 0);
	return fd;
}

/* Sizes of every order of magnitude; places with many neighbours, so that pieces touch and overlap. */
static struct sweep_file random_file(void)
{
	uint64_t size = 1 + (uint64_t)random() % ((uint64_t)1 << (random() % 22));

	return (struct sweep_file){.size = size,
				   .start = (uint64_t)random() % ((DISK - size) / 1024) * 1024};
}

static void check(const struct sweep_file *f)
{
	uint8_t hash[LISTING_HASH];
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, disk + f->start, f->size);
	blake3_hasher_finalize(&h, hash, LISTING_HASH);
	assert_true(f->read);
	assert_memory_equal(f->hash, hash, LISTING_HASH);
}

static void test_pieces(void **state)
{
	char path[64];
	struct sweep s = {.disk = make_disk(temp_path(path, sizeof(path), "disk"))};
	void *buffer = aligned_alloc(SWEEP_ALIGN, SWEEP_BUFFER);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t all = 0, before = bytes;

		for (s.count = 0; s.count < (size_t)(1 + random() % 40); s.count++) {
			s.files[s.count] = random_file();
			all += s.files[s.count].size;
		}
		sweep_read(&s, buffer, &bytes);
		for (size_t i = 0; i < s.count; i++)
			check(&s.files[i]);
		assert_int_equal(bytes - before, all);
	}
	free(buffer);
	close(s.disk);
}

static void test_beyond_the_end(void **state)
{
	char path[64];
	struct sweep s = {.disk = make_disk(temp_path(path, sizeof(path), "disk")), .count = 5};
	void *buffer = aligned_alloc(SWEEP_ALIGN, SWEEP_BUFFER);

	(void)state;
	s.files[0] = (struct sweep_file){.start = DISK - 4096, .size = 4097};
	s.files[1] = (struct sweep_file){.start = DISK, .size = 1};
	s.files[2] = (struct sweep_file){.start = (uint64_t)INT64_MAX - 8192, .size = 8192};
	s.files[3] = (struct sweep_file){.start = DISK - 4096, .size = 4096};
	s.files[4] = (struct sweep_file){.start = 4096, .size = 3 * SWEEP_BUFFER};
	sweep_read(&s, buffer, &bytes);
	check(&s.files[0]); /* sorted: the large one is first now */
	for (size_t i = 1; i < s.count; i++)
		if (s.files[i].start == DISK - 4096 && s.files[i].size == 4096)
			check(&s.files[i]);
		else
			assert_false(s.files[i].read);
	free(buffer);
	close(s.disk);
}

/* What may be written to, and what is no file at all. */
static void test_not_taken(void **state)
{
	char path[64];
	struct sweep s = {.disk = -1};
	int file = make_disk(temp_path(path, sizeof(path), "file")), ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_false(sweep_add(&s, file, DISK, NULL));
	assert_false(sweep_add(&s, file, 0, NULL));
	assert_false(sweep_add(&s, ends[0], 1, NULL));
	assert_int_equal(s.count, 0);
	assert_int_equal(s.disk, -1);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_beyond_the_end),
		cmocka_unit_test(test_not_taken),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
