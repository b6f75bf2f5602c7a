/* See site-archive.h. Not compressed: it is a few kilobytes, and the kernel takes archives one
 * after another. */
#include "host-tools/lib/site-archive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define SHELL_MODULE_MAX ((size_t)1 << 20)

static ssize_t append(struct archive *a, void *arg, const void *data, size_t len)
{
	(void)a;
	return strbuf_add(arg, data, len) ? -1 : (ssize_t)len;
}

/* A folder where data is NULL. */
static int add_entry(struct archive *a, const char *path, mode_t mode, const void *data, size_t len)
{
	struct archive_entry *e = archive_entry_new();
	int ret;

	if (!e)
		return -ENOMEM;
	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, (data ? S_IFREG : S_IFDIR) | mode);
	archive_entry_set_nlink(e, data ? 1 : 2);
	archive_entry_set_size(e, (int64_t)len);
	archive_entry_set_mtime(e, 0, 0);
	ret = archive_write_header(a, e);
	archive_entry_free(e);
	if (ret == ARCHIVE_OK && data && archive_write_data(a, data, len) != (ssize_t)len)
		ret = ARCHIVE_FATAL;
	return ret == ARCHIVE_OK ? 0 : -EIO;
}

static int add_modules(struct archive *a, const struct modules *modules)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < modules->count; i++) {
		const struct module_info *m = modules->list[i];
		_cleanup_free_ char *text = NULL,
				    *path = xasprintf("lib/lucie/modules/%s.sh", m->name);
		size_t len;

		if (!m->site)
			continue;
		ret = file_read(m->path, SHELL_MODULE_MAX, &text, &len);
		if (ret)
			return log_err(ret, "cannot read '%s'", m->path);
		ret = add_entry(a, path, 0755, text, len);
	}
	return ret;
}

static int add_all(struct archive *a, const uint8_t public_key[SITE_PUBLIC_LEN],
		   const struct modules *modules)
{
	static const char *const folders[] = {"etc", "etc/lucie", "lib", "lib/lucie",
					      "lib/lucie/modules"};
	char key[2 * SITE_PUBLIC_LEN + 2];
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++)
		ret = add_entry(a, folders[i], 0755, NULL, 0);
	str_to_hex(public_key, SITE_PUBLIC_LEN, key);
	strcat(key, "\n");
	if (!ret)
		ret = add_entry(a, "etc/lucie/site.pub", 0644, key, strlen(key));
	return ret ? ret : add_modules(a, modules);
}

int site_archive_make(struct strbuf *out, const uint8_t public_key[SITE_PUBLIC_LEN],
		      const struct modules *modules)
{
	struct archive *a = archive_write_new();
	int ret = a ? 0 : -ENOMEM;

	if (ret)
		return ret;
	if (archive_write_set_format_cpio_newc(a) || archive_write_set_bytes_per_block(a, 512) ||
	    archive_write_open(a, out, NULL, append, NULL))
		ret = -EIO;
	if (!ret)
		ret = add_all(a, public_key, modules);
	if (archive_write_close(a) && !ret)
		ret = -EIO;
	if (ret)
		log_err(ret, "cannot make the site archive");
	archive_write_free(a);
	return ret;
}
