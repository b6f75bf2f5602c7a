/* See inventory.h. Every byte here is a stranger's. */
#include "host-tools/lib/inventory.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"

#define TEXT_MAX 80

struct field {
	const char *key;
	enum { TEXT, NUMBER, FLAG } type;
};

static const struct field machine_fields[] = {{"ram", NUMBER}, {"cpus", NUMBER}, {"cores", NUMBER},
					      {"cpu", TEXT},   {"vendor", TEXT}, {"product", TEXT},
					      {"serial", TEXT}};
static const struct field disk_fields[] = {
	{"name", TEXT}, {"bytes", NUMBER}, {"serial", TEXT}, {"model", TEXT}, {"transport", TEXT}};
static const struct field nic_fields[] = {
	{"name", TEXT}, {"mac", TEXT}, {"driver", TEXT}, {"speed", NUMBER}, {"link", FLAG}};

static json_t *clean_text(const json_t *value)
{
	const char *text = json_string_value(value);
	char copy[TEXT_MAX];

	if (!text || !*text)
		return NULL;
	snprintf(copy, sizeof(copy), "%s", text);
	str_make_text(copy);
	return json_string(str_trim(copy));
}

static json_t *clean_value(const struct field *field, const json_t *value)
{
	switch (field->type) {
	case TEXT:
		return clean_text(value);
	case NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0
			       ? json_integer(json_integer_value(value))
			       : NULL;
	case FLAG:
		return json_is_boolean(value) ? json_boolean(json_is_true(value)) : NULL;
	}
	return NULL;
}

static json_t *clean_object(const json_t *from, const struct field *fields, size_t count)
{
	json_t *to = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *value = clean_value(&fields[i], json_object_get(from, fields[i].key));

		if (value)
			json_object_set_new(to, fields[i].key, value);
	}
	return to;
}

static void clean_list(json_t *to, const json_t *from, const char *key, const struct field *fields,
		       size_t count)
{
	const json_t *list = json_object_get(from, key);
	json_t *clean = json_array();

	for (size_t i = 0; i < json_array_size(list) && i < INVENTORY_ITEMS_MAX; i++)
		json_array_append_new(clean, clean_object(json_array_get(list, i), fields, count));
	json_object_set_new(to, key, clean);
}

int inventory_clean(struct strbuf *out, const char *body, size_t len)
{
	json_t *request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL), *clean;
	const json_t *inventory = json_object_get(request, "inventory");
	_cleanup_free_ char *text = NULL;

	if (!json_is_object(inventory)) {
		json_decref(request);
		return -EINVAL;
	}
	clean = clean_object(inventory, machine_fields, ARRAY_SIZE(machine_fields));
	clean_list(clean, inventory, "disks", disk_fields, ARRAY_SIZE(disk_fields));
	clean_list(clean, inventory, "nics", nic_fields, ARRAY_SIZE(nic_fields));
	text = json_dumps(clean, JSON_COMPACT);
	json_decref(clean);
	json_decref(request);
	return text ? strbuf_adds(out, text) : -ENOMEM;
}
