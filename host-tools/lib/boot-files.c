/* What a node's network boot loader gets to read; see boot-files.h. The default is the local disk:
 * a node installs only while it is armed, whatever else goes wrong. */
#include "host-tools/lib/boot-files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

const char *const boot_addons[] = {"extlinux", "firmware", NULL};

static void write_addons(struct strbuf *out, const char *state_dir, const char *board)
{
	for (const char *const *name = boot_addons; *name; name++) {
		_cleanup_free_ char *path = xasprintf("%s/tftp/%s-%s.img", state_dir, *name, board);

		if (!access(path, F_OK))
			strbuf_addf(out, ",%s-%s.img", *name, board);
	}
}

/* The boot loader adds ip= and BOOTIF= (SYSAPPEND 3). */
static void write_install(struct strbuf *out, const char *state_dir, const struct cluster *c,
			  const struct cluster_object *host, const char *variant)
{
	const char *board = cluster_host_get(c, host, "board");

	strbuf_addf(out, "# %s: install, variant %s\nDEFAULT install\nLABEL install\n", host->name,
		    variant);
	strbuf_addf(out, "\tKERNEL vmlinuz-%s\n\tINITRD initramfs-%s.img", board, board);
	write_addons(out, state_dir, board);
	strbuf_adds(out, ",site.img\n\tAPPEND ");
	boot_files_command_line(out, c, host);
	strbuf_adds(out, "\n\tSYSAPPEND 3\n");
}

static void write_local(struct strbuf *out, const struct cluster_object *host)
{
	strbuf_addf(out, "# %s: from its own disk\nDEFAULT local\nLABEL local\n\tLOCALBOOT 0\n",
		    host->name);
}

void boot_files_name(const char *mac, char out[BOOT_FILE_NAME])
{
	snprintf(out, BOOT_FILE_NAME, "01-%s", mac);
	for (char *p = out; *p; p++)
		if (*p == ':')
			*p = '-';
}

static int update_one(const char *state_dir, const char *mac, const struct strbuf *text)
{
	char path[PATH_MAX], name[BOOT_FILE_NAME];
	int ret;

	boot_files_name(mac, name);
	if (snprintf(path, sizeof(path), "%s/tftp/pxelinux.cfg/%s", state_dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	ret = file_update(path, text->buf, text->len, 0644);
	return ret < 0 ? log_err(ret, "cannot write '%s'", path) : ret;
}

int boot_files_update(const char *state_dir, const struct cluster *c,
		      const struct cluster_object *host, const struct state_node *node)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *macs = cluster_get(host, "mac_address");
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;
	int changed = 0;

	if (node && node->armed[0])
		write_install(&text, state_dir, c, host, node->armed);
	else
		write_local(&text, host);
	if (text.error)
		return text.error;
	while (macs && cluster_list_next(macs, &pos, item, sizeof(item), &offset)) {
		int ret = str_to_mac(item, mac) ? -EINVAL : update_one(state_dir, mac, &text);

		if (ret < 0)
			return ret;
		changed |= ret;
	}
	return changed;
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
		cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
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
