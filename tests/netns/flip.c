/* Preloaded into a node: flips one bit of every FLIP_EVERY-th large piece that it receives,
 * FLIP_TIMES times. What a bad switch, cable or memory does after the checksum of TCP was right. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

#define LARGE 16384

static atomic_int count, flipped;

static int setting(const char *name, int otherwise)
{
	const char *s = getenv(name);

	return s ? atoi(s) : otherwise;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	ssize_t (*real)(int, void *, size_t, int) =
		(ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
	ssize_t n = real(fd, buf, len, flags);

	if (n >= LARGE && ++count % setting("FLIP_EVERY", 100) == 0 &&
	    ++flipped <= setting("FLIP_TIMES", 2))
		((unsigned char *)buf)[n / 2] ^= 1;
	return n;
}
