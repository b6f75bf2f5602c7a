/* configure: makes this node of the base system that all nodes share: its name, file systems,
 * network, accounts and identity, and at last the site's own files, laid over in the order default,
 * group, host.
 *
 * It runs again in a repair: what the plan says is then written anew, and the identity (machine-id,
 * ssh host keys) stays as it is. Where this run has unpacked a base, that one's identity is
 * somebody else's and goes; the one of the node's last installation comes back from the server.
 */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/fetch.h"
#include "modules/lib/link.h"
#include "modules/lib/target-clock.h"
#include "modules/lib/target-identity.h"
#include "modules/lib/target-initramfs.h"
#include "modules/lib/target-network.h"
#include "modules/lib/target.h"
#include "modules/lib/target-storage.h"
#include "modules/lib/tpm.h"
#include "modules/lib/volume.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)

struct configure {
	struct module_context *ctx;
	const struct plan_section *section;
	const char *target;
	bool fresh; /* this installation has unpacked the base */
};

static const char *get(const struct configure *c, const char *key)
{
	return plan_get(c->section, key);
}

static int write_text(const struct configure *c, const char *path, const struct strbuf *text,
		      mode_t mode)
{
	if (text->error)
		return log_err(text->error, "cannot write '%s' in the target", path);
	return target_write(c->target, path, text->buf ? text->buf : "", text->len, mode);
}

/* --- names --- */

static int write_hostname(struct configure *c)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *name = get(c, "hostname");

	if (!name || !str_is_name(name))
		return log_err(-EINVAL, "the plan has no usable host name");
	strbuf_addf(&text, "%s\n", name);
	return write_text(c, "/etc/hostname", &text, 0644);
}

/* Its own name has to resolve without any server: by the line of its address, else by 127.0.1.1
 * (Debian's habit). */
static int write_hosts(struct configure *c)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *name = get(c, "hostname"), *domain = get(c, "domain"),
		   *address = get(c, "address");
	bool listed = false;

	strbuf_adds(&text, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
			   "ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n\n");
	plan_for_each (line, c->section, "host")
		if (address && str_starts(line->value, address) &&
		    line->value[strlen(address)] == ' ')
			listed = true;
	if (!listed && domain)
		strbuf_addf(&text, "%s %s.%s %s\n", address ? address : "127.0.1.1", name, domain,
			    name);
	else if (!listed)
		strbuf_addf(&text, "%s %s\n", address ? address : "127.0.1.1", name);
	plan_for_each (line, c->section, "host")
		strbuf_addf(&text, "%s\n", line->value);
	return write_text(c, "/etc/hosts", &text, 0644);
}

/* --- file systems --- */

static int write_storage(struct configure *c)
{
	_cleanup_free_ struct volumes *v = NULL;
	int ret = volumes_find(c->ctx->plan, &v);

	return ret ? ret : target_storage(c->target, v);
}

/* --- network --- */

static int write_network(struct configure *c)
{
	return target_network(c->target, c->section);
}

/* systemd-resolved gets its servers from the .network file. */
static bool is_resolved(const struct configure *c)
{
	char to[PATH_MAX];

	return target_readlink(c->target, "/etc/resolv.conf", to, sizeof(to)) > 0 &&
	       strstr(to, "/systemd/");
}

static int write_resolver(struct configure *c)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *domain = get(c, "domain");

	if (!get(c, "dns") || is_resolved(c))
		return 0;
	if (domain)
		strbuf_addf(&text, "search %s\n", domain);
	plan_for_each (line, c->section, "dns")
		strbuf_addf(&text, "nameserver %s\n", line->value);
	return write_text(c, "/etc/resolv.conf", &text, 0644);
}

/* --- accounts --- */

/* Second field of root's line (shadow(5)); the third, the day of the last change, from the server's
 * clock. */
static int write_password(struct configure *c)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *old = NULL;
	const char *hash = get(c, "root_password"), *time = plan_head(c->ctx->plan, "time");
	char day[24] = ""; /* 0 would force a new password at the first login */
	uint64_t seconds;
	char *line, *rest;
	bool found = false;
	int ret;

	if (!hash)
		return 0;
	ret = target_read(c->target, "/etc/shadow", FILE_MAX, &old);
	if (ret)
		return ret == -ENOENT ? log_err(ret, "the base system has no '/etc/shadow'") : ret;
	if (time && !str_to_u64(time, &seconds) && seconds >= 86400)
		snprintf(day, sizeof(day), "%llu", (unsigned long long)(seconds / 86400));
	for (rest = old; (line = strsep(&rest, "\n"));) {
		if (str_starts(line, "root:")) {
			found = true;
			strbuf_addf(&text, "root:%s:%s:0:99999:7:::\n", hash, day);
		} else if (*line) {
			strbuf_addf(&text, "%s\n", line);
		}
	}
	if (!found)
		return log_err(-EINVAL, "'/etc/shadow' of the base system has no line for root");
	return write_text(c, "/etc/shadow", &text, TARGET_KEEP);
}

static int write_ssh_keys(struct configure *c)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret;

	plan_for_each (line, c->section, "ssh_key")
		strbuf_addf(&text, "%s\n", line->value);
	if (!text.len)
		return text.error;
	ret = target_mkdir(c->target, "/root/.ssh", 0700);
	return ret ? ret : write_text(c, "/root/.ssh/authorized_keys", &text, 0600);
}

/* --- identity --- */

static struct target_identity identity_of(const struct configure *c)
{
	return (struct target_identity){.target = c->target,
					.plan = c->ctx->plan,
					.section = c->section,
					.fresh = c->fresh};
}

static int write_machine_id(struct configure *c)
{
	struct target_identity t = identity_of(c);

	return target_machine_id(&t);
}

static int write_host_keys(struct configure *c)
{
	struct target_identity t = identity_of(c);
	int ret = target_host_keys(&t);

	if (!ret)
		target_identity_report(&t);
	return ret;
}

static int write_clock(struct configure *c)
{
	return target_clock(c->target, c->section);
}

/* --- files --- */

static int lay_one(struct configure *c, const char *value)
{
	char root[65], class[80], what[96];
	unsigned long long bytes;

	if (sscanf(value, "%64s %llu %79s", root, &bytes, class) != 3 || !fetch_is_root(root))
		return log_err(-EINVAL, "files '%s' of the plan are not ROOT BYTES CLASS", value);
	snprintf(what, sizeof(what), "files of '%s'", class);
	return fetch_unpack(&(struct fetch){
		.plan = c->ctx->plan,
		.root = root,
		.format = "tar.zst",
		.what = what,
		.target = c->target,
		.overlay = true,
		.ctx = c->ctx,
		.progress = module_progress,
	});
}

static int lay_files(struct configure *c)
{
	int ret = 0;

	plan_for_each (line, c->section, "files")
		ret = ret ? ret : lay_one(c, line->value);
	return ret;
}

/* --- initramfs --- */

/* Last, as it takes in crypttab and what the site's files say of it. */
static int make_initramfs(struct configure *c)
{
	_cleanup_free_ struct volumes *v = NULL;
	const struct volume *device;
	int ret = volumes_find(c->ctx->plan, &v);

	if (ret)
		return ret;
	device = target_initramfs_opens(v);
	return device ? target_initramfs_encrypted(c->target, device) : 0;
}

/* --- TPM --- */

static int enroll_tpm(struct configure *c)
{
	_cleanup_free_ struct volumes *v = NULL;
	int ret = volumes_find(c->ctx->plan, &v);

	return ret ? ret : tpm_enroll(c->target, c->ctx->plan, v);
}

static int configure_run(struct module_context *ctx)
{
	static const struct {
		int (*write)(struct configure *c);
		const char *what;
	} steps[] = {
		{write_hostname, "host name"},
		{write_hosts, "hosts"},
		{write_storage, "fstab"},
		{write_network, "network"},
		{write_resolver, "resolver"},
		{write_password, "root password"},
		{write_ssh_keys, "ssh keys"},
		{write_clock, "clock"},
		{write_machine_id, "machine-id"},
		{write_host_keys, "ssh host keys"},
		{lay_files, "files"},
		{enroll_tpm, "keys in the TPM"},
		{make_initramfs, "initramfs"},
	};
	struct configure c = {.ctx = ctx,
			      .section = ctx->section,
			      .target = ctx->target,
			      .fresh = volume_plan_runs(ctx->plan, "extrbase")};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(steps); i++) {
		module_progress(ctx, i, ARRAY_SIZE(steps), steps[i].what);
		ret = module_cancelled() ? log_err(-ECANCELED, "%s", steps[i].what)
					 : steps[i].write(&c);
	}
	if (!ret)
		module_progress(ctx, ARRAY_SIZE(steps), ARRAY_SIZE(steps), "done");
	return ret;
}

/* --- check --- */

static void check_address(struct module_check *check, const char *key)
{
	struct in_addr a;

	plan_for_each (line, check->section, key)
		if (inet_pton(AF_INET, line->value, &a) != 1)
			check->error(check, "%s '%s' is not an IPv4 address", key, line->value);
}

static void check_links(struct module_check *check)
{
	struct links links;
	const char *wrong = "";

	if (links_parse(&links, check->section, &wrong))
		check->error(check, "the link '%s' cannot be used, of at most %d", wrong,
			     LINKS_MAX);
}

static void configure_check(struct module_check *check)
{
	const char *name = plan_get(check->section, "hostname"),
		   *hash = plan_get(check->section, "root_password");
	const char *netmask = plan_get(check->section, "netmask"),
		   *mac = plan_get(check->section, "mac");
	char text[MAC_TEXT];

	if (!name || !str_is_name(name))
		check->error(check, "'%s' is not a host name", name ? name : "");
	check_address(check, "address");
	check_address(check, "gateway");
	check_address(check, "dns");
	if (plan_get(check->section, "address") && !netmask)
		check->error(check, "an address needs a netmask");
	if (netmask && target_prefix_length(netmask) < 0)
		check->error(check, "'%s' is not a netmask", netmask);
	if (mac && str_to_mac(mac, text))
		check->error(check, "'%s' is not a hardware address", mac);
	check_links(check);
	if (hash && strpbrk(hash, ": \t"))
		check->error(check, "root_password is not the hash of a password");
}

MODULE(configure, .summary = "give the node its name, network, accounts and files",
       .after = "init partition mount extrbase install", .needs = "mount",
       .silence = INITRAMFS_SECONDS + 100, .run = configure_run, .check = configure_check);
