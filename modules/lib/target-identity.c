/* See target-identity.h. */
#include "modules/lib/target-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

#include "init/lib/cleanup.h"
#include "init/lib/http.h"
#include "init/lib/identity.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"

#define SSH	   "/etc/ssh"
#define KEYGEN	   "/usr/bin/ssh-keygen"
#define MACHINE_ID "/etc/machine-id"
#define BASE64	   sodium_base64_VARIANT_ORIGINAL

static void forget(char *text)
{
	if (text)
		seal_wipe(text, strlen(text));
}

/* What the server had kept: the process that got the plan has opened it. Without one *id is empty.
 * One that cannot be read, or is somebody else's, is no reason to fail. */
static void earlier(const struct target_identity *t, struct identity *id)
{
	const char *node = plan_head(t->plan, "node");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int ret = file_read(IDENTITY_PATH, IDENTITY_MAX, &text, &len);

	memset(id, 0, sizeof(*id));
	if (ret == -ENOENT)
		return;
	if (!ret)
		ret = identity_parse(id, text, len);
	if (!ret && (!node || strcmp(id->node, node) != 0))
		ret = -EPERM;
	forget(text);
	if (!ret)
		return;
	log_warn("the identity from the server cannot be used: %s", strerror(-ret));
	identity_free(id);
	memset(id, 0, sizeof(*id));
}

static bool keeps_machine_id(const struct target_identity *t)
{
	const char *keep = plan_get(t->section, "keep_machine_id");

	return keep && !strcmp(keep, "yes");
}

/* --- machine-id --- */

/* A random UUID (version 4), as machine-id(5) asks for. */
static int new_machine_id(char text[MACHINE_ID_TEXT])
{
	unsigned char id[16];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return log_err(-errno, "no random numbers for the machine-id");
	id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
	id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
	str_to_hex(id, sizeof(id), text);
	return 0;
}

static int write_machine_id(const struct target_identity *t, const char *id)
{
	char text[MACHINE_ID_TEXT + 1];
	int ret;

	snprintf(text, sizeof(text), "%s\n", id);
	ret = target_write_text(t->target, MACHINE_ID, text, 0444);
	if (!ret && target_exists(t->target, "/var/lib/dbus/machine-id"))
		ret = target_symlink(t->target, MACHINE_ID, "/var/lib/dbus/machine-id");
	return ret ? ret : target_remove(t->target, "/var/lib/systemd/random-seed");
}

int target_machine_id(const struct target_identity *t)
{
	_cleanup_free_ char *old = NULL;
	char text[MACHINE_ID_TEXT];
	struct identity id;
	int ret = target_read(t->target, MACHINE_ID, 4096, &old);

	if (ret && ret != -ENOENT)
		return ret;
	if (!t->fresh && old && strspn(old, "0123456789abcdef") == MACHINE_ID_TEXT - 1)
		return 0;
	ret = new_machine_id(text);
	if (ret)
		return ret;
	earlier(t, &id);
	if (keeps_machine_id(t) && *id.machine_id)
		snprintf(text, sizeof(text), "%s", id.machine_id);
	identity_free(&id);
	return write_machine_id(t, text);
}

/* --- ssh host keys --- */

static bool has_ssh(const struct target_identity *t)
{
	return target_exists(t->target, "/usr/sbin/sshd") && target_exists(t->target, KEYGEN);
}

/* Calls each() for every host key's file; until it returns something else than 0. */
static int each_key(const struct target_identity *t,
		    int (*each)(int dir, const char *name, void *arg), void *arg)
{
	int fd = target_open(t->target, SSH, O_RDONLY | O_DIRECTORY), ret = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (!ret && dir && (e = readdir(dir)))
		if (str_starts(e->d_name, "ssh_host_"))
			ret = each(dirfd(dir), e->d_name, arg);
	return ret;
}

static int remove_key(int dir, const char *name, void *arg)
{
	(void)arg;
	return unlinkat(dir, name, 0)
		       ? log_err(-errno, "cannot remove '" SSH "/%s' from the target", name)
		       : 0;
}

static int restore_keys(const struct target_identity *t)
{
	struct identity id;
	char path[128];
	int ret = 0;

	earlier(t, &id);
	for (size_t i = 0; !ret && i < id.count; i++) {
		const struct identity_file *f = &id.files[i];

		snprintf(path, sizeof(path), SSH "/%s", f->name);
		ret = target_write(t->target, path, f->data, f->len,
				   str_ends(f->name, ".pub") ? 0644 : 0600);
	}
	if (!ret && id.count)
		log_info("the ssh host keys of the last installation are kept");
	identity_free(&id);
	return ret;
}

/* ssh-keygen -A makes those that are missing. */
int target_host_keys(const struct target_identity *t)
{
	int ret = t->fresh ? each_key(t, remove_key, NULL) : 0, left;

	if (ret || !has_ssh(t))
		return ret;
	ret = t->fresh ? restore_keys(t) : 0;
	if (!ret)
		ret = target_enter(t->target);
	if (ret)
		return ret;
	ret = target_run(t->target,
			 &(struct target_command){.argv = (char *[]){KEYGEN, "-A", NULL}});
	left = target_leave(t->target);
	return ret ? ret : left;
}

/* --- to the server --- */

static int take_key(int dir, const char *name, void *arg)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char data[IDENTITY_FILE_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));
	int ret = n < 0 ? -errno : identity_add(arg, name, data, (size_t)n);

	seal_wipe(data, sizeof(data));
	return ret;
}

static int gather(const struct target_identity *t, struct strbuf *text)
{
	struct identity id = {0};
	_cleanup_free_ char *machine_id = NULL;
	int ret;

	snprintf(id.node, sizeof(id.node), "%s", plan_head(t->plan, "node"));
	if (keeps_machine_id(t) && !target_read(t->target, MACHINE_ID, 4096, &machine_id))
		snprintf(id.machine_id, sizeof(id.machine_id), "%.32s", machine_id);
	ret = each_key(t, take_key, &id);
	if (!ret && !id.count && !*id.machine_id)
		ret = -ENOENT;
	if (!ret)
		ret = identity_write(text, &id);
	identity_free(&id);
	return ret;
}

/* {"install": ID, "t": CLOCK, "sealed": BASE64}, malloc'ed. */
static char *request_body(const struct target_identity *t, const struct strbuf *text)
{
	const char *key = plan_get(t->section, "identity_key"),
		   *install = plan_head(t->plan, "install");
	_cleanup_strbuf_ struct strbuf sealed = STRBUF_INIT;
	_cleanup_free_ char *encoded = NULL;
	uint8_t raw[BOX_KEY_LEN];
	json_t *json;
	char *body;
	size_t room;

	if (!install || str_from_hex(key, raw, sizeof(raw)) ||
	    box_seal(&sealed, text->buf, text->len, raw))
		return NULL;
	room = sodium_base64_encoded_len(sealed.len, BASE64);
	encoded = malloc(room);
	if (!encoded)
		return NULL;
	sodium_bin2base64(encoded, room, (unsigned char *)sealed.buf, sealed.len, BASE64);
	json = json_pack("{s:s, s:I, s:s}", "install", install, "t", (json_int_t)now_ms(), "sealed",
			 encoded);
	body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return body;
}

static int post(const struct target_identity *t, const char *body, char *why, size_t why_len)
{
	const char *server = plan_head(t->plan, "server");
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	char url[512];
	long status = 0;
	int ret;

	snprintf(url, sizeof(url), "%s/v1/identity", server ? server : "");
	ret = http_exchange(&(struct http_request){.url = url,
						   .body = body,
						   .body_len = strlen(body),
						   .content_type = "application/json",
						   .token = plan_head(t->plan, "token")},
			    &answer, &status, why, why_len);
	if (!ret && status != 200) {
		snprintf(why, why_len, "status %ld", status);
		ret = -EPROTO;
	}
	return ret;
}

void target_identity_report(const struct target_identity *t)
{
	_cleanup_strbuf_ struct strbuf text = {.max = IDENTITY_MAX};
	_cleanup_free_ char *body = NULL;
	char why[160] = "it cannot be sealed";
	int ret;

	if (!plan_get(t->section, "identity_key") || !plan_head(t->plan, "node"))
		return;
	ret = seal_init();
	if (!ret)
		ret = gather(t, &text);
	if (!ret)
		body = request_body(t, &text);
	if (text.buf)
		seal_wipe(text.buf, text.len);
	if (ret == -ENOENT)
		return;
	if (ret)
		snprintf(why, sizeof(why), "%s", strerror(-ret));
	if (ret || !body || post(t, body, why, sizeof(why)))
		log_warn("the server does not keep this node's identity: %s", why);
}
