/* What a node's network boot loader gets to read; see boot-files.h. The default is the local disk:
 * a node installs only while it is armed, whatever else goes wrong. */
#include "host-tools/lib/boot-files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* text NULL: the card has no file, and boots as the default says. */
static int write_one(const char *dir, const char *prefix, const char *card,
		     const struct strbuf *text)
{
	char path[PATH_MAX];
	int ret = 0;

	if (snprintf(path, sizeof(path), "%s/tftp/%s%s", dir, prefix, card) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (text)
		ret = file_update(path, text->buf, text->len, 0644);
	else if (unlink(path) && errno != ENOENT)
		ret = -errno;
	return ret < 0 ? log_err(ret, "cannot replace '%s'", path) : 0;
}

/* The files of one card; it needs none where the default says the same. */
static int write_card(const char *dir, const struct boot_entry *e, bool needed, const char *mac)
{
	_cleanup_strbuf_ struct strbuf pxelinux = STRBUF_INIT, grub = STRBUF_INIT;
	char card[BOOT_CARD_TEXT];
	int ret = boot_entry_pxelinux(&pxelinux, e);

	if (!ret)
		ret = boot_entry_grub(&grub, e, mac);
	if (ret)
		return ret;
	boot_card_name(mac, card);
	ret = write_one(dir, BOOT_PXELINUX, card, needed ? &pxelinux : NULL);
	return ret ? ret : write_one(dir, BOOT_GRUB, card, needed ? &grub : NULL);
}

int boot_files_write(const char *dir, const struct cluster *c, const struct cluster_object *host,
		     const struct state_node *node)
{
	const char *macs = cluster_get(host, "mac_address");
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;
	struct boot_entry e;
	int ret = boot_entry_make(&e, dir, c, host, node);
	bool needed = e.what != BOOT_LOCAL || cluster_discovers(c);

	while (!ret && macs && cluster_list_next(macs, &pos, item, sizeof(item), &offset))
		ret = str_to_mac(item, mac) ? -EINVAL : write_card(dir, &e, needed, mac);
	boot_entry_free(&e);
	return ret;
}

char **boot_files_servers(const struct cluster *c, const struct cluster_object *host)
{
	const struct cluster_object *group =
		host->type == TYPE_LUCIE_GROUP
			? host
			: cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	const char *address = group ? cluster_get(group, "server_address") : NULL;
	const char *port = group ? cluster_get(group, "http_port") : NULL;
	char **list = xcalloc(2, sizeof(*list));

	port = port ? port : cluster_default(c, "http_port");
	if (address)
		list[0] = xasprintf("http://%s:%s", address, port);
	return list;
}

void boot_files_servers_free(char **servers)
{
	for (size_t i = 0; servers && servers[i]; i++)
		free(servers[i]);
	free(servers);
}

void boot_files_consoles(struct strbuf *out, const struct cluster *c,
			 const struct cluster_object *host)
{
	_cleanup_free_ char *consoles = xstrdup(cluster_host_get(c, host, "console"));
	char *rest = consoles, *word;

	while ((word = str_word(&rest)))
		strbuf_addf(out, "%sconsole=%s",
			    out->len && out->buf[out->len - 1] != ' ' ? " " : "", word);
}

/* quiet: at 115200 baud the kernel's own messages would take seconds; warnings still come. */
int boot_files_command_line(struct strbuf *out, const struct cluster *c,
			    const struct cluster_object *host)
{
	char **servers = boot_files_servers(c, host);

	strbuf_adds(out, "rootfstype=ramfs panic=30 quiet");
	boot_files_consoles(out, c, host);
	for (size_t i = 0; servers[i]; i++)
		strbuf_addf(out, " lucie.server=%s", servers[i]);
	boot_files_servers_free(servers);
	return out->error;
}
