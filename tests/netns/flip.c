/* Preloaded into a node: flips one bit of every FLIP_EVERY-th large piece that it receives in a
 * message's body, FLIP_TIMES times. What a bad switch, cable or memory does after the checksum of TCP was right. */
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

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) =
		(ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
	ssize_t n = real(fd, msg, flags);

	if (n >= LARGE && msg->msg_iov->iov_len >= LARGE &&
	    ++count % setting("FLIP_EVERY", 100) == 0 && ++flipped <= setting("FLIP_TIMES", 2))
		((unsigned char *)msg->msg_iov->iov_base)[LARGE / 2] ^= 1;
	return n;
}
