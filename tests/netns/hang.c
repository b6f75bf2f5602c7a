/* Preloaded into a node: stops the whole process before its HANG_AT-th message leaves, so that it
 * hangs at a known step of the handshake: 1: connected, nothing said; 2: greeted, not joined. */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

static atomic_int count;

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) =
		(ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
	const char *at = getenv("HANG_AT");

	if (at && ++count == atoi(at))
		raise(SIGSTOP);
	return real(fd, buf, len, flags);
}
