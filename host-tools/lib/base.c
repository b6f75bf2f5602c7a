/* See base.h. A base carries its kernel and its initrd: making them on every node is what other
 * installers spend most of their time on. */
#include "host-tools/lib/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>

#include "host-tools/lib/apt-sources.h"
#include "host-tools/lib/base-listing.h"
#include "host-tools/lib/base-tar.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/store.h"
#include "host-tools/lib/tar-file.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"
#include "modules/lib/listing.h"

#define BUILD_SILENCE 900 /* seconds without a word of mmdebstrap: it hangs */
#define BUILD_TOTAL   7200
#define ZSTD_LEVEL    "10" /* window of 4 MiB; 19 and above would not fit */
#define ARGS_MAX      64

/* What a system needs to start from its own disk and be reached, besides its kernel and what a
 * distribution calls required. */
static const char base_packages[] =
	"systemd-sysv,udev,dbus,kmod,iproute2,e2fsprogs,initramfs-tools,zstd";

struct progress {
	const char *what;
	int64_t next; /* now_ms() */
};

static void show_progress(const struct base_contents *c, void *arg)
{
	struct progress *p = arg;
	char size[16];

	if (now_ms() < p->next)
		return;
	if (p->next)
		printf("%s: %llu entries, %s\n", p->what, (unsigned long long)c->entries,
		       str_from_size(c->bytes, size, sizeof(size)));
	fflush(stdout);
	p->next = now_ms() + 5000;
}

/* The listing names the blob, so it comes after it: where something came between, what lies there is
 * seen to be of another base. */
static int store_entries(const char *state_dir, const char *name, const char *root,
			 const struct base_contents *c)
{
	_cleanup_strbuf_ struct strbuf text = {.max = LISTING_MAX};
	struct store_blob blob;
	char path[PATH_MAX], tmp[PATH_MAX + 8];
	int ret = store_listing_path(state_dir, name, path);

	if (ret)
		return log_err(ret, "base '%s'", name);
	base_listing_write(c->listing, root, &text);
	snprintf(tmp, sizeof(tmp), "%s~", path);
	ret = text.error ? text.error : file_write(tmp, text.buf, text.len, 0644);
	if (ret)
		return log_err(ret, "cannot write '%s'", tmp);
	ret = store_put(state_dir, tmp, path, &blob);
	return ret < 0 ? ret : 0;
}

/* The data file and its manifest, then its entries and the list of packages beside them. */
static int store(const char *state_dir, const char *name, const char *format, const char *tmp,
		 const struct base_contents *c)
{
	_cleanup_free_ char *list = xasprintf("%s/bases/%s.packages", state_dir, name);
	struct store_blob blob;
	char path[PATH_MAX], packed[16], unpacked[16];
	int ret = store_base_path(state_dir, name, format, path), changed;

	if (ret)
		return log_err(ret, "base '%s'", name);
	changed = store_put(state_dir, tmp, path, &blob);
	if (changed < 0)
		return changed;
	ret = store_entries(state_dir, name, blob.root, c);
	if (ret)
		return ret;
	ret = store_drop_other_formats(state_dir, name, format);
	if (!ret)
		ret = file_update(list, c->packages.buf ? c->packages.buf : "", c->packages.len,
				  0644);
	if (ret < 0)
		return log_err(ret, "cannot write '%s'", list);
	printf("base %s: %s, %llu entries, %s unpacked, root %.16s\n", name,
	       str_from_size(blob.bytes, packed, sizeof(packed)), (unsigned long long)c->entries,
	       str_from_size(c->bytes, unpacked, sizeof(unpacked)), blob.root);
	return changed;
}

static int make_folder(const char *state_dir)
{
	_cleanup_free_ char *path = xasprintf("%s/bases", state_dir);
	int ret = mkdir_path(path, 0755);

	return ret ? log_err(ret, "cannot make '%s'", path) : 0;
}

/* --- taking a tar --- */

static int inspect(const char *file, const char *name, struct base_contents *c)
{
	struct progress progress = {.what = name};
	struct tar_file *t;
	int ret = tar_file_open(&t, file);

	if (!ret)
		ret = base_tar_pass(tar_file_archive(t), NULL, file, c, show_progress, &progress);
	tar_file_close(t);
	if (ret)
		return ret;
	if (!c->has_init)
		return log_err(0, "'%s' has no /sbin/init, expected a tar of a root file system",
			       file);
	if (!c->has_kernel || !c->has_initrd)
		log_warn("base '%s' has no %s in /boot: packages must bring it, or a node cannot "
			 "start from its disk",
			 name, c->has_kernel ? "initrd" : "kernel");
	return 0;
}

static void contents_free(struct base_contents *c)
{
	base_listing_free(c->listing);
	strbuf_free(&c->packages);
}

static int take(const char *state_dir, const char *name, const char *file, const char *tmp)
{
	struct base_contents contents = {.listing = base_listing_new()};
	_cleanup_close_ int fd = -1;
	int ret = file_copy_update(tmp, file, 0644);

	if (ret < 0) {
		contents_free(&contents);
		return log_err(ret, "cannot copy '%s'", file);
	}
	fd = open(tmp, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? log_err(-errno, "cannot read '%s'", tmp) : inspect(tmp, name, &contents);
	if (!ret)
		ret = store(state_dir, name, tar_file_format(fd), tmp, &contents);
	contents_free(&contents);
	return ret;
}

/* What a base was taken from, so that an unchanged file is not read again: "SIZE MTIME PATH". */
static char *describe_source(const char *file)
{
	struct stat st;

	if (stat(file, &st))
		return NULL;
	return xasprintf("%lld %lld.%09ld %s\n", (long long)st.st_size,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, file);
}

int base_add(const char *state_dir, const char *name, const char *file)
{
	_cleanup_free_ char *note = xasprintf("%s/bases/%s.source", state_dir, name), *old = NULL,
			    *now = describe_source(file);
	_cleanup_free_ char *tmp = xasprintf("%s/bases/%s.%ld~", state_dir, name, (long)getpid());
	struct store_blob blob;
	int ret = make_folder(state_dir);

	if (ret)
		return ret;
	if (!now)
		return log_err(-errno, "cannot read '%s'", file);
	if (!file_read(note, PATH_MAX + 64, &old, NULL) && !strcmp(old, now) &&
	    !store_base(state_dir, name, &blob) && !store_listing(state_dir, name, &blob))
		return 0;
	ret = take(state_dir, name, file, tmp);
	unlink(tmp);
	if (ret >= 0 && file_update(note, now, strlen(now), 0644) < 0)
		log_warn("cannot write '%s'", note);
	return ret;
}

/* --- building one --- */

static void print_line(const char *line, void *arg)
{
	(void)arg;
	printf("%s\n", line);
	fflush(stdout);
}

struct settings {
	char *args[ARGS_MAX];
	size_t count;
};

/* "Acquire::http::Proxy "http://...";" of this host's apt: how it reaches the mirror is how
 * mmdebstrap does. */
static void take_setting(const char *line, void *arg)
{
	static const char *const wanted[] = {"Acquire::http", "Acquire::https", "Acquire::Check-",
					     "Acquire::Retries"};
	struct settings *s = arg;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (str_starts(line, wanted[i]) && !strstr(line, " \"\";") && s->count < ARGS_MAX)
			s->args[s->count++] = xasprintf("--aptopt=%s", line);
}

static int read_settings(struct settings *s)
{
	char *const argv[] = {(char *)"apt-config", (char *)"dump", (char *)"Acquire", NULL};
	struct proc_options o = {.total_seconds = 60, .line = take_setting, .arg = s};
	char buf[80];
	int ret = proc_run(argv, &o);

	return ret ? log_err(0, "apt-config: %s", proc_result(ret, &o, buf, sizeof(buf))) : 0;
}

static char *package_list(const struct cluster_object *base, const char *distribution)
{
	const char *kernel = cluster_get(base, "kernel"), *more = cluster_get(base, "packages");

	if (!kernel)
		kernel = strcmp(distribution, "ubuntu") ? "linux-image-amd64"
							: "linux-image-generic";
	return xasprintf("--include=%s,%s%s%s", base_packages, kernel, more ? "," : "",
			 more ? more : "");
}

/* Who is not root builds as the root of a user namespace, which takes a program that is set-uid and
 * numbers of the user's own. mmdebstrap says neither. */
static int may_build(void)
{
	if (!geteuid())
		return 0;
	if (access("/usr/bin/newuidmap", X_OK))
		return log_err(0, "a base system is built as root, or with the package 'uidmap'");
	if (access("/etc/subuid", R_OK))
		return log_err(-errno,
			       "a base system is built as root, or by a user who has numbers "
			       "in '/etc/subuid'");
	return 0;
}

static int run_mmdebstrap(const struct cluster_object *base, const char *tar, const char *sources)
{
	char codename[64], id[64], buf[80], *argv[ARGS_MAX + 16];
	const char *suite = cluster_get(base, "suite");
	struct proc_options o = {
		.silence_seconds = BUILD_SILENCE, .total_seconds = BUILD_TOTAL, .line = print_line};
	_cleanup_free_ char *include = NULL;
	struct settings settings = {.count = 0};
	size_t n = 0;
	int ret = may_build();

	if (!ret)
		ret = apt_host_release(codename, sizeof(codename), id, sizeof(id));
	if (ret || (ret = read_settings(&settings)))
		return ret;
	include = package_list(base, id);
	argv[n++] = (char *)"mmdebstrap";
	argv[n++] = (char *)"--mode=auto";
	argv[n++] = (char *)"--variant=minbase";
	argv[n++] = (char *)"--format=tar";
	argv[n++] = include;
	for (size_t i = 0; i < settings.count; i++)
		argv[n++] = settings.args[i];
	argv[n++] = (char *)(suite ? suite : codename);
	argv[n++] = (char *)tar;
	argv[n++] = (char *)sources;
	argv[n] = NULL;
	ret = proc_run(argv, &o);
	for (size_t i = 0; i < settings.count; i++)
		free(settings.args[i]);
	return ret ? log_err(0, "mmdebstrap: %s", proc_result(ret, &o, buf, sizeof(buf))) : 0;
}

static struct archive *open_plain_tar(const char *path)
{
	struct archive *a = archive_read_new();

	if (!a || archive_read_support_format_tar(a) ||
	    archive_read_open_filename(a, path, 256 << 10)) {
		log_err(0, "cannot read '%s': %s", path,
			a ? archive_error_string(a) : "out of memory");
		if (a)
			archive_read_free(a);
		return NULL;
	}
	return a;
}

static struct archive *create_zstd_tar(const char *path)
{
	struct archive *a = archive_write_new();

	if (!a || archive_write_set_format_pax_restricted(a) || archive_write_add_filter_zstd(a) ||
	    archive_write_set_filter_option(a, "zstd", "compression-level", ZSTD_LEVEL) ||
	    archive_write_open_filename(a, path)) {
		log_err(0, "cannot write '%s': %s", path,
			a ? archive_error_string(a) : "out of memory");
		if (a)
			archive_write_free(a);
		return NULL;
	}
	return a;
}

/* mmdebstrap's tar to the one that nodes get. */
static int pack(const char *tar, const char *packed, const char *name, struct base_contents *c)
{
	struct archive *in = open_plain_tar(tar), *out = in ? create_zstd_tar(packed) : NULL;
	struct progress progress = {.what = "packing"};
	int ret = out ? base_tar_pass(in, out, name, c, show_progress, &progress) : -EIO;

	if (out && archive_write_close(out) && !ret)
		ret = log_err(0, "cannot write '%s': %s", packed, archive_error_string(out));
	if (out)
		archive_write_free(out);
	if (in)
		archive_read_free(in);
	if (!ret && (!c->has_kernel || !c->has_initrd || !c->has_init))
		ret = log_err(0, "base '%s' came out without %s", name,
			      !c->has_init    ? "/sbin/init"
			      : c->has_kernel ? "an initrd in /boot"
					      : "a kernel in /boot");
	return ret;
}

static int build(const char *state_dir, const struct cluster_object *base, const char *tar,
		 const char *packed, const char *sources)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct base_contents contents = {.listing = NULL};
	char codename[64], id[64];
	const char *suite = cluster_get(base, "suite");
	int ret = apt_host_release(codename, sizeof(codename), id, sizeof(id));

	if (ret)
		return log_err(ret, "cannot tell this host's release from /etc/os-release");
	ret = apt_sources_write(&text, suite ? suite : codename);
	if (ret)
		return ret;
	ret = file_write(sources, text.buf, text.len, 0644);
	if (ret)
		return log_err(ret, "cannot write '%s'", sources);
	ret = run_mmdebstrap(base, tar, sources);
	contents.listing = base_listing_new();
	if (!ret)
		ret = pack(tar, packed, base->name, &contents);
	if (!ret)
		ret = store(state_dir, base->name, "tar.zst", packed, &contents);
	contents_free(&contents);
	return ret < 0 ? ret : 0;
}

/* In a folder of its own, because apt looks at the name of a file of sources, and keeps it in the
 * base. */
int base_build(const char *state_dir, const struct cluster_object *base)
{
	_cleanup_free_ char *folder =
		xasprintf("%s/bases/%s.%ld~", state_dir, base->name, (long)getpid());
	_cleanup_free_ char *tar = xasprintf("%s/base.tar", folder),
			    *packed = xasprintf("%s/base.tar.zst", folder);
	_cleanup_free_ char *sources = xasprintf("%s/base.sources", folder);
	int ret = mkdir_path(folder, 0755);

	if (ret)
		return log_err(ret, "cannot make '%s'", folder);
	ret = build(state_dir, base, tar, packed, sources);
	unlink(tar);
	unlink(packed);
	unlink(sources);
	rmdir(folder);
	return ret;
}
