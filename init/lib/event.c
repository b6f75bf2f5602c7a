/* Encoder and decoder of events; see event.h. The table of fields is the schema: both walk it. */
#include "init/lib/event.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define KIND(k)	  (1u << (k))
#define ALL_KINDS (KIND(EVENT_KINDS) - 1)

enum field_type { FIELD_TEXT, FIELD_UNSIGNED, FIELD_SIGNED, FIELD_BOOL };

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
	unsigned int kinds; /* of which events it is a part */
};

#define FIELD(member, type, kinds)                                                                 \
	{                                                                                          \
#member, type, offsetof(struct event, member),                                     \
			sizeof(((struct event *)0)->member), kinds                                 \
	}

/* "kind" itself is not in the table: it decides which of these are there. */
static const struct field fields[] = {
	FIELD(install, FIELD_TEXT, ALL_KINDS),
	FIELD(seq, FIELD_UNSIGNED, ALL_KINDS),
	FIELD(mac, FIELD_TEXT, ALL_KINDS),
	FIELD(t, FIELD_SIGNED, ALL_KINDS),
	FIELD(module, FIELD_TEXT, ALL_KINDS),
	FIELD(ok, FIELD_BOOL, KIND(EVENT_END) | KIND(EVENT_REPORT)),
	FIELD(level, FIELD_TEXT, KIND(EVENT_LOG)),
	FIELD(bytes, FIELD_UNSIGNED, KIND(EVENT_PROGRESS)),
	FIELD(total, FIELD_UNSIGNED, KIND(EVENT_PROGRESS)),
	FIELD(millis, FIELD_SIGNED, KIND(EVENT_END)),
	FIELD(message, FIELD_TEXT, ALL_KINDS & ~KIND(EVENT_START)),
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const char *const kind_names[] = {"start",  "progress", "log",	  "end",
					 "report", "hold",     "host_key"};

const char *event_outcome(const char *message)
{
	static const char *const words[] = {"verified", "restored", "rescued", "wiped"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_starts(message, words[i]) && message[strlen(words[i])] == ':')
			return words[i];
	return "installed";
}

const char *event_amount(uint64_t n, uint64_t total, char *buf, size_t len)
{
	if (total >= EVENT_STEPS_MAX)
		return str_from_size(n, buf, len);
	snprintf(buf, len, "%llu", (unsigned long long)n);
	return buf;
}

const char *event_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

static int kind_parse(const char *name)
{
	for (int i = 0; i < EVENT_KINDS; i++)
		if (!strcmp(name, kind_names[i]))
			return i;
	return -EINVAL;
}

static json_t *field_to_json(const struct field *f, const struct event *e)
{
	const void *p = (const char *)e + f->offset;
	char text[EVENT_MESSAGE_MAX];

	switch (f->type) {
	case FIELD_UNSIGNED:
		return json_integer((json_int_t) * (const uint64_t *)p);
	case FIELD_SIGNED:
		return json_integer((json_int_t) * (const int64_t *)p);
	case FIELD_BOOL:
		return json_boolean(*(const int *)p);
	case FIELD_TEXT:
		break;
	}
	snprintf(text, sizeof(text), "%s", (const char *)p);
	str_make_text(text);
	return json_string(text);
}

int event_encode(struct strbuf *out, const struct event *e)
{
	json_t *o = json_object();
	char *text = NULL;
	int ret = o ? json_object_set_new(o, "kind", json_string(kind_names[e->kind])) : -1;

	for (size_t i = 0; !ret && i < FIELD_COUNT; i++)
		if (fields[i].kinds & KIND(e->kind))
			ret = json_object_set_new(o, fields[i].name, field_to_json(&fields[i], e));
	if (!ret)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return out->error = -ENOMEM;
	ret = strbuf_addf(out, "%s\n", text);
	free(text);
	return ret;
}

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t why_len, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, why_len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *field_from_json(const struct field *f, struct event *e, json_t *v)
{
	void *p = (char *)e + f->offset;

	if (f->type == FIELD_BOOL) {
		if (!json_is_boolean(v))
			return "is neither true nor false";
		*(int *)p = json_is_true(v);
		return NULL;
	}
	if (f->type != FIELD_TEXT) {
		if (!json_is_integer(v))
			return "is not a whole number";
		if (json_integer_value(v) < 0)
			return "is negative";
		*(int64_t *)p = json_integer_value(v);
		return NULL;
	}
	if (!json_is_string(v))
		return "is not a string";
	if (json_string_length(v) >= f->size)
		return "is too long";
	if (!str_is_text(json_string_value(v), json_string_length(v)))
		return "has a control character";
	memcpy(p, json_string_value(v), json_string_length(v) + 1);
	return NULL;
}

/* What the types cannot say. */
static int check_values(struct event *e, char *why, size_t why_len)
{
	if (!str_is_name(e->install))
		return refuse(why, why_len, "'install' is not a name");
	if (str_to_mac(e->mac, e->mac))
		return refuse(why, why_len, "'mac' is not an address");
	if (*e->module && !str_is_name(e->module))
		return refuse(why, why_len, "'module' is not a name");
	if (e->seq == 0)
		return refuse(why, why_len, "'seq' starts at 1");
	if (e->kind == EVENT_LOG && log_level_parse(e->level) < 0)
		return refuse(why, why_len, "'level' is not known");
	return 0;
}

static int decode_object(struct event *e, json_t *o, char *why, size_t why_len)
{
	json_t *kind = json_object_get(o, "kind");
	size_t known = 1;
	int k = json_is_string(kind) ? kind_parse(json_string_value(kind)) : -EINVAL;

	if (k < 0)
		return refuse(why, why_len, "'kind' is missing or not known");
	e->kind = (enum event_kind)k;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct field *f = &fields[i];
		json_t *v = json_object_get(o, f->name);
		const char *wrong;

		if (!(f->kinds & KIND(k)))
			continue;
		if (!v)
			return refuse(why, why_len, "'%s' is missing", f->name);
		wrong = field_from_json(f, e, v);
		if (wrong)
			return refuse(why, why_len, "'%s' %s", f->name, wrong);
		known++;
	}
	if (json_object_size(o) != known)
		return refuse(why, why_len, "a key that a '%s' does not have", kind_names[k]);
	return check_values(e, why, why_len);
}

int event_decode(struct event *e, const char *line, size_t len, char *why, size_t why_len)
{
	json_error_t error;
	json_t *o;
	int ret;

	memset(e, 0, sizeof(*e));
	if (len > EVENT_LINE_MAX)
		return refuse(why, why_len, "longer than %d bytes", EVENT_LINE_MAX);
	o = json_loadb(len ? line : "", len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(o))
		ret = refuse(why, why_len, "not a JSON object (%.100s)",
			     o ? "another type" : error.text);
	else
		ret = decode_object(e, o, why, why_len);
	json_decref(o);
	return ret;
}
