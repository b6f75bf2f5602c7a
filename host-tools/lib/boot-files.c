/* What a node's network boot loader gets to read; see boot-files.h. The default is the local disk:
 * a node installs only while it is armed, whatever else goes wrong. */
#include "host-tools/lib/boot-files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static int update_one(const char *state_dir, const char *folder, const char *card,
		      const struct strbuf *text)
{
	char path[PATH_MAX];
	int ret;

	if (snprintf(path, sizeof(path), "%s/tftp/%s%s", state_dir, folder, card) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	ret = file_update(path, text->buf, text->len, 0644);
	return ret < 0 ? log_err(ret, "cannot write '%s'", path) : ret;
}

/* The files of one card. */
static int update_card(const char *state_dir, const struct boot_entry *e, const char *mac)
{
	_cleanup_strbuf_ struct strbuf pxelinux = STRBUF_INIT, grub = STRBUF_INIT;
	char card[BOOT_CARD_TEXT];
	int ret = boot_entry_pxelinux(&pxelinux, e), changed;

	if (!ret)
		ret = boot_entry_grub(&grub, e, mac);
	if (ret)
		return ret;
	boot_card_name(mac, card);
	changed = update_one(state_dir, BOOT_PXELINUX, card, &pxelinux);
	if (changed >= 0)
		ret = update_one(state_dir, BOOT_GRUB, card, &grub);
	return changed < 0 ? changed : ret < 0 ? ret : changed | ret;
}

static int update_cards(const char *state_dir, const struct boot_entry *e, const char *macs)
{
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;
	int changed = 0;

	while (macs && cluster_list_next(macs, &pos, item, sizeof(item), &offset)) {
		int ret = str_to_mac(item, mac) ? -EINVAL : update_card(state_dir, e, mac);

		if (ret < 0)
			return ret;
		changed |= ret;
	}
	return changed;
}

int boot_files_update(const char *state_dir, const struct cluster *c,
		      const struct cluster_object *host, const struct state_node *node)
{
	struct boot_entry e;
	int ret = boot_entry_make(&e, state_dir, c, host, node);

	if (!ret)
		ret = update_cards(state_dir, &e, cluster_get(host, "mac_address"));
	boot_entry_free(&e);
	return ret;
}

int boot_files_write(const char *state_dir, const struct cluster *c,
		     const struct cluster_object *host, const struct state_node *node)
{
	int ret = boot_files_update(state_dir, c, host, node);

	return ret < 0 ? ret : 0;
}

/* The address of a server that the definition names: an address, or a host with one. */
static const char *server_address(const struct cluster *c, const char *name)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, name);
	struct in_addr a;

	if (inet_pton(AF_INET, name, &a) == 1)
		return name;
	return host ? cluster_get(host, "address") : NULL;
}

static void add_server(char ***list, size_t *count, const char *address, const char *port)
{
	char *url = xasprintf("http://%s:%s", address, port);

	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*list)[i], url)) {
			free(url);
			return;
		}
	*list = xrealloc(*list, *count + 2, sizeof(**list));
	(*list)[(*count)++] = url;
	(*list)[*count] = NULL;
}

char **boot_files_servers(const struct cluster *c, const struct cluster_object *host)
{
	const struct cluster_object *group =
		host->type == TYPE_LUCIE_GROUP
			? host
			: cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	const char *own = group ? cluster_get(group, "server_address") : NULL;
	const char *others = group ? cluster_get(group, "http_server") : NULL;
	const char *port = group ? cluster_get(group, "http_port") : NULL;
	char **list = xcalloc(1, sizeof(*list)), item[CLUSTER_ITEM_MAX];
	size_t count = 0, pos = 0, offset;

	port = port ? port : cluster_default(c, "http_port");
	if (own)
		add_server(&list, &count, own, port);
	while (others && cluster_list_next(others, &pos, item, sizeof(item), &offset)) {
		const char *address = server_address(c, item);

		if (address)
			add_server(&list, &count, address, port);
	}
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
