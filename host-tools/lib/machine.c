/* See machine.h. */
#include "host-tools/lib/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/json-out.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define PART_NAME 10
#define PART_USED (2 + 4 + 2 + PART_NAME + 2)

static void take(const struct state_machine *m, void *arg)
{
	struct machines *all = arg;
	struct machine *new;

	all->list = xrealloc(all->list, all->count + 1, sizeof(*all->list));
	new = &all->list[all->count++];
	*new = (struct machine){
		.first = m->first, .seen = m->seen, .inventory = json_loads(m->inventory, 0, NULL)};
	memcpy(new->mac, m->mac, sizeof(new->mac));
	memcpy(new->node, m->node, sizeof(new->node));
}

int machines_read(struct machines *all, struct state *state, const char *node)
{
	*all = (struct machines){0};
	return state_machines(state, node, take, all);
}

void machines_free(struct machines *all)
{
	for (size_t i = 0; i < all->count; i++)
		json_decref(all->list[i].inventory);
	free(all->list);
	*all = (struct machines){0};
}

void machines_drop_named(struct machines *all, const struct cluster *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++)
		if (cluster_host_by_mac(c, all->list[i].mac))
			json_decref(all->list[i].inventory);
		else
			all->list[kept++] = all->list[i];
	all->count = kept;
}

/* Brings one to the place of the next that was asked for. */
static int pick(struct machines *all, size_t next, const char *word)
{
	char mac[MAC_TEXT];
	struct machine m;
	size_t i = 0;

	if (str_to_mac(word, mac))
		return log_err(-EINVAL, "'%s' is no address of a network card", word);
	while (i < all->count && strcmp(all->list[i].mac, mac) != 0)
		i++;
	if (i == all->count)
		return log_err(-ENOENT, "no machine '%s' waits to be named", word);
	if (i < next)
		return log_err(-EINVAL, "'%s' is given twice", word);
	m = all->list[i];
	all->list[i] = all->list[next];
	all->list[next] = m;
	return 0;
}

int machines_pick(struct machines *all, const char *macs)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset, picked = 0;
	int ret = 0;

	while (!ret && cluster_list_next(macs, &pos, item, sizeof(item), &offset)) {
		ret = pick(all, picked, item);
		picked++;
	}
	if (ret)
		return ret;
	for (size_t i = picked; i < all->count; i++)
		json_decref(all->list[i].inventory);
	all->count = picked;
	return 0;
}

uint64_t machine_number(const struct machine *m, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(m->inventory, key));

	return n > 0 ? (uint64_t)n : 0;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

void machine_words(const struct machine *m, char *buf, size_t len)
{
	const char *vendor = text(m->inventory, "vendor"), *product = text(m->inventory, "product"),
		   *serial = text(m->inventory, "serial");

	snprintf(buf, len, "%s%s%s%s%s", vendor, *vendor && *product ? " " : "", product,
		 *serial ? ", serial " : "", serial);
}

/* "  disk  sda        " and, in columns of their own, what follows. */
static void begin_part(struct strbuf *line, const char *what, const json_t *part)
{
	strbuf_addf(line, "  %s  ", what);
	cell_column(line, text(part, "name"), PART_NAME);
}

static void end_part(struct strbuf *line, const char *rest, size_t columns)
{
	cell_add(line, rest, columns > PART_USED ? columns - PART_USED : 1);
	cell_print(line);
}

static void print_disk(const json_t *disk, size_t columns)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT, rest = STRBUF_INIT;
	static const char *const keys[] = {"serial", "transport", "model"};
	const char *separator = "  ";
	char size[16];

	begin_part(&line, "disk", disk);
	str_from_size((uint64_t)json_integer_value(json_object_get(disk, "bytes")), size,
		      sizeof(size));
	strbuf_addf(&rest, "%10s", size);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *word = text(disk, keys[i]);

		if (!*word)
			continue;
		strbuf_addf(&rest, "%s%s%s", separator, i ? "" : "serial ", word);
		separator = ", ";
	}
	end_part(&line, rest.buf, columns);
}

static void print_nic(const json_t *nic, size_t columns)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT, rest = STRBUF_INIT;
	json_int_t speed = json_integer_value(json_object_get(nic, "speed"));

	begin_part(&line, "nic ", nic);
	strbuf_addf(&rest, "%-17s  %s", text(nic, "mac"), text(nic, "driver"));
	if (!json_is_true(json_object_get(nic, "link")))
		strbuf_adds(&rest, ", no link");
	else if (speed)
		strbuf_addf(&rest, ", %lld Mbit/s", (long long)speed);
	end_part(&line, rest.buf, columns);
}

void machine_print_parts(const struct machine *m, size_t columns)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(m->inventory, "disks"), i, item)
		print_disk(item, columns);
	json_array_foreach(json_object_get(m->inventory, "nics"), i, item) print_nic(item, columns);
}

json_t *machine_json(const struct machine *m)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:O}", "mac", m->mac, "node", json_text(m->node),
			 "first", json_time(m->first), "seen", json_time(m->seen), "inventory",
			 m->inventory);
}
