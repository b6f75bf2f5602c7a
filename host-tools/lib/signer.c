/* The process that holds the site key; see signer.h.
 *
 * It is forked while its owner is still single-threaded and knows no peer. It keeps one descriptor,
 * cannot be traced or dumped, signs nothing but plans, and ends when the other end of the pair is
 * closed or its owner dies.
 */
#include "host-tools/lib/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/plan-format.h"

#define ANSWER_SECONDS 10
#define KEY_TEXT       (2 * SITE_SECRET_LEN)

static int secret_read(const char *path, uint8_t secret[SITE_SECRET_LEN])
{
	char text[KEY_TEXT + 2] = "";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int ret = 0;

	if (fd < 0)
		return log_err(-errno, "cannot open the site key '%s'", path);
	if (fstat(fd, &st))
		return log_err(-errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_mode & 077)
		return log_err(-EPERM, "'%s' must be a file for its owner alone (mode 0600)", path);
	if (st.st_size != KEY_TEXT + 1 || read_full(fd, text, KEY_TEXT + 1) ||
	    text[KEY_TEXT] != '\n')
		ret = -EINVAL;
	text[KEY_TEXT] = '\0';
	if (ret || str_from_hex(text, secret, SITE_SECRET_LEN))
		ret = log_err(0, "'%s' is not a site key (%d hex digits)", path, KEY_TEXT);
	seal_wipe(text, sizeof(text));
	return ret;
}

static bool is_plan(const char *text, size_t len)
{
	static const char start[] = PLAN_VERSION_LINE "\n";

	return len >= sizeof(start) - 1 && !memcmp(text, start, sizeof(start) - 1);
}

/* One request; -errno when the other end is gone or does not keep to the protocol. */
static int serve_one(int fd, const uint8_t secret[SITE_SECRET_LEN])
{
	_cleanup_free_ char *text = NULL;
	uint8_t answer[1 + SIGNATURE_LEN] = {1};
	uint32_t len;
	int ret = read_full(fd, &len, sizeof(len));

	if (ret)
		return ret;
	if (!len || len > PLAN_MAX)
		return -EFBIG;
	text = malloc(len);
	if (!text)
		return -ENOMEM;
	ret = read_full(fd, text, len);
	if (ret)
		return ret;
	if (!is_plan(text, len))
		return write_full(fd, answer, 1);
	answer[0] = 0;
	plan_sign(text, len, secret, answer + 1);
	return write_full(fd, answer, sizeof(answer));
}

/* As little as possible that could leak the key or be used on it. */
static void confine(int fd)
{
	struct rlimit none = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGINT, SIG_IGN); /* of a terminal's Ctrl-C: the end comes from the owner */
	signal(SIGPIPE, SIG_IGN);
	if (fd > 3)
		close_range(3, (unsigned int)fd - 1, 0);
	close_range((unsigned int)fd + 1, ~0U, 0);
}

static void signer_main(int fd, const char *path)
{
	uint8_t secret[SITE_SECRET_LEN], hello[1 + SITE_PUBLIC_LEN] = {1};

	confine(fd);
	if (secret_read(path, secret)) {
		write_full(fd, hello, 1);
		_exit(1);
	}
	hello[0] = 0;
	site_key_public(secret, hello + 1);
	if (!write_full(fd, hello, sizeof(hello)))
		while (!serve_one(fd, secret))
			;
	seal_wipe(secret, sizeof(secret));
	_exit(0);
}

int signer_start(struct signer *s, const char *state_dir)
{
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	char path[PATH_MAX];
	uint8_t status;
	int pair[2];

	*s = (struct signer){.pid = -1, .fd = -1};
	pthread_mutex_init(&s->lock, NULL);
	if ((size_t)snprintf(path, sizeof(path), "%s/key/site.key", state_dir) >= sizeof(path))
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return log_err(-errno, "cannot make a socket pair");
	s->pid = fork();
	if (s->pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return log_err(-errno, "cannot start the signing process");
	}
	if (!s->pid)
		signer_main(pair[1], path);
	close(pair[1]);
	s->fd = pair[0];
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* It says itself what is wrong with the key. */
	if (read_full(s->fd, &status, 1) || status ||
	    read_full(s->fd, s->public_key, sizeof(s->public_key))) {
		signer_stop(s);
		return -ENOKEY;
	}
	return 0;
}

int signer_sign(struct signer *s, const char *text, size_t len, uint8_t signature[SIGNATURE_LEN])
{
	uint32_t wire_len = (uint32_t)len;
	uint8_t status;
	int ret;

	if (!len || len > PLAN_MAX)
		return -EFBIG;
	pthread_mutex_lock(&s->lock);
	ret = s->fd < 0									   ? -EIO
	      : send(s->fd, &wire_len, sizeof(wire_len), MSG_NOSIGNAL) == sizeof(wire_len) ? 0
											   : -EIO;
	if (!ret)
		ret = write_full(s->fd, text, len);
	if (!ret)
		ret = read_full(s->fd, &status, 1);
	if (!ret && !status)
		ret = read_full(s->fd, signature, SIGNATURE_LEN);
	if (ret && s->fd >= 0) {
		/* Out of step: an answer that comes late would be taken for the next one. */
		close(s->fd);
		s->fd = -1;
	}
	pthread_mutex_unlock(&s->lock);
	if (ret)
		return -EIO;
	return status ? -EINVAL : 0;
}

void signer_stop(struct signer *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->pid = -1;
	pthread_mutex_destroy(&s->lock);
}
