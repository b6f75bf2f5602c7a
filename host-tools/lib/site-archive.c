/* See site-archive.h. Not compressed: it is a few kilobytes, and the kernel takes archives one
 * after another. */
#include "host-tools/lib/site-archive.h"

#include <string.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/newc.h"
#include "init/lib/cleanup.h"

static int add_key(struct newc *n, const uint8_t public_key[SITE_PUBLIC_LEN])
{
	char key[2 * SITE_PUBLIC_LEN + 2];

	str_to_hex(public_key, SITE_PUBLIC_LEN, key);
	strcat(key, "\n");
	return newc_data(n, "etc/lucie/site.pub", 0644, key, strlen(key));
}

static int add_modules(struct newc *n, const struct modules *modules)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < modules->count; i++) {
		const struct module_info *m = modules->list[i];
		_cleanup_free_ char *path = xasprintf("lib/lucie/modules/%s.sh", m->name);

		if (m->site)
			ret = newc_file(n, path, 0755, m->path);
	}
	return ret;
}

int site_archive_write(const char *file, const uint8_t public_key[SITE_PUBLIC_LEN],
		       const struct modules *modules)
{
	static const char *const folders[] = {"etc", "etc/lucie", "lib", "lib/lucie",
					      "lib/lucie/modules"};
	struct newc *n;
	int ret = newc_create(&n, file, 0), end;

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++)
		ret = newc_dir(n, folders[i], 0755);
	if (!ret)
		ret = add_key(n, public_key);
	if (!ret)
		ret = add_modules(n, modules);
	end = newc_close(n);
	return ret ? ret : end;
}
