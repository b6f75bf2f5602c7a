/* install: packages from the plan's repositories, by the target's own apt in a chroot.
 *
 * No service starts (policy-rc.d), nothing asks, recommendations stay away: a cluster's definition
 * names what it wants. update-initramfs and mandb are diverted while packages are set up, because
 * generating an initramfs once per package is most of an installation's time; what was asked for is
 * done once at the end. All of this is undone afterwards, also where the installation failed.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/journal.h"
#include "modules/lib/target-initramfs.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define APT_GET "/usr/bin/apt-get"
#define POLICY	"/usr/sbin/policy-rc.d"
#define RESOLV	"/etc/resolv.conf"
#define ASIDE	".lucie-aside" /* a file of the base that makes room for ours */
#define MARK	"# lucie: for the installation only\n"
#define SOURCES "/etc/apt/sources.list.d/lucie.list"
#define SOURCES_NOW                                                                                \
	"/run/lucie/sources.list" /* those of SOURCES and the ones that exist only now */
#define KEYRINGS "/etc/apt/keyrings"
#define REPOSITORY_NOW                                                                             \
	"/run/lucie/repository-" /* where a file: repository of the installer is seen in the       \
				    target */
#define WANTED_INITRAMFS "/run/lucie/initramfs"
#define UPDATE_INITRAMFS "/usr/sbin/update-initramfs"
#define KEY_MAX		 ((size_t)1 << 20)
#define REPOSITORIES_MAX 32
#define PACKAGES_MAX	 4096
#define SILENCE_SECONDS                                                                            \
	INITRAMFS_SECONDS /* a package may make one, too; less than the module's own limit */

struct repository {
	const char *value;   /* URI SUITE COMPONENT... */
	bool trusted, local; /* local: below the installer's root */
	struct strbuf keys;  /* paths in the target, separated by commas */
};

struct install {
	struct module_context *ctx;
	struct volumes *v;
	struct repository list[REPOSITORIES_MAX];
	size_t count, packages;
	bool policy, resolver; /* these files of the target are ours for a while */
	size_t diverted;
};

/* --- repositories --- */

static int take_key(struct install *in, struct repository *r, const char *base64,
		    unsigned int number)
{
	size_t room = strlen(base64) / 4 * 3 + 3, len;
	_cleanup_free_ unsigned char *key = malloc(room);
	char path[64];

	if (!key || room > KEY_MAX)
		return log_err(key ? -EFBIG : -ENOMEM, "cannot take the key of repository '%s'",
			       r->value);
	if (sodium_base642bin(key, room, base64, strlen(base64), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL))
		return log_err(-EINVAL, "the key of repository '%s' is not base64", r->value);
	snprintf(path, sizeof(path), KEYRINGS "/lucie-%u.%s", number,
		 len > 5 && !memcmp(key, "-----", 5) ? "asc" : "gpg");
	strbuf_addf(&r->keys, "%s%s", r->keys.len ? "," : "", path);
	return target_write(in->ctx->target, path, key, len, 0644);
}

/* `trusted` and `repository_key` belong to the repository line above them. */
static int read_repositories(struct install *in)
{
	struct repository *r = NULL;
	unsigned int keys = 0;
	int ret = 0;

	plan_for_each (line, in->ctx->section, NULL) {
		if (!strcmp(line->key, "repository")) {
			if (in->count == REPOSITORIES_MAX)
				return log_err(-E2BIG, "more than %d repositories",
					       REPOSITORIES_MAX);
			r = &in->list[in->count++];
			r->value = line->value;
		} else if (r && !strcmp(line->key, "trusted")) {
			r->trusted = !strcmp(line->value, "yes");
		} else if (r && !strcmp(line->key, "repository_key")) {
			ret = take_key(in, r, line->value, ++keys);
		}
		if (ret)
			return ret;
	}
	return in->count ? 0 : log_err(-EINVAL, "there are packages to install, but no repository");
}

/* file:/path and file:///path of the installer's own root (an archive, an NFS root) are shown to
 * the target while packages are installed. */
static int show_local(struct install *in, size_t n)
{
	struct repository *r = &in->list[n];
	char inner[64], place[PATH_MAX], path[PATH_MAX];
	const char *from;
	struct stat st;
	int ret;

	if (!str_starts(r->value, "file:"))
		return 0;
	from = r->value + strlen("file:");
	from += strspn(from, "/") - 1;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(from, " "), from);
	if (path[0] != '/')
		return log_err(-EINVAL, "'%s' is not an absolute path", r->value);
	if (target_exists(in->ctx->target, path))
		return 0;
	if (stat(path, &st))
		return log_err(-errno, "cannot find the repository '%s'", path);
	snprintf(inner, sizeof(inner), REPOSITORY_NOW "%zu", n);
	snprintf(place, sizeof(place), "%s%s", in->ctx->target, inner);
	ret = target_mkdir(in->ctx->target, inner, 0755);
	if (!ret && mount(path, place, NULL, MS_BIND, NULL))
		ret = log_err(-errno, "cannot show the repository '%s' to the target", path);
	r->local = !ret;
	return ret;
}

static void add_source(struct strbuf *b, const struct repository *r, size_t n, bool now)
{
	size_t uri = strcspn(r->value, " ");

	if (r->local && !now)
		return;
	strbuf_adds(b, "deb ");
	if (r->trusted || r->keys.len)
		strbuf_addf(b, "[%s%s%s%s] ", r->trusted ? "trusted=yes" : "",
			    r->trusted && r->keys.len ? " " : "", r->keys.len ? "signed-by=" : "",
			    r->keys.len ? r->keys.buf : "");
	if (r->local)
		strbuf_addf(b, "file:" REPOSITORY_NOW "%zu%s\n", n, r->value + uri);
	else
		strbuf_addf(b, "%s\n", r->value);
}

static int write_sources(struct install *in)
{
	_cleanup_strbuf_ struct strbuf lasting = STRBUF_INIT, now = STRBUF_INIT;
	const char *target = in->ctx->target;
	int ret = 0;

	for (size_t n = 0; !ret && n < in->count; n++) {
		ret = show_local(in, n);
		add_source(&lasting, &in->list[n], n, false);
		add_source(&now, &in->list[n], n, true);
	}
	if (!ret && (lasting.error || now.error))
		ret = log_err(-ENOMEM, "cannot write '%s'", SOURCES);
	if (!ret)
		ret = target_write_text(target, SOURCES_NOW, now.buf, 0644);
	if (!ret && lasting.len)
		ret = target_write_text(target, SOURCES, lasting.buf, 0644);
	return ret;
}

/* --- what must not run meanwhile --- */

static const struct diverted {
	const char *path, *stub;
} diverted[] = {
	{UPDATE_INITRAMFS, "#!/bin/sh\n: >" WANTED_INITRAMFS "\n"},
	{"/usr/bin/mandb", "#!/bin/sh\n"},
};

static int divert(const char *target, const char *path, bool add)
{
	char aside[PATH_MAX];

	snprintf(aside, sizeof(aside), "%s" ASIDE, path);
	return target_run(target, &(struct target_command){
					  .argv = (char *[]){"/usr/bin/dpkg-divert", "--quiet",
							     "--local", "--rename", "--divert",
							     aside, add ? "--add" : "--remove",
							     (char *)path, NULL}});
}

/* Puts our text at path; what the base has there waits aside. After a power cut it may be ours
 * already. */
static int replace(const char *target, const char *path, const char *text, mode_t mode)
{
	_cleanup_free_ char *old = NULL;
	char aside[PATH_MAX];
	int ret = target_read(target, path, KEY_MAX, &old);

	snprintf(aside, sizeof(aside), "%s" ASIDE, path);
	if (ret && ret != -ENOENT)
		return ret;
	ret = old && !strcmp(old, text) ? 0 : target_rename(target, path, aside);
	return ret ? ret : target_write_text(target, path, text, mode);
}

static int put_back(const char *target, const char *path)
{
	char aside[PATH_MAX];
	int ret = target_remove(target, path);

	snprintf(aside, sizeof(aside), "%s" ASIDE, path);
	return ret ? ret : target_rename(target, aside, path);
}

/* Names in URIs are resolved as the installer does it. */
static int lend_resolver(struct install *in)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *ours = NULL;
	int ret;

	if (file_read(RESOLV, KEY_MAX, &ours, NULL) || !*ours)
		return 0;
	strbuf_addf(&text, MARK "%s", ours);
	ret = text.error ? text.error : replace(in->ctx->target, RESOLV, text.buf, 0644);
	in->resolver = !ret;
	return ret;
}

static int hold_back(struct install *in)
{
	const char *target = in->ctx->target;
	int ret = replace(target, POLICY, "#!/bin/sh\n" MARK "exit 101\n", 0755);

	in->policy = !ret;
	if (!ret)
		ret = lend_resolver(in);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(diverted); i++) {
		ret = divert(target, diverted[i].path, true);
		in->diverted += !ret;
		if (!ret)
			ret = target_write_text(target, diverted[i].path, diverted[i].stub, 0755);
	}
	return ret;
}

/* Undoes what was done, and goes on after an error: the target is to be as clean as it can be. */
static int let_go(struct install *in)
{
	const char *target = in->ctx->target;
	int first = 0, ret;

	for (size_t i = 0; i < in->diverted; i++) {
		ret = target_remove(target, diverted[i].path);
		if (!ret)
			ret = divert(target, diverted[i].path, false);
		first = first ? first : ret;
	}
	ret = in->resolver ? put_back(target, RESOLV) : 0;
	first = first ? first : ret;
	ret = in->policy ? put_back(target, POLICY) : 0;
	return first ? first : ret;
}

/* --- apt --- */

/* "pmstatus:PACKAGE:PERCENT:TEXT", "dlstatus:NUMBER:PERCENT:TEXT", "pmerror:PACKAGE:PERCENT:TEXT"
 * (apt's README.progress-reporting). Downloading is the first half of the progress. */
static bool apt_line(const char *line, char *reason, void *arg)
{
	struct install *in = arg;
	bool setting_up = str_starts(line, "pmstatus:");
	char text[128] = "", package[64];
	double percent;

	if (setting_up || str_starts(line, "dlstatus:")) {
		if (sscanf(line + 9, "%*[^:]:%lf:%127[^\n]", &percent, text) == 2 && percent >= 0 &&
		    percent <= 100)
			module_progress(in->ctx, (uint64_t)percent + (setting_up ? 100 : 0), 200,
					text);
		return true;
	}
	if (sscanf(line, "pmerror:%63[^:]:%*[^:]:%127[^\n]", package, text) == 2)
		snprintf(reason, TARGET_REASON_MAX, "%s: %s", package, text);
	else if (!*reason && (str_starts(line, "E: ") || str_starts(line, "dpkg: error")))
		snprintf(reason, TARGET_REASON_MAX, "%s", line);
	return false;
}

#define APT_OPTIONS                                                                                \
	"-q", "-y", "-o", "Dir::Etc::SourceList=" SOURCES_NOW, "-o", "Dir::Etc::SourceParts=-",    \
		"-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30", "-o",               \
		"Acquire::Languages=none", "-o", "APT::Update::Error-Mode=any", "-o",              \
		"APT::Install-Recommends=false", "-o", "APT::Keep-Downloaded-Packages=false",      \
		"-o", "APT::Status-Fd=1", "-o", "Dpkg::Use-Pty=false", "-o",                       \
		"Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "-o",  \
		"Dpkg::Options::=--force-unsafe-io"

static int run(struct install *in, char *const argv[])
{
	return target_run(in->ctx->target,
			  &(struct target_command){.argv = argv,
						   .silence_seconds = SILENCE_SECONDS,
						   .line = apt_line,
						   .arg = in});
}

static int install_packages(struct install *in)
{
	char *const start[] = {APT_GET, APT_OPTIONS, "install", "--"};
	_cleanup_free_ char **argv = calloc(ARRAY_SIZE(start) + in->packages + 1, sizeof(*argv));
	size_t n = ARRAY_SIZE(start);

	if (!argv)
		return log_err(-ENOMEM, "cannot install packages");
	memcpy(argv, start, sizeof(start));
	plan_for_each (line, in->ctx->section, "package")
		argv[n++] = (char *)line->value;
	return run(in, argv);
}

static int use_apt(struct install *in)
{
	/* What a power cut left half done is finished first. */
	int ret = run(in, (char *[]){"/usr/bin/dpkg", "--configure", "-a", "--force-confdef",
				     "--force-confold", NULL});

	if (!ret)
		ret = write_sources(in);
	if (!ret)
		ret = run(in, (char *[]){APT_GET, APT_OPTIONS, "update", NULL});
	if (!ret)
		ret = install_packages(in);
	return ret ? ret : run(in, (char *[]){APT_GET, APT_OPTIONS, "clean", NULL});
}

/* --- the module --- */

/* Once for every kernel where a package asked for it, else for those that have none. Where the root is
 * encrypted, configure makes it anyway. */
static int make_initramfs(struct install *in, bool wanted)
{
	if (target_initramfs_opens(in->v) && volume_plan_runs(in->ctx->plan, "configure"))
		return 0;
	module_progress(in->ctx, 0, 0, "generating the initramfs");
	return target_initramfs(in->ctx->target, wanted);
}

static int install_in_target(struct install *in)
{
	bool initramfs;
	int ret = hold_back(in), undone;

	if (!ret)
		ret = use_apt(in);
	initramfs = target_exists(in->ctx->target, WANTED_INITRAMFS);
	undone = let_go(in);
	if (ret || undone)
		return ret ? ret : undone;
	return make_initramfs(in, initramfs);
}

/* apt writes without syncing: until that is done, the target would not survive a power cut. */
static int make_lasting(const struct install *in)
{
	int ret = volumes_sync(in->v, in->ctx->target);

	return ret ? ret : journal_close(in->ctx->plan, "install");
}

static bool install_stands(struct module_context *ctx)
{
	return journal_has(ctx->plan, "install");
}

static int install_run(struct module_context *ctx)
{
	struct install in = {.ctx = ctx};
	int ret, left;

	plan_for_each (line, ctx->section, "package")
		in.packages++;
	if (!in.packages) {
		log_info("no packages to install");
		return 0;
	}
	if (!target_exists(ctx->target, APT_GET))
		return log_err(-ENOENT, "the base system has no '%s'", APT_GET);
	ret = volumes_find(ctx->plan, &in.v);
	if (!ret)
		ret = journal_open(ctx->plan, "install");
	if (!ret)
		ret = read_repositories(&in);
	if (!ret)
		ret = target_enter(ctx->target);
	if (!ret)
		ret = install_in_target(&in);
	left = target_leave(ctx->target);
	for (size_t i = 0; i < in.count; i++)
		strbuf_free(&in.list[i].keys);
	if (!ret)
		ret = left;
	if (!ret)
		ret = make_lasting(&in);
	free(in.v);
	return ret;
}

/* PACKAGE[:ARCHITECTURE][=VERSION|/SUITE]; apt would take a '-' at the end for a removal. */
static bool is_package(const char *s)
{
	size_t n = strlen(s);

	if (!isalnum((unsigned char)s[0]) || n > 255 || s[n - 1] == '-')
		return false;
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("+-.:=/~_", *c))
			return false;
	return true;
}

static void install_check(struct module_check *check)
{
	size_t packages = 0;
	bool repository = false;

	plan_for_each (line, check->section, NULL) {
		if (!strcmp(line->key, "repository")) {
			repository = true;
			if (!strchr(line->value, ' ') || strpbrk(line->value, "[]#"))
				check->error(check, "repository '%s' is not URI SUITE COMPONENT...",
					     line->value);
		} else if (!strcmp(line->key, "package")) {
			packages++;
			if (!is_package(line->value))
				check->error(check, "'%s' is not the name of a package",
					     line->value);
		}
	}
	if (packages > PACKAGES_MAX)
		check->error(check, "more than %d packages", PACKAGES_MAX);
	if (packages && !repository)
		check->error(check, "packages are to be installed, but no package server is named");
}

MODULE(install, .summary = "install packages with the target's own package manager",
       .after = "init partition mount extrbase", .needs = "mount", .silence = SILENCE_SECONDS + 100,
       .run = install_run, .stands = install_stands, .check = install_check);
