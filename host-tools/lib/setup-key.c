/* The keys of a site, made once: the signing key and the one that the keys of rings are made from.
 * They are no part of a generation. */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/rings.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

/* Of a site that was set up before, with the key that is gone. */
#define KEY_IS_NEW                                                                                 \
	"this is another site now: start the server anew; nodes that were installed refuse "       \
	"repair and verify, and take lucie install --wipe\n"

static int key_write(const char *state_dir, const char *name, const uint8_t *key, size_t len,
		     mode_t mode)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", state_dir, name);
	char text[2 * SITE_SECRET_LEN + 2];
	int ret;

	str_to_hex(key, len, text);
	strcat(text, "\n");
	ret = file_replace(path, text, strlen(text), mode);
	seal_wipe(text, sizeof(text));
	return ret ? log_err(ret, "cannot write '%s'", path) : 0;
}

static int key_read(const char *path, uint8_t secret[SITE_SECRET_LEN])
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, 2 * SITE_SECRET_LEN + 1, &text, NULL);

	if (ret)
		return ret;
	ret = str_from_hex(str_trim(text), secret, SITE_SECRET_LEN);
	seal_wipe(text, strlen(text));
	return ret;
}

/* site.pub says what site.key holds: it is written again where it is missing, or of another key. */
static int key_public(const char *state_dir, const uint8_t public_key[SITE_PUBLIC_LEN])
{
	_cleanup_free_ char *path = xasprintf("%s/key/site.pub", state_dir);
	uint8_t there[SITE_PUBLIC_LEN];

	if (!site_public_read(path, there) && !memcmp(there, public_key, SITE_PUBLIC_LEN))
		return 0;
	return key_write(state_dir, "key/site.pub", public_key, SITE_PUBLIC_LEN, 0644);
}

int setup_key(const char *state_dir, uint8_t public_key[SITE_PUBLIC_LEN])
{
	_cleanup_free_ char *folder = xasprintf("%s/key", state_dir),
			    *path = xasprintf("%s/key/site.key", state_dir),
			    *current = xasprintf("%s/current", state_dir);
	uint8_t secret[SITE_SECRET_LEN];
	int ret = seal_init();

	if (ret)
		return log_err(ret, "no random numbers");
	if (mkdir(folder, 0700) && errno != EEXIST)
		return log_err(-errno, "cannot make '%s'", folder);
	ret = key_read(path, secret);
	if (ret == -ENOENT) {
		site_key_make(public_key, secret);
		ret = key_write(state_dir, "key/site.key", secret, sizeof(secret), 0600);
		if (!ret)
			printf("made the site's key '%s'\n%s", path,
			       access(current, F_OK) ? "" : KEY_IS_NEW);
	} else if (ret) {
		return log_err(ret, "cannot read the site key '%s'", path);
	}
	site_key_public(secret, public_key);
	seal_wipe(secret, sizeof(secret));
	return ret ? ret : key_public(state_dir, public_key);
}

int setup_ring_key(const char *state_dir)
{
	_cleanup_free_ char *path = xasprintf("%s/ring.key", state_dir);
	uint8_t key[RINGS_KEY_LEN];

	if (!access(path, F_OK))
		return 0;
	seal_random(key, sizeof(key));
	return key_write(state_dir, "ring.key", key, sizeof(key), 0600);
}
