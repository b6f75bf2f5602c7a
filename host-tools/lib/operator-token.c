/* The operator's token; see operator-token.h. It is read from its file at each check, so a new one
 * holds at once. Wrong ones are counted for each address: of 256 random bits nobody guesses one,
 * but who tries should not be heard as often as he likes. */
#include "host-tools/lib/operator-token.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/map.h"
#include "host-tools/lib/server-user.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/seal.h"
#include "init/lib/str.h"

#define TOKEN_BYTES  32
#define FAILURES_MAX 10 /* of an address, in a minute */
#define MINUTE_MS    60000
#define SLOTS	     256 /* addresses share them where there are more */

static int token_path(const char *state_dir, const char *suffix, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/operator-token%s", state_dir, suffix);

	return n < PATH_MAX ? 0 : log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
}

/* 0, -ENOENT, or -errno (logged). */
static int token_read(const char *path, char token[OPERATOR_TOKEN_TEXT])
{
	_cleanup_free_ char *text = NULL;
	uint8_t raw[TOKEN_BYTES];
	int ret = file_read(path, OPERATOR_TOKEN_TEXT, &text, NULL);

	if (ret == -ENOENT)
		return ret;
	if (!ret)
		ret = str_from_hex(str_trim(text), raw, sizeof(raw));
	if (ret)
		return log_err(ret, "cannot read the operator's token '%s'", path);
	str_to_hex(raw, sizeof(raw), token);
	return 0;
}

static int token_write(const char *path)
{
	uint8_t raw[TOKEN_BYTES];
	char text[OPERATOR_TOKEN_TEXT + 1];

	seal_random(raw, sizeof(raw));
	str_to_hex(raw, sizeof(raw), text);
	strcat(text, "\n");
	return file_write(path, text, strlen(text), 0600);
}

/* With the server that has worked here. */
static int share(const char *state_dir, const char *suffix)
{
	struct server_user user;
	char name[64];

	server_user_of(&user, state_dir);
	snprintf(name, sizeof(name), "operator-token%s", suffix);
	return server_user_share(&user, state_dir, name);
}

/* Beside its place, and there only if nobody else was faster. */
static int token_make(const char *state_dir, const char *path)
{
	char suffix[32], own[PATH_MAX];
	int ret;

	snprintf(suffix, sizeof(suffix), ".%ld~", (long)getpid());
	ret = token_path(state_dir, suffix, own);
	if (ret)
		return ret;
	unlink(own);
	ret = token_write(own);
	if (!ret)
		ret = share(state_dir, suffix);
	if (!ret && link(own, path) && errno != EEXIST)
		ret = -errno;
	unlink(own);
	return ret ? log_err(ret, "cannot make the operator's token '%s'", path) : 0;
}

int operator_token(const char *state_dir, char token[OPERATOR_TOKEN_TEXT])
{
	char path[PATH_MAX];
	int ret = token_path(state_dir, "", path);

	if (!ret)
		ret = token_read(path, token);
	if (ret != -ENOENT)
		return ret;
	ret = token_make(state_dir, path);
	return ret ? ret : token_read(path, token);
}

int operator_token_renew(const char *state_dir, char token[OPERATOR_TOKEN_TEXT])
{
	char path[PATH_MAX];
	int ret = token_path(state_dir, "", path);

	if (ret)
		return ret;
	if (unlink(path) && errno != ENOENT)
		return log_err(-errno, "cannot remove '%s'", path);
	return operator_token(state_dir, token);
}

/* --- who tries --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tries {
	int64_t since; /* ms */
	unsigned int failures;
} tries[SLOTS]; /* under the lock */

static struct tries *tries_of(const char *peer, int64_t now)
{
	struct tries *t = &tries[map_hash(MAP_HASH, peer) % SLOTS];

	if (now - t->since >= MINUTE_MS)
		*t = (struct tries){.since = now};
	return t;
}

static bool same(const char *token, const char *wanted)
{
	return strlen(token) == OPERATOR_TOKEN_TEXT - 1 &&
	       !sodium_memcmp(token, wanted, OPERATOR_TOKEN_TEXT - 1);
}

enum operator_answer operator_check(const char *state_dir, const char *token, const char *peer,
				    int64_t now)
{
	enum operator_answer answer = OPERATOR_NO;
	char wanted[OPERATOR_TOKEN_TEXT];
	struct tries *t;

	if (!token)
		return OPERATOR_NO;
	pthread_mutex_lock(&lock);
	t = tries_of(peer, now);
	/* The right one always counts: addresses share their slots, and nobody guesses 256 bits. */
	if (!operator_token(state_dir, wanted) && same(token, wanted))
		answer = OPERATOR_YES;
	else if (t->failures >= FAILURES_MAX)
		answer = OPERATOR_TOO_MANY;
	else
		t->failures++;
	pthread_mutex_unlock(&lock);
	seal_wipe(wanted, sizeof(wanted));
	return answer;
}
