/* A power cut, by LD_PRELOAD: the process ends at its CUT-th write to a block device. What it wrote
 * before stays, what comes after never happens, as on a disk without a cache. CUT_TORN: the last
 * write is done by half. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t offset);

typedef ssize_t write_fn(int fd, const void *buf, size_t len);
typedef ssize_t pwrite_fn(int fd, const void *buf, size_t len, off64_t offset);

/* True if this write is the one at which the power goes. */
static int is_last(int fd)
{
	static long count;
	const char *cut = getenv("CUT");
	struct stat st;

	if (!cut || fstat(fd, &st) || !S_ISBLK(st.st_mode))
		return 0;
	return ++count == atol(cut);
}

static size_t part(size_t len)
{
	return getenv("CUT_TORN") ? len / 2 / 512 * 512 : 0;
}

/* dlsym() gives an object pointer; ISO C has no other way to a function. */
#define REAL(type, name)                                                                           \
	__extension__({                                                                            \
		union {                                                                            \
			void *object;                                                              \
			type *function;                                                            \
		} u = {.object = dlsym(RTLD_NEXT, name)};                                          \
		u.function;                                                                        \
	})

ssize_t write(int fd, const void *buf, size_t len)
{
	write_fn *real = REAL(write_fn, "write");

	if (is_last(fd)) {
		(void)!real(fd, buf, part(len));
		_exit(77);
	}
	return real(fd, buf, len);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t offset)
{
	pwrite_fn *real = REAL(pwrite_fn, "pwrite64");

	if (is_last(fd)) {
		(void)!real(fd, buf, part(len), offset);
		_exit(77);
	}
	return real(fd, buf, len, offset);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	return pwrite64(fd, buf, len, offset);
}
