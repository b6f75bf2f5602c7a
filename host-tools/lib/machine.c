/* See machine.h. */
#include "host-tools/lib/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/json-out.h"
#include "init/lib/log.h"

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

uint64_t machine_number(const struct machine *m, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(m->inventory, key));

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t machine_disk_bytes(const struct machine *m, size_t *disks)
{
	const json_t *list = json_object_get(m->inventory, "disks"), *disk;
	uint64_t bytes = 0;

	*disks = json_array_size(list);
	for (size_t i = 0; (disk = json_array_get(list, i)); i++) {
		json_int_t n = json_integer_value(json_object_get(disk, "bytes"));

		if (n > 0 && (uint64_t)n <= UINT64_MAX - bytes)
			bytes += (uint64_t)n;
	}
	return bytes;
}

static const char *text(const struct machine *m, const char *key)
{
	const char *value = json_string_value(json_object_get(m->inventory, key));

	return value ? value : "";
}

void machine_words(const struct machine *m, char *buf, size_t len)
{
	const char *vendor = text(m, "vendor"), *product = text(m, "product"),
		   *serial = text(m, "serial");

	snprintf(buf, len, "%s%s%s%s%s", vendor, *vendor && *product ? " " : "", product,
		 *serial ? ", serial " : "", serial);
}

json_t *machine_json(const struct machine *m)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:O}", "mac", m->mac, "node", json_text(m->node),
			 "first", json_time(m->first), "seen", json_time(m->seen), "inventory",
			 m->inventory);
}
