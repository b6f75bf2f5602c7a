/* The plan of a host (docs/plan-format.md): the definition's answers to all that the modules of its
 * installer ask. Made when a node asks for it, so nothing here is slow or keeps a state; what it
 * reads besides the definition are manifests and key files. */
#include "host-tools/lib/plan-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/mirrors.h"
#include "init/lib/cleanup.h"
#include "modules/lib/layout.h"

int plan_refuse(struct plan_maker *m, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, m->why_len, fmt, ap);
	va_end(ap);
	return err;
}

const char *plan_host_get(const struct plan_maker *m, const char *key)
{
	return cluster_host_get(m->c, m->host, key);
}

/* --- head --- */

static void write_modules(struct plan_maker *m)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;
	const char *list = cluster_get(m->installer, "modules");

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		strbuf_addf(&names, "%s%s", names.len ? " " : "", item);
	plan_write(m->out, "modules", names.buf ? names.buf : "");
}

/* A hold that would never come is a mistake. */
static int write_break_list(struct plan_maker *m, const char *list)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && *list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		if (!cluster_list_has(cluster_get(m->installer, "modules"), item))
			return plan_refuse(m, -EINVAL,
					   "installer '%s' has no module '%s' to hold before",
					   m->installer->name, item);
		plan_write(m->out, "break", item);
	}
	return 0;
}

static int write_breaks(struct plan_maker *m)
{
	int ret = write_break_list(m, cluster_get(m->installer, "break"));

	return ret ? ret : write_break_list(m, m->order->breaks);
}

static void write_mirrors(struct plan_maker *m)
{
	char **urls = m->order->no_mirrors ? NULL : mirrors_of(m->c, m->host, m->order->servers);

	for (size_t i = 0; urls && urls[i]; i++)
		plan_write(m->out, "blobs", urls[i]);
	mirrors_free(urls);
}

static int write_head(struct plan_maker *m)
{
	const char *mac = m->order->mac ? m->order->mac : cluster_get(m->host, "mac_address");
	const char *on_failure = cluster_get(m->installer, "on_failure"),
		   *at_end = cluster_get(m->installer, "at_end");
	char first[CLUSTER_ITEM_MAX], canonical[MAC_TEXT];
	size_t pos = 0, offset;

	if (!mac || !cluster_list_next(mac, &pos, first, sizeof(first), &offset) ||
	    str_to_mac(first, canonical))
		return plan_refuse(m, -EINVAL, "host '%s' has no mac_address", m->host->name);
	plan_write(m->out, "site", m->order->site);
	plan_write(m->out, "node", m->host->name);
	plan_write(m->out, "mac", canonical);
	plan_write(m->out, "install", m->order->install);
	if (m->order->resume)
		plan_write(m->out, "resume", m->order->resume);
	plan_write(m->out, "variant", m->installer->name);
	plan_write(m->out, "nonce", m->order->nonce);
	plan_write(m->out, "token", m->order->token);
	for (size_t i = 0; m->order->servers && m->order->servers[i]; i++)
		plan_write(m->out, "server", m->order->servers[i]);
	write_mirrors(m);
	plan_writef(m->out, "time", "%lld", (long long)time(NULL));
	write_modules(m);
	plan_write(m->out, "on_failure",
		   on_failure ? on_failure : cluster_default(m->c, "on_failure"));
	plan_write(m->out, "at_end", at_end ? at_end : cluster_default(m->c, "at_end"));
	if (m->order->alarm)
		plan_write(m->out, "alarm", m->order->alarm);
	if (m->order->wipe)
		plan_write(m->out, "wipe", "yes");
	if (cluster_get(m->installer, "read_only") &&
	    !strcmp(cluster_get(m->installer, "read_only"), "yes"))
		plan_write(m->out, "read_only", "yes");
	return write_breaks(m);
}

/* For what the layout encrypts with a key that is to be known later. */
static int write_luks_key(struct plan_maker *m, const struct cluster_object *layout)
{
	const char *key = plan_host_get(m, "luks_key");
	bool needed = false;

	for (size_t i = 0; i < layout->count; i++)
		needed |= !strcmp(layout->values[i].key, "luks") &&
			  !strstr(layout->values[i].text, " key=random");
	if (!needed)
		return 0;
	if (!key)
		return plan_refuse(m, -EINVAL,
				   "host '%s' has no luks_key, which its disk_layout '%s' needs",
				   m->host->name, layout->name);
	plan_write_section(m->out, "luks");
	plan_write(m->out, "luks_key", key);
	return 0;
}

static int write_layout(struct plan_maker *m)
{
	const struct cluster_object *layout =
		cluster_host_ref(m->c, m->host, "disk_layout", TYPE_DISK_LAYOUT);

	if (!layout)
		return plan_refuse(m, -EINVAL, "host '%s' has no disk_layout", m->host->name);
	plan_write_section(m->out, "layout");
	for (size_t i = 0; i < layout->count; i++)
		if (layout_is_line(layout->values[i].key))
			plan_write(m->out, layout->values[i].key, layout->values[i].text);
	return write_luks_key(m, layout);
}

static const struct {
	const char *module;
	int (*write)(struct plan_maker *m);
} writers[] = {
	{"extrbase", plan_write_extrbase}, {"dolly", plan_write_dolly},
	{"install", plan_write_install},   {"configure", plan_write_configure},
	{"finalize", plan_write_finalize}, {"remotelogin", plan_write_remotelogin},
	{"verify", plan_write_verify},	   {"restore", plan_write_restore},
};

/* --- MODULE.KEY --- */

/* The lines that one object says for a module, as far as no nearer object says the same key. */
static void write_module_keys(struct plan_maker *m, const struct cluster_object *o,
			      const char *module, bool *started)
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

static int write_section(struct plan_maker *m, const char *module)
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

static int find_all(struct plan_maker *m)
{
	const char *variant = m->order->variant;

	m->host = cluster_find(m->c, TYPE_HOST, m->order->host);
	if (!m->host)
		return plan_refuse(m, -EINVAL, "no host is named '%s'", m->order->host);
	m->group = cluster_host_ref(m->c, m->host, "lucie_group", TYPE_LUCIE_GROUP);
	if (!m->group)
		return plan_refuse(m, -EINVAL, "host '%s' has no lucie_group", m->host->name);
	m->installer = variant ? cluster_find(m->c, TYPE_INSTALLER, variant)
			       : cluster_host_ref(m->c, m->host, "installer", TYPE_INSTALLER);
	if (!m->installer)
		return plan_refuse(m, -EINVAL, "no installer is named '%s'",
				   variant ? variant : "");
	return 0;
}

int plan_make(struct strbuf *out, const struct cluster *c, const struct plan_order *order,
	      char *why, size_t why_len)
{
	struct plan_maker m = {.c = c, .order = order, .out = out, .why = why, .why_len = why_len};
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
		return plan_refuse(&m, out->error ? out->error : -EFBIG,
				   "the plan of '%s' cannot be written: %s", m.host->name,
				   strerror(out->error ? -out->error : EFBIG));
	return 0;
}
