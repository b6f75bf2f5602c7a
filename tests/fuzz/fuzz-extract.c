/* Tar archives into a target that lies in a folder of its own: whatever they carry, nothing may
 * appear beside the target. The archive reaches the unpacker as a gzip of stored blocks, so that
 * the fuzzer works on the tar itself. */
#include "modules/lib/extract.h"

#include "init/lib/log.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORED_MAX 65535 /* RFC 1951, 3.2.4 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	uint8_t *bytes;
	size_t len, at;
};

static ssize_t feed_next(void *arg, const void **block)
{
	struct feed *f = arg;
	size_t n = f->len - f->at < 777 ? f->len - f->at : 777;

	*block = f->bytes + f->at;
	f->at += n;
	return (ssize_t)n;
}

static void store(struct feed *f, const uint8_t *data, size_t size)
{
	static const uint8_t head[10] = {0x1f, 0x8b, 8};

	f->bytes = calloc(1, size + size / STORED_MAX * 5 + 64);
	memcpy(f->bytes, head, sizeof(head));
	f->len = sizeof(head);
	do {
		size_t n = size < STORED_MAX ? size : STORED_MAX;
		const uint8_t block[5] = {n == size, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n,
					  (uint8_t)(~n >> 8)};

		memcpy(f->bytes + f->len, block, sizeof(block));
		memcpy(f->bytes + f->len + sizeof(block), data, n);
		f->len += sizeof(block) + n;
		data += n;
		size -= n;
	} while (size);
	f->len += 8;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static void quiet(enum log_level level, const char *line, void *arg)
{
	(void)level, (void)line, (void)arg;
}

static void check_nothing_beside(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    strcmp(e->d_name, "target"))
			abort();
	closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char base[] = "/tmp/lucie-fuzz-XXXXXX", target[PATH_MAX];
	struct feed f = {0};
	struct extract_source source = {.next = feed_next, .arg = &f, .format = "tar.gz"};

	log_set_sink(quiet, NULL);
	if (!mkdtemp(base))
		abort();
	snprintf(target, sizeof(target), "%s/target", base);
	mkdir(target, 0755);
	store(&f, data, size);
	extract(target, &source);
	check_nothing_beside(base);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f.bytes);
	return 0;
}
