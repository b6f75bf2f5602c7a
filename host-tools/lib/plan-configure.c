/* What a plan tells a node about itself: names and addresses, who may log in, its own files, and the
 * kernel's arguments. */
#include "host-tools/lib/plan-internal.h"

#include <errno.h>
#include <string.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

static void write_if(struct plan_maker *m, const char *key, const char *value)
{
	if (value)
		plan_write(m->out, key, value);
}

static void write_host_line(struct plan_maker *m, const char *address, const char *name)
{
	const char *domain = cluster_get(m->group, "domain_name");

	if (domain && !strchr(name, '.'))
		plan_writef(m->out, "host", "%s %s.%s %s", address, name, domain, name);
	else
		plan_writef(m->out, "host", "%s %s", address, name);
}

/* The whole lucie_group: the nodes of a cluster know each other without a name server. */
static void write_hosts(struct plan_maker *m)
{
	const char *server = cluster_get(m->group, "server_address"),
		   *names = cluster_get(m->group, "lucie_server");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	if (server && names && cluster_list_next(names, &pos, item, sizeof(item), &offset))
		write_host_line(m, server, item);
	for (size_t i = 0; i < cluster_count(m->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(m->c, TYPE_HOST, i);
		const char *address = cluster_get(host, "address");

		if (address &&
		    cluster_host_ref(m->c, host, "lucie_group", TYPE_LUCIE_GROUP) == m->group)
			write_host_line(m, address, host->name);
	}
}

static int write_key_file(struct plan_maker *m, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, PLAN_KEY_FILE_MAX, &text, NULL);
	char *line, *rest = text;

	if (ret)
		return plan_refuse(m, ret, "cannot read the ssh_keys '%s': %s", path,
				   strerror(-ret));
	while ((line = strsep(&rest, "\n"))) {
		line = str_trim(line);
		for (char *p = line; *p; p++)
			if (*p == '\t')
				*p = ' ';
		if (*line && *line != '#')
			plan_write(m->out, "ssh_key", line);
	}
	return 0;
}

static int write_ssh_keys(struct plan_maker *m)
{
	const char *keys = plan_host_get(m, "ssh_keys");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;
	int ret = 0;

	while (!ret && keys && cluster_list_next(keys, &pos, item, sizeof(item), &offset))
		ret = write_key_file(m, item);
	return ret;
}

/* Without a key nobody could use it. */
int plan_write_remotelogin(struct plan_maker *m)
{
	if (!plan_host_get(m, "ssh_keys"))
		return plan_refuse(m, -EINVAL,
				   "module 'remotelogin' wants ssh_keys, and '%s' has none",
				   m->host->name);
	return write_ssh_keys(m);
}

static int write_files(struct plan_maker *m, const char *class)
{
	struct store_blob blob;
	const char *folder = plan_host_get(m, "files");
	int ret;

	if (!folder || !m->order->state_dir)
		return 0;
	ret = store_files(m->order->state_dir, folder, class, &blob);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return plan_refuse(m, ret, "the files of '%s': their manifest cannot be read: %s",
				   class, strerror(-ret));
	plan_writef(m->out, "files", "%s %llu %s", blob.root, (unsigned long long)blob.bytes,
		    class);
	return 0;
}

/* default, then the host's groups, then the host: the last one wins on the node. */
static int write_all_files(struct plan_maker *m)
{
	const struct cluster_object *group;
	int ret = write_files(m, "default");

	for (size_t i = 0; !ret && (group = cluster_host_group(m->host, i)); i++) {
		_cleanup_free_ char *class = xasprintf("group/%s", group->name);

		ret = write_files(m, class);
	}
	if (!ret) {
		_cleanup_free_ char *class = xasprintf("host/%s", m->host->name);

		ret = write_files(m, class);
	}
	return ret;
}

/* "bond=boot,eth1": the names of the parts as the node has them. */
static void add_parts(struct plan_maker *m, struct strbuf *line, const char *key, const char *list)
{
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, name, sizeof(name), &offset)) {
		const struct cluster_object *part = cluster_find(m->c, TYPE_INTERFACE, name);

		strbuf_addf(line, "%s%s", *key ? key : ",",
			    part ? cluster_interface_device(part) : name);
		key = "";
	}
}

static void add_word(struct strbuf *line, const char *key, const char *value)
{
	if (value)
		strbuf_addf(line, " %s=%s", key, value);
}

static void write_link(struct plan_maker *m, const struct cluster_link *l)
{
	const struct cluster_object *i = l->interface;
	const char *mode = cluster_get(i, "bond_mode"), *subnet = cluster_get(i, "subnet");
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	char mac[MAC_TEXT];
	uint32_t mask;

	strbuf_adds(&line, cluster_interface_device(i));
	if (l->mac && !str_to_mac(l->mac, mac))
		add_word(&line, "mac", mac);
	if (l->address && cluster_address(subnet, &mask))
		strbuf_addf(&line, " address=%s/%d", l->address, __builtin_popcount(mask));
	add_word(&line, "gateway", cluster_get(i, "gateway"));
	add_word(&line, "mtu", cluster_get(i, "mtu"));
	add_word(&line, "vlan", cluster_get(i, "vlan"));
	add_parts(m, &line, " parent=", cluster_get(i, "parent"));
	add_parts(m, &line, " bond=", cluster_get(i, "bond"));
	if (cluster_get(i, "bond"))
		add_word(&line, "mode", mode ? mode : cluster_default(m->c, "bond_mode"));
	plan_write(m->out, "link", line.buf ? line.buf : "");
}

static void write_links(struct plan_maker *m)
{
	const struct cluster_link *l;

	for (size_t i = 0; (l = cluster_host_link(m->host, i)); i++)
		write_link(m, l);
}

int plan_write_configure(struct plan_maker *m)
{
	static const char *const dns[] = {"dns1", "dns2", "dns3"};
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;
	int ret;

	plan_write(m->out, "hostname", m->host->name);
	write_if(m, "domain", cluster_get(m->group, "domain_name"));
	write_if(m, "address", cluster_get(m->host, "address"));
	write_if(m, "netmask", cluster_get(m->group, "subnet"));
	write_if(m, "gateway", cluster_get(m->group, "gateway"));
	for (size_t i = 0; i < ARRAY_SIZE(dns); i++)
		write_if(m, "dns", cluster_get(m->group, dns[i]));
	cluster_list_next(cluster_get(m->host, "mac_address"), &pos, item, sizeof(item), &offset);
	if (!str_to_mac(item, mac))
		plan_write(m->out, "mac", mac);
	if (!cluster_host_owner(m->c, m->host, "configure.interface"))
		plan_write(m->out, "interface", "auto");
	write_links(m);
	if (!m->order->no_hosts)
		write_hosts(m);
	write_if(m, "root_password", plan_host_get(m, "root_password"));
	plan_write_items(m, "ntp_server", plan_host_get(m, "ntp_server"));
	if (!strcmp(plan_host_get(m, "keep_machine_id"), "yes"))
		plan_write(m->out, "keep_machine_id", "yes");
	write_if(m, "identity_key", m->order->identity_key);
	write_if(m, "identity", m->order->identity);
	ret = write_ssh_keys(m);
	return ret ? ret : write_all_files(m);
}

int plan_write_finalize(struct plan_maker *m)
{
	_cleanup_strbuf_ struct strbuf args = STRBUF_INIT;
	const char *own = plan_host_get(m, "kernel_args");

	boot_files_consoles(&args, m->c, m->host);
	if (own)
		strbuf_addf(&args, " %s", own);
	plan_write(m->out, "kernel_args", args.buf);
	return plan_write_record(m);
}
