/* See base-tar.h. */
#include "host-tools/lib/base-tar.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "host-tools/lib/acl-xattr.h"
#include "host-tools/lib/base-listing.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define STATUS_MAX ((size_t)64 << 20) /* of dpkg's status file */
#define BLOCK	   ((size_t)128 << 10)

struct pass {
	struct archive *in, *out;
	const char *name;
	struct base_contents *contents;
	struct strbuf status; /* dpkg's */
};

/* Not copied: indexes and caches, this host's and this build's own files. FNM_PATHNAME patterns;
 * what is below a match goes with it. "?*" and not "*", for the name of a folder ends in a slash
 * and the folder itself stays. */
static const char *const dropped[] = {
	"etc/apt/apt.conf.d/99mmdebstrap",
	"etc/hostname",
	"etc/resolv.conf",
	"etc/ssh/ssh_host_*",
	"var/lib/dbus/machine-id",
	"var/lib/apt/lists/?*",
	"var/cache/apt/*.bin",
	"var/cache/apt/archives/*.deb",
	"var/cache/debconf/*-old",
	"var/lib/dpkg/*-old",
	"var/log/*.log",
	"var/log/apt/?*",
	"run/?*",
	"tmp/?*",
};

static bool is_dropped(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (!fnmatch(dropped[i], path, FNM_PATHNAME | FNM_LEADING_DIR))
			return true;
	return false;
}

/* "./usr/bin/x" -> "usr/bin/x" */
static const char *plain(const char *path)
{
	while (str_starts(path, "./"))
		path += 2;
	return path;
}

static void look(struct base_contents *c, struct archive_entry *e, const char *path)
{
	c->entries++;
	if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e))
		c->bytes += (uint64_t)archive_entry_size(e);
	if (!strcmp(path, "sbin/init") || !strcmp(path, "usr/sbin/init"))
		c->has_init = true;
	if (!fnmatch("boot/vmlinuz-*", path, FNM_PATHNAME))
		c->has_kernel = true;
	if (!fnmatch("boot/initrd*", path, FNM_PATHNAME) ||
	    !fnmatch("boot/initramfs*", path, FNM_PATHNAME))
		c->has_initrd = true;
}

static int read_failed(struct pass *p)
{
	return log_err(0, "cannot read '%s': %s", p->name, archive_error_string(p->in));
}

static int write_failed(struct pass *p)
{
	return log_err(0, "cannot write the copy of '%s': %s", p->name,
		       archive_error_string(p->out));
}

/* The data of the entry at hand: to the copy, and into `keep` where it is not NULL. */
static int pass_data(struct pass *p, bool copy, struct strbuf *keep)
{
	char buf[BLOCK];
	la_ssize_t n;

	while ((n = archive_read_data(p->in, buf, sizeof(buf))) > 0) {
		if (keep && strbuf_add(keep, buf, (size_t)n))
			return log_err(keep->error, "dpkg's status file in '%s'", p->name);
		if (copy && archive_write_data(p->out, buf, (size_t)n) != n)
			return write_failed(p);
		if (p->contents->listing)
			base_listing_data(p->contents->listing, buf, (size_t)n);
	}
	return n < 0 ? read_failed(p) : 0;
}

static int pass_entry(struct pass *p, struct archive_entry *e)
{
	const char *path = archive_entry_pathname(e);
	bool copy = p->out != NULL, data = true;

	if (!path)
		return log_err(0, "'%s' has an entry without a name", p->name);
	path = plain(path);
	look(p->contents, e, path);
	if (copy && is_dropped(path))
		return 0;
	if (copy && !strcmp(path, "etc/machine-id")) { /* empty: the first boot makes one */
		archive_entry_set_size(e, 0);
		data = false;
	}
	if (copy && acl_from_xattrs(e))
		return log_err(0, "'%s': the ACL of '%s' is damaged", p->name, path);
	if (copy && archive_write_header(p->out, e) < ARCHIVE_WARN)
		return write_failed(p);
	if (p->contents->listing && base_listing_entry(p->contents->listing, e, path))
		return -EINVAL;
	return data ? pass_data(p, copy, strcmp(path, "var/lib/dpkg/status") ? NULL : &p->status)
		    : 0;
}

/* Paragraphs of "Package: NAME", "Status: install ok installed", "Version: V". */
static void list_packages(struct base_contents *c, char *status)
{
	const char *name = "", *version = "";
	bool installed = false;
	char *line;

	while ((line = strsep(&status, "\n"))) {
		if (str_starts(line, "Package: "))
			name = line + 9;
		else if (str_starts(line, "Version: "))
			version = line + 9;
		else if (str_starts(line, "Status: "))
			installed = str_ends(line, " installed");
		if (*line && status)
			continue;
		if (installed)
			strbuf_addf(&c->packages, "%s %s\n", name, version);
		installed = false;
	}
}

int base_tar_pass(struct archive *in, struct archive *out, const char *name,
		  struct base_contents *contents, base_progress_fn *progress, void *arg)
{
	struct pass p = {.in = in,
			 .out = out,
			 .name = name,
			 .contents = contents,
			 .status = {.max = STATUS_MAX}};
	struct archive_entry *e;
	int got, ret = 0;

	while (!ret && (got = archive_read_next_header(in, &e)) != ARCHIVE_EOF) {
		if (got < ARCHIVE_WARN)
			ret = read_failed(&p);
		else
			ret = pass_entry(&p, e);
		if (!ret && progress)
			progress(contents, arg);
	}
	if (!ret && p.status.buf)
		list_packages(contents, p.status.buf);
	strbuf_free(&p.status);
	return ret;
}
