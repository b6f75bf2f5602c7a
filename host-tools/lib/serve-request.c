/* Requests taken apart; see serve-request.h. Every byte here is a stranger's. */
#include "host-tools/lib/serve-request.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"

static json_t *object_parse(const char *text, size_t len, char *why, size_t why_len)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		snprintf(why, why_len, "not JSON: %.120s", error.text);
	else if (!json_is_object(json))
		snprintf(why, why_len, "not a JSON object");
	if (json && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static int bad(char *why, size_t why_len, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return -EINVAL;
}

static int mac_get(char mac[MAC_TEXT], const json_t *json, char *why, size_t why_len)
{
	const char *text = json_string_value(json_object_get(json, "mac"));

	return text && !str_to_mac(text, mac) ? 0 : bad(why, why_len, "'mac' is not an address");
}

/* A whole number that is not negative; 0 for anything else. */
static uint64_t number_get(const json_t *json, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(json, key));

	return n > 0 ? (uint64_t)n : 0;
}

static int inventory_get(struct plan_request *r, const json_t *json, char *why, size_t why_len)
{
	const json_t *inventory = json_object_get(json, "inventory");
	const json_t *disks = json_object_get(inventory, "disks");

	if (!json_is_object(inventory))
		return bad(why, why_len, "'inventory' is not an object");
	if (disks && !json_is_array(disks))
		return bad(why, why_len, "'disks' is not a list");
	r->ram = number_get(inventory, "ram");
	r->cpus = number_get(inventory, "cpus");
	r->disks = json_array_size(disks);
	if (r->disks > REQUEST_DISKS_MAX)
		return bad(why, why_len, "too many disks");
	for (size_t i = 0; i < r->disks; i++) {
		uint64_t bytes = number_get(json_array_get(disks, i), "bytes");

		if (bytes > UINT64_MAX - r->disk_bytes)
			return bad(why, why_len, "disks of an impossible size");
		r->disk_bytes += bytes;
	}
	return 0;
}

static int nonce_get(char out[2 * NONCE_LEN + 1], const json_t *json, char *why, size_t why_len)
{
	const char *nonce = json_string_value(json_object_get(json, "nonce"));
	uint8_t raw[NONCE_LEN];

	if (!nonce || str_from_hex(nonce, raw, sizeof(raw)))
		return bad(why, why_len, "'nonce' is not 64 hex digits");
	str_to_hex(raw, sizeof(raw), out);
	return 0;
}

static int plan_request_read(struct plan_request *r, const json_t *json, char *why, size_t why_len)
{
	const char *key = json_string_value(json_object_get(json, "key"));
	int ret = mac_get(r->mac, json, why, why_len);

	if (!ret)
		ret = nonce_get(r->nonce, json, why, why_len);
	if (ret)
		return ret;
	if (!key || str_from_hex(key, r->key, sizeof(r->key)))
		return bad(why, why_len, "'key' is not 64 hex digits");
	r->discover = json_is_true(json_object_get(json, "discover"));
	return inventory_get(r, json, why, why_len);
}

int plan_request_parse(struct plan_request *r, const char *text, size_t len, char *why,
		       size_t why_len)
{
	json_t *json;
	int ret;

	memset(r, 0, sizeof(*r));
	if (len > PLAN_REQUEST_MAX)
		return bad(why, why_len, "the request is too long");
	json = object_parse(text, len, why, why_len);
	if (!json)
		return -EINVAL;
	ret = plan_request_read(r, json, why, why_len);
	json_decref(json);
	return ret;
}

int alarm_request_parse(struct alarm_request *a, const char *text, size_t len, char *why,
			size_t why_len)
{
	const char *message;
	json_t *json;
	int ret;

	memset(a, 0, sizeof(*a));
	if (len > ALARM_REQUEST_MAX)
		return bad(why, why_len, "the request is too long");
	json = object_parse(text, len, why, why_len);
	if (!json)
		return -EINVAL;
	ret = mac_get(a->mac, json, why, why_len);
	message = json_string_value(json_object_get(json, "message"));
	if (!ret && !message)
		ret = bad(why, why_len, "'message' is not a text");
	if (!ret)
		snprintf(a->message, sizeof(a->message), "%s", message);
	json_decref(json);
	return ret;
}

static int name_get(char *out, size_t out_len, const json_t *json, const char *key, char *why,
		    size_t why_len)
{
	const char *name = json_string_value(json_object_get(json, key));

	if (!name || !str_is_name(name) || strlen(name) >= out_len) {
		snprintf(why, why_len, "'%s' is not a name", key);
		return -EINVAL;
	}
	memcpy(out, name, strlen(name) + 1);
	return 0;
}

/* Of the node's clock, which the state keeps as int64_t. */
static int clock_get(uint64_t *t, const json_t *json, char *why, size_t why_len)
{
	const json_t *v = json_object_get(json, "t");

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return bad(why, why_len, "'t' is not a time");
	*t = (uint64_t)json_integer_value(v);
	return 0;
}

int hold_request_parse(struct hold_request *h, const char *text, size_t len, char *why,
		       size_t why_len)
{
	json_t *json;
	int ret;

	memset(h, 0, sizeof(*h));
	if (len > HOLD_REQUEST_MAX)
		return bad(why, why_len, "the request is too long");
	json = object_parse(text, len, why, why_len);
	if (!json)
		return -EINVAL;
	ret = name_get(h->install, sizeof(h->install), json, "install", why, why_len);
	if (!ret)
		ret = name_get(h->module, sizeof(h->module), json, "module", why, why_len);
	if (!ret)
		ret = nonce_get(h->nonce, json, why, why_len);
	if (!ret)
		ret = clock_get(&h->t, json, why, why_len);
	json_decref(json);
	return ret;
}

static const struct {
	const char *name, *words;
} arm_actions[] = {
	[ARM_INSTALL] = {"install", "installs at its next boot"},
	[ARM_REPAIR] = {"repair", "is repaired at its next boot"},
	[ARM_BOOT] = {"boot", "boots from its disk"},
	[ARM_CONTINUE] = {"continue", "goes on"},
};

const char *arm_action_words(enum arm_action action)
{
	return arm_actions[action].words;
}

static int arm_request_read(struct arm_request *r, const json_t *json, char *why, size_t why_len)
{
	const char *action = json_string_value(json_object_get(json, "action"));
	const json_t *nodes = json_object_get(json, "nodes");
	size_t a = 0;

	while (a < ARRAY_SIZE(arm_actions) && (!action || strcmp(arm_actions[a].name, action) != 0))
		a++;
	if (a == ARRAY_SIZE(arm_actions))
		return bad(why, why_len, "'action' is not install, repair, boot or continue");
	r->action = (enum arm_action)a;
	r->count = json_array_size(nodes);
	if (!r->count || r->count > ARM_NODES_MAX)
		return bad(why, why_len, "'nodes' is not a list of 1 to 256 names");
	for (size_t i = 0; i < r->count; i++) {
		const char *name = json_string_value(json_array_get(nodes, i));

		if (!name || !str_is_name(name))
			return bad(why, why_len, "'nodes' has something that is no name");
		snprintf(r->nodes[i], sizeof(r->nodes[i]), "%s", name);
	}
	return 0;
}

int arm_request_parse(struct arm_request *r, const char *text, size_t len, char *why,
		      size_t why_len)
{
	json_t *json;
	int ret;

	memset(r, 0, sizeof(*r));
	if (len > ARM_REQUEST_MAX)
		return bad(why, why_len, "the request is too long");
	json = object_parse(text, len, why, why_len);
	if (!json)
		return -EINVAL;
	ret = arm_request_read(r, json, why, why_len);
	json_decref(json);
	return ret;
}

static int identity_request_read(struct identity_request *r, const json_t *json, char *why,
				 size_t why_len)
{
	const char *sealed = json_string_value(json_object_get(json, "sealed"));
	unsigned char raw[IDENTITY_SEALED_MAX];
	size_t len;
	int ret = name_get(r->install, sizeof(r->install), json, "install", why, why_len);

	if (!ret)
		ret = clock_get(&r->t, json, why, why_len);
	if (ret)
		return ret;
	if (!sealed || sodium_base642bin(raw, sizeof(raw), sealed, strlen(sealed), NULL, &len, NULL,
					 sodium_base64_VARIANT_ORIGINAL))
		return bad(why, why_len, "'sealed' is not base64 of a size that an identity has");
	r->sealed = strdup(sealed);
	return r->sealed ? 0 : -ENOMEM;
}

int identity_request_parse(struct identity_request *r, const char *text, size_t len, char *why,
			   size_t why_len)
{
	json_t *json;
	int ret;

	memset(r, 0, sizeof(*r));
	if (len > IDENTITY_REQUEST_MAX)
		return bad(why, why_len, "the request is too long");
	json = object_parse(text, len, why, why_len);
	if (!json)
		return -EINVAL;
	ret = identity_request_read(r, json, why, why_len);
	json_decref(json);
	return ret;
}

static bool is_blob_name(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n == 64 && (!s[n] || !strcmp(s + n, ".blob"));
}

/* No "..", no hidden file, nothing that a terminal would obey; "./" is how apt asks for the files
 * of a flat repository. The kernel holds the path below its folder in any case (RESOLVE_BENEATH).
 */
static bool is_plain_path(const char *s)
{
	bool start = true;

	for (; *s; s++) {
		if (start && str_starts(s, "./"))
			s += 2;
		if (start && (*s == '.' || *s == '/'))
			return false;
		if (iscntrl((unsigned char)*s))
			return false;
		start = *s == '/';
	}
	return !start;
}

static void packages_route(struct route *r, const char *path)
{
	const char *slash = strchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!n || n >= sizeof(r->name))
		return;
	memcpy(r->name, path, n);
	r->name[n] = '\0';
	if (!str_is_name(r->name) || !is_plain_path(slash + 1))
		return;
	r->kind = ROUTE_PACKAGES;
	r->rest = slash + 1;
}

/* NAME or NAME/log */
static void node_route(struct route *r, const char *path)
{
	size_t n = strcspn(path, "/");

	if (n >= sizeof(r->name))
		return;
	memcpy(r->name, path, n);
	r->name[n] = '\0';
	if (!str_is_name(r->name))
		return;
	if (!path[n])
		r->kind = ROUTE_NODE;
	else if (!strcmp(path + n, "/log"))
		r->kind = ROUTE_NODE_LOG;
}

void route_parse(struct route *r, const char *path)
{
	static const struct {
		const char *path;
		enum route_kind kind;
	} fixed[] = {
		{"/v1/plan", ROUTE_PLAN},
		{"/v1/events", ROUTE_EVENTS},
		{"/v1/hold", ROUTE_HOLD},
		{"/v1/alarm", ROUTE_ALARM},
		{"/v1/identity", ROUTE_IDENTITY},
		{"/metrics", ROUTE_METRICS},
		{"/", ROUTE_PAGE},
		{"/board", ROUTE_PAGE},
		{"/v1/board", ROUTE_BOARD},
		{"/v1/board/stream", ROUTE_STREAM},
		{"/v1/history", ROUTE_HISTORY},
		{"/v1/machines", ROUTE_MACHINES},
		{"/v1/operator", ROUTE_OPERATOR},
		{"/v1/operator/arm", ROUTE_ARM},
	};

	*r = (struct route){.kind = ROUTE_NONE, .rest = ""};
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (!strcmp(path, fixed[i].path))
			r->kind = fixed[i].kind;
	if (r->kind != ROUTE_NONE)
		return;
	if (str_starts(path, "/v1/nodes/")) {
		node_route(r, path + 10);
	} else if (str_starts(path, "/board/") && is_plain_path(path + 7)) {
		r->kind = ROUTE_PAGE;
		r->rest = path + 7;
	} else if (str_starts(path, "/blob/") && is_blob_name(path + 6)) {
		r->kind = ROUTE_BLOB;
		r->rest = path + 6;
	} else if (str_starts(path, "/boot/") && is_plain_path(path + 6)) {
		r->kind = ROUTE_BOOT;
		r->rest = path + 6;
	} else if (str_starts(path, "/packages/")) {
		packages_route(r, path + 10);
	}
}

/* Decimal digits of *s; false where there is none or it does not fit. */
static bool take_number(const char **s, uint64_t *out)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)**s))
		return false;
	for (; isdigit((unsigned char)**s); (*s)++) {
		unsigned int d = (unsigned int)(**s - '0');

		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

static int suffix_range(const char *s, uint64_t size, uint64_t *from, uint64_t *len)
{
	uint64_t last;

	if (!take_number(&s, &last) || *s)
		return 0;
	if (!last || !size)
		return -ERANGE;
	*len = last < size ? last : size;
	*from = size - *len;
	return 1;
}

int range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len)
{
	uint64_t first, last = UINT64_MAX;
	const char *s;

	*from = 0;
	*len = size;
	if (!value || !str_starts(value, "bytes="))
		return 0;
	s = value + 6;
	if (*s == '-')
		return suffix_range(s + 1, size, from, len);
	if (!take_number(&s, &first) || *s++ != '-')
		return 0;
	if (*s && (!take_number(&s, &last) || *s || last < first))
		return 0;
	if (first >= size)
		return -ERANGE;
	*from = first;
	*len = (last < size - 1 ? last : size - 1) - first + 1;
	return 1;
}
