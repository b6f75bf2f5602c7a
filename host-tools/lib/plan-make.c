/* The plan of a host (docs/plan-format.md): the definition's answers to all that the modules of its
 * installer ask. Made when a node asks for it, so nothing here is slow or keeps a state; what it
 * reads besides the definition are manifests and key files. */
#include "host-tools/lib/plan-make.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/cluster-internal.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/rings.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/plan-format.h"

#define KEY_FILE_MAX ((size_t)1 << 20)
#define NO_ROOT	     "0000000000000000000000000000000000000000000000000000000000000000"

struct maker {
	const struct cluster *c;
	const struct plan_order *order;
	const struct cluster_object *host, *group, *installer;
	struct strbuf *out;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct maker *m, int err, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, m->why_len, fmt, ap);
	va_end(ap);
	return err;
}

static const char *host_get(const struct maker *m, const char *key)
{
	return cluster_host_get(m->c, m->host, key);
}

static void write_if(struct maker *m, const char *key, const char *value)
{
	if (value)
		plan_write(m->out, key, value);
}

/* One line for each item of a list. */
static void write_items(struct maker *m, const char *key, const char *list)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		plan_write(m->out, key, item);
}

/* --- head --- */

static void write_modules(struct maker *m)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;
	const char *list = cluster_get(m->installer, "modules");

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		strbuf_addf(&names, "%s%s", names.len ? " " : "", item);
	plan_write(m->out, "modules", names.buf ? names.buf : "");
}

static int write_head(struct maker *m)
{
	const char *mac = m->order->mac ? m->order->mac : cluster_get(m->host, "mac_address");
	const char *on_failure = cluster_get(m->installer, "on_failure"),
		   *at_end = cluster_get(m->installer, "at_end");
	char first[CLUSTER_ITEM_MAX], canonical[MAC_TEXT];
	size_t pos = 0, offset;

	if (!mac || !cluster_list_next(mac, &pos, first, sizeof(first), &offset) ||
	    str_to_mac(first, canonical))
		return refuse(m, -EINVAL, "host '%s' has no mac_address", m->host->name);
	plan_write(m->out, "site", m->order->site);
	plan_write(m->out, "node", m->host->name);
	plan_write(m->out, "mac", canonical);
	plan_write(m->out, "install", m->order->install);
	plan_write(m->out, "variant", m->installer->name);
	plan_write(m->out, "nonce", m->order->nonce);
	plan_write(m->out, "token", m->order->token);
	for (size_t i = 0; m->order->servers && m->order->servers[i]; i++)
		plan_write(m->out, "server", m->order->servers[i]);
	plan_writef(m->out, "time", "%lld", (long long)time(NULL));
	write_modules(m);
	plan_write(m->out, "on_failure",
		   on_failure ? on_failure : cluster_default(m->c, "on_failure"));
	plan_write(m->out, "at_end", at_end ? at_end : cluster_default(m->c, "at_end"));
	if (m->order->wipe)
		plan_write(m->out, "wipe", "yes");
	return 0;
}

static int write_layout(struct maker *m)
{
	const struct cluster_object *layout =
		cluster_host_ref(m->c, m->host, "disk_layout", TYPE_DISK_LAYOUT);

	if (!layout)
		return refuse(m, -EINVAL, "host '%s' has no disk_layout", m->host->name);
	plan_write_section(m->out, "layout");
	for (size_t i = 0; i < layout->count; i++)
		if (!strcmp(layout->values[i].key, "disk") ||
		    !strcmp(layout->values[i].key, "partition"))
			plan_write(m->out, layout->values[i].key, layout->values[i].text);
	return 0;
}

/* --- rings --- */

/* "HOST:PORT" of the ring's master: the host from which the node gets everything else first. */
static int ring_master(struct maker *m, const struct cluster_object *o, char *out, size_t len)
{
	const char *url = m->order->servers ? m->order->servers[0] : NULL;
	size_t n;

	if (!url || !str_starts(url, "http://"))
		return refuse(m, -EINVAL,
			      "%s '%s' travels over a ring, but lucie_group '%s' has no "
			      "server_address",
			      cluster_type_name(o->type), o->name, m->group->name);
	url += strlen("http://");
	n = *url == '[' ? strcspn(url, "]") + 1 : strcspn(url, ":/");
	snprintf(out, len, "%.*s:%u", (int)n, url, rings_port(o));
	return 0;
}

static int ring_key(struct maker *m, const struct cluster_object *o, const char *root,
		    char out[2 * RINGS_KEY_LEN + 1])
{
	uint8_t key[RINGS_KEY_LEN] = {0};
	int ret = m->order->state_dir ? rings_key(m->order->state_dir, root, key) : 0;

	str_to_hex(key, sizeof(key), out);
	sodium_memzero(key, sizeof(key));
	return ret ? refuse(m, ret, "the key of the ring of %s '%s' cannot be read: %s",
			    cluster_type_name(o->type), o->name, strerror(-ret))
		   : 0;
}

static int write_base_ring(struct maker *m, const struct cluster_object *base, const char *root)
{
	char master[300], key[2 * RINGS_KEY_LEN + 1];
	int ret = ring_master(m, base, master, sizeof(master));

	if (!ret)
		ret = ring_key(m, base, root, key);
	if (ret)
		return ret;
	plan_write(m->out, "ring", master);
	plan_write(m->out, "ring_key", key);
	return 0;
}

static int write_dataset(struct maker *m, const struct cluster_object *o)
{
	char master[300], key[2 * RINGS_KEY_LEN + 1];
	struct store_blob blob = {.root = NO_ROOT};
	int ret = m->order->state_dir ? store_dataset(m->order->state_dir, o->name, &blob) : 0;

	if (ret == -ENOENT)
		return refuse(m, ret, "dataset '%s' is not made yet, `lucie data %s` does it",
			      o->name, o->name);
	if (ret)
		return refuse(m, ret, "dataset '%s': its manifest cannot be read: %s", o->name,
			      strerror(-ret));
	ret = ring_master(m, o, master, sizeof(master));
	if (!ret)
		ret = ring_key(m, o, blob.root, key);
	if (!ret)
		plan_writef(m->out, "dataset", "%s %s %s %s", o->name, blob.root, master,
			    cluster_get(o, "target"));
	if (!ret)
		plan_writef(m->out, "ring_key", "%s %s", o->name, key);
	return ret;
}

static int write_dolly(struct maker *m)
{
	const char *list = host_get(m, "datasets");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *o = cluster_find(m->c, TYPE_DATASET, item);
		int ret = o ? write_dataset(m, o)
			    : refuse(m, -EINVAL, "no dataset is named '%s'", item);

		if (ret)
			return ret;
	}
	return 0;
}

/* --- sections --- */

static int write_extrbase(struct maker *m)
{
	const struct cluster_object *base = cluster_host_ref(m->c, m->host, "base", TYPE_BASE);
	struct store_blob blob = {.root = NO_ROOT, .bytes = 1, .format = "tar.zst"};

	if (!base)
		return refuse(m, -EINVAL, "host '%s' has no base", m->host->name);
	if (m->order->state_dir) {
		int ret = store_base(m->order->state_dir, base->name, &blob);

		if (ret == -ENOENT)
			return refuse(m, ret,
				      "base '%s' is not there yet, `lucie base build %s` makes it",
				      base->name, base->name);
		if (ret)
			return refuse(m, ret, "base '%s': its manifest cannot be read: %s",
				      base->name, strerror(-ret));
	}
	plan_write(m->out, "base", base->name);
	plan_writef(m->out, "blob", "%s %llu", blob.root, (unsigned long long)blob.bytes);
	plan_write(m->out, "format", blob.format);
	write_items(m, "source", cluster_get(base, "source"));
	return rings_has(base) ? write_base_ring(m, base, blob.root) : 0;
}

/* The file on one line, so that armored and binary keys are alike. */
static int write_key(struct maker *m, const struct cluster_object *server)
{
	_cleanup_free_ char *text = NULL, *encoded = NULL;
	const char *path = cluster_get(server, "key");
	size_t len, room;
	int ret = path ? file_read(path, KEY_FILE_MAX, &text, &len) : 0;

	if (!path)
		return 0;
	if (ret)
		return refuse(m, ret, "cannot read the key '%s' of package_server '%s': %s", path,
			      server->name, strerror(-ret));
	room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	encoded = xcalloc(1, room);
	sodium_bin2base64(encoded, room, (const unsigned char *)text, len,
			  sodium_base64_VARIANT_ORIGINAL);
	plan_write(m->out, "repository_key", encoded);
	return 0;
}

static int write_repository(struct maker *m, const struct cluster_object *server)
{
	const char *uri = cluster_get(server, "uri"),
		   *components = cluster_get(server, "components");
	const char *trusted = cluster_get(server, "trusted");
	const char *const *servers = m->order->servers;
	_cleanup_free_ char *own = NULL;

	if (!uri && (!servers || !servers[0]))
		return refuse(m, -EINVAL,
			      "package_server '%s' is this server's own, but lucie_group '%s' has "
			      "no server_address",
			      server->name, m->group->name);
	if (!uri)
		uri = own = xasprintf("%s/packages/%s", servers[0], server->name);
	plan_writef(m->out, "repository", "%s %s%s%s", uri, cluster_get(server, "suite"),
		    components ? " " : "", components ? components : "");
	if (trusted && !strcmp(trusted, "yes"))
		plan_write(m->out, "trusted", "yes");
	return write_key(m, server);
}

static void write_packages(struct maker *m, struct map *seen, struct arena *arena, const char *list)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		if (!map_put(seen, arena_strdup(arena, item), m))
			plan_write(m->out, "package", item);
}

/* The host's own packages and those of its services. A service that is not defined is only a name.
 */
static void write_all_packages(struct maker *m)
{
	struct map seen = {0};
	struct arena arena = {0};
	const char *services = host_get(m, "services");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	write_packages(m, &seen, &arena, host_get(m, "packages"));
	while (services && cluster_list_next(services, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *service = cluster_find(m->c, TYPE_SERVICE, item);

		if (service)
			write_packages(m, &seen, &arena, cluster_get(service, "packages"));
	}
	map_free(&seen);
	arena_free(&arena);
}

static int write_install(struct maker *m)
{
	const char *list = host_get(m, "package_server");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *server = cluster_find(m->c, TYPE_PACKAGE_SERVER, item);
		int ret = server ? write_repository(m, server)
				 : refuse(m, -EINVAL, "no package_server is named '%s'", item);

		if (ret)
			return ret;
	}
	write_all_packages(m);
	return 0;
}

static void write_host_line(struct maker *m, const char *address, const char *name)
{
	const char *domain = cluster_get(m->group, "domain_name");

	if (domain && !strchr(name, '.'))
		plan_writef(m->out, "host", "%s %s.%s %s", address, name, domain, name);
	else
		plan_writef(m->out, "host", "%s %s", address, name);
}

/* The whole lucie_group: the nodes of a cluster know each other without a name server. */
static void write_hosts(struct maker *m)
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

static int write_ssh_keys(struct maker *m, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, KEY_FILE_MAX, &text, NULL);
	char *line, *rest = text;

	if (ret)
		return refuse(m, ret, "cannot read the ssh_keys '%s': %s", path, strerror(-ret));
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

static int write_files(struct maker *m, const char *class)
{
	struct store_blob blob;
	const char *folder = host_get(m, "files");
	int ret;

	if (!folder || !m->order->state_dir)
		return 0;
	ret = store_files(m->order->state_dir, folder, class, &blob);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return refuse(m, ret, "the files of '%s': their manifest cannot be read: %s", class,
			      strerror(-ret));
	plan_writef(m->out, "files", "%s %llu %s", blob.root, (unsigned long long)blob.bytes,
		    class);
	return 0;
}

/* default, then the host's groups, then the host: the last one wins on the node. */
static int write_all_files(struct maker *m)
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

static int write_configure(struct maker *m)
{
	static const char *const dns[] = {"dns1", "dns2", "dns3"};
	const char *keys = host_get(m, "ssh_keys");
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;
	int ret = 0;

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
	if (!m->order->no_hosts)
		write_hosts(m);
	write_if(m, "root_password", host_get(m, "root_password"));
	pos = 0;
	while (!ret && keys && cluster_list_next(keys, &pos, item, sizeof(item), &offset))
		ret = write_ssh_keys(m, item);
	return ret ? ret : write_all_files(m);
}

static int write_finalize(struct maker *m)
{
	_cleanup_strbuf_ struct strbuf args = STRBUF_INIT;
	const char *own = host_get(m, "kernel_args");

	boot_files_consoles(&args, m->c, m->host);
	if (own)
		strbuf_addf(&args, " %s", own);
	plan_write(m->out, "kernel_args", args.buf);
	return 0;
}

static const struct {
	const char *module;
	int (*write)(struct maker *m);
} writers[] = {
	{"extrbase", write_extrbase},	{"dolly", write_dolly},	      {"install", write_install},
	{"configure", write_configure}, {"finalize", write_finalize},
};

/* --- MODULE.KEY --- */

/* The lines that one object says for a module, as far as no nearer object says the same key. */
static void write_module_keys(struct maker *m, const struct cluster_object *o, const char *module,
			      bool *started)
{
	size_t n = strlen(module);

	for (size_t i = 0; o && i < o->count; i++) {
		const char *key = o->values[i].key;

		if (strncmp(key, module, n) || key[n] != '.' ||
		    cluster_host_owner(m->c, m->host, key) != o)
			continue;
		if (!*started)
			plan_write_section(m->out, module);
		*started = true;
		plan_write(m->out, key + n + 1, o->values[i].text);
	}
}

static int write_section(struct maker *m, const char *module)
{
	const struct cluster_object *group;
	bool started = false;
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		if (strcmp(writers[i].module, module))
			continue;
		plan_write_section(m->out, module);
		started = true;
		ret = writers[i].write(m);
	}
	write_module_keys(m, m->host, module, &started);
	for (size_t i = 0; (group = cluster_host_group(m->host, i)); i++)
		write_module_keys(m, group, module, &started);
	write_module_keys(m, m->group, module, &started);
	return ret;
}

static int find_all(struct maker *m)
{
	const char *variant = m->order->variant;

	m->host = cluster_find(m->c, TYPE_HOST, m->order->host);
	if (!m->host)
		return refuse(m, -EINVAL, "no host is named '%s'", m->order->host);
	m->group = cluster_host_ref(m->c, m->host, "lucie_group", TYPE_LUCIE_GROUP);
	if (!m->group)
		return refuse(m, -EINVAL, "host '%s' has no lucie_group", m->host->name);
	m->installer = variant ? cluster_find(m->c, TYPE_INSTALLER, variant)
			       : cluster_host_ref(m->c, m->host, "installer", TYPE_INSTALLER);
	if (!m->installer)
		return refuse(m, -EINVAL, "no installer is named '%s'", variant ? variant : "");
	return 0;
}

int plan_make(struct strbuf *out, const struct cluster *c, const struct plan_order *order,
	      char *why, size_t why_len)
{
	struct maker m = {.c = c, .order = order, .out = out, .why = why, .why_len = why_len};
	char module[CLUSTER_ITEM_MAX];
	const char *list;
	size_t pos = 0, offset;
	int ret = find_all(&m);

	if (ret)
		return ret;
	plan_write_start(out);
	ret = write_head(&m);
	if (!ret)
		ret = write_layout(&m);
	list = cluster_get(m.installer, "modules");
	while (!ret && list && cluster_list_next(list, &pos, module, sizeof(module), &offset))
		ret = write_section(&m, module);
	if (ret)
		return ret;
	if (out->error || out->len > PLAN_MAX)
		return refuse(&m, out->error ? out->error : -EFBIG,
			      "the plan of '%s' cannot be written: %s", m.host->name,
			      strerror(out->error ? -out->error : EFBIG));
	return 0;
}
