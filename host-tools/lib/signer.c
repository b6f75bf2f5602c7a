/* The process that holds the site key; see signer.h.
 *
 * It is forked while its owner is still single-threaded and knows no peer. It keeps one descriptor,
 * cannot be traced or dumped, signs nothing but plans and opens nothing but identities, and ends when the other end of the pair is
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
#include "init/lib/identity.h"
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

struct secrets {
	uint8_t site[SITE_SECRET_LEN];
	struct box_keys identity;
};

enum { SIGN, RESEAL, CHECK }; /* what to do */

#define NODE_LEN sizeof(((struct identity *)NULL)->node)

struct wire {
	uint32_t what, len;
};

static int do_sign(int fd, const struct secrets *secrets, const char *text, size_t len)
{
	uint8_t answer[1 + SIGNATURE_LEN] = {1};

	if (!is_plan(text, len))
		return write_full(fd, answer, 1);
	answer[0] = 0;
	plan_sign(text, len, secrets->site, answer + 1);
	return write_full(fd, answer, sizeof(answer));
}

/* What is sealed begins behind head_len bytes. Nothing but an identity is opened. */
static int open_identity(const struct secrets *secrets, const char *data, size_t len,
			 size_t head_len, struct strbuf *text)
{
	int ret = len > head_len
			  ? box_open(text, data + head_len, len - head_len, &secrets->identity)
			  : -EBADMSG;

	return !ret && !identity_is_text(text->buf, text->len) ? -EBADMSG : ret;
}

/* One byte leaves: whether it is what this node may keep. */
static int do_check(int fd, const struct secrets *secrets, const char *data, size_t len)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct identity id = {.count = 0};
	int ret = open_identity(secrets, data, len, NODE_LEN, &text);
	uint8_t status;

	if (!ret)
		ret = identity_parse(&id, text.buf, text.len);
	status = ret || strncmp(id.node, data, NODE_LEN) ? 1 : 0;
	identity_free(&id);
	if (text.buf)
		seal_wipe(text.buf, text.len);
	return write_full(fd, &status, 1);
}

/* What was opened leaves only sealed. */
static int do_reseal(int fd, const struct secrets *secrets, const char *data, size_t len)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, sealed = STRBUF_INIT;
	uint8_t status;
	uint32_t wire_len;
	int ret = open_identity(secrets, data, len, BOX_KEY_LEN, &text);

	if (!ret)
		ret = box_seal(&sealed, text.buf, text.len, (const uint8_t *)data);
	if (text.buf)
		seal_wipe(text.buf, text.len);
	status = ret ? 1 : 0;
	wire_len = (uint32_t)sealed.len;
	ret = write_full(fd, &status, 1);
	if (!ret && !status)
		ret = write_full(fd, &wire_len, sizeof(wire_len));
	return ret || status ? ret : write_full(fd, sealed.buf, sealed.len);
}

/* One request; -errno when the other end is gone or does not keep to the protocol. */
static int serve_one(int fd, const struct secrets *secrets)
{
	static int (*const jobs[])(int, const struct secrets *, const char *, size_t) = {
		[SIGN] = do_sign, [RESEAL] = do_reseal, [CHECK] = do_check};
	_cleanup_free_ char *data = NULL;
	struct wire wire;
	int ret = read_full(fd, &wire, sizeof(wire));

	if (ret)
		return ret;
	if (wire.what >= ARRAY_SIZE(jobs))
		return -EPROTO;
	if (!wire.len || wire.len > PLAN_MAX)
		return -EFBIG;
	data = malloc(wire.len);
	if (!data)
		return -ENOMEM;
	ret = read_full(fd, data, wire.len);
	if (ret)
		return ret;
	return jobs[wire.what](fd, secrets, data, wire.len);
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
	uint8_t hello[1 + SITE_PUBLIC_LEN + BOX_KEY_LEN] = {1};
	struct secrets secrets;

	confine(fd);
	if (secret_read(path, secrets.site)) {
		write_full(fd, hello, 1);
		_exit(1);
	}
	identity_keys(secrets.site, &secrets.identity);
	hello[0] = 0;
	site_key_public(secrets.site, hello + 1);
	memcpy(hello + 1 + SITE_PUBLIC_LEN, secrets.identity.public_key, BOX_KEY_LEN);
	if (!write_full(fd, hello, sizeof(hello)))
		while (!serve_one(fd, &secrets))
			;
	seal_wipe(&secrets, sizeof(secrets));
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
	    read_full(s->fd, s->public_key, sizeof(s->public_key)) ||
	    read_full(s->fd, s->identity_key, sizeof(s->identity_key))) {
		signer_stop(s);
		return -ENOKEY;
	}
	return 0;
}

/* Under the lock: the request, and the status byte of its answer. */
static int ask(struct signer *s, uint32_t what, const void *head, size_t head_len, const void *data,
	       size_t len, uint8_t *status)
{
	struct wire wire = {.what = what, .len = (uint32_t)(head_len + len)};
	int ret = s->fd < 0 || send(s->fd, &wire, sizeof(wire), MSG_NOSIGNAL) != sizeof(wire)
			  ? -EIO
			  : write_full(s->fd, head, head_len);

	if (!ret)
		ret = write_full(s->fd, data, len);
	return ret ? ret : read_full(s->fd, status, 1);
}

/* Out of step: an answer that comes late would be taken for the next one. */
static int end(struct signer *s, int failed)
{
	if (failed && s->fd >= 0) {
		close(s->fd);
		s->fd = -1;
	}
	pthread_mutex_unlock(&s->lock);
	return failed ? -EIO : 0;
}

int signer_sign(struct signer *s, const char *text, size_t len, uint8_t signature[SIGNATURE_LEN])
{
	uint8_t status = 1;
	int ret;

	if (!len || len > PLAN_MAX)
		return -EFBIG;
	pthread_mutex_lock(&s->lock);
	ret = ask(s, SIGN, NULL, 0, text, len, &status);
	if (!ret && !status)
		ret = read_full(s->fd, signature, SIGNATURE_LEN);
	ret = end(s, ret);
	return ret ? ret : status ? -EINVAL : 0;
}

int signer_reseal(struct signer *s, const void *sealed, size_t len,
		  const uint8_t boot_key[BOX_KEY_LEN], struct strbuf *out)
{
	_cleanup_free_ char *data = malloc(IDENTITY_SEALED_MAX);
	uint8_t status = 1;
	uint32_t wire_len = 0;
	int ret;

	if (!data)
		return -ENOMEM;
	if (!len || len > IDENTITY_SEALED_MAX)
		return -EBADMSG;
	pthread_mutex_lock(&s->lock);
	ret = ask(s, RESEAL, boot_key, BOX_KEY_LEN, sealed, len, &status);
	if (!ret && !status)
		ret = read_full(s->fd, &wire_len, sizeof(wire_len));
	if (!ret && wire_len > IDENTITY_SEALED_MAX)
		ret = -EPROTO;
	if (!ret && !status)
		ret = read_full(s->fd, data, wire_len);
	ret = end(s, ret);
	if (ret || status)
		return ret ? ret : -EBADMSG;
	return strbuf_add(out, data, wire_len);
}

int signer_check(struct signer *s, const char *node, const void *sealed, size_t len)
{
	char name[NODE_LEN] = "";
	uint8_t status = 1;
	int ret;

	if (!len || len > IDENTITY_SEALED_MAX || strlen(node) >= sizeof(name))
		return -EBADMSG;
	memcpy(name, node, strlen(node));
	pthread_mutex_lock(&s->lock);
	ret = end(s, ask(s, CHECK, name, sizeof(name), sealed, len, &status));
	return ret ? ret : status ? -EBADMSG : 0;
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
