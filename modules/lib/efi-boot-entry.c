/* Load options and their order; see efi-boot-entry.h. All numbers are little-endian. */
#include "modules/lib/efi-boot-entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#define LOAD_OPTION_ACTIVE 1u

/* Device path nodes: type, subtype, length of the whole node (2 bytes). */
#define NODE_HEADER	((size_t)4)
#define TYPE_MESSAGING	0x03
#define TYPE_MEDIA	0x04
#define TYPE_END	0x7f
#define MESSAGING_MAC	0x0b
#define MEDIA_HARDDRIVE 0x01
#define MEDIA_FILE	0x04
#define HARDDRIVE_LEN	((size_t)42)

struct writer {
	uint8_t *out;
	size_t len, max; /* len may pass max: then nothing was written there */
};

static void put_bytes(struct writer *w, const void *data, size_t len)
{
	if (w->len + len <= w->max)
		memcpy(w->out + w->len, data, len);
	w->len += len;
}

static void put_number(struct writer *w, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		put_bytes(w, &(uint8_t){(uint8_t)value}, 1);
}

static void put_text(struct writer *w, const char *s)
{
	for (size_t i = 0; i <= strlen(s); i++)
		put_number(w, (uint8_t)s[i], 2);
}

static void put_node(struct writer *w, uint8_t type, uint8_t subtype, size_t data)
{
	put_number(w, type, 1);
	put_number(w, subtype, 1);
	put_number(w, NODE_HEADER + data, 2);
}

size_t efi_option_encode(const struct efi_option *o, uint8_t *out, size_t len)
{
	struct writer w = {.out = out, .max = len};
	const struct efi_partition *p = &o->partition;
	size_t file = 2 * (strlen(o->file) + 1);

	put_number(&w, LOAD_OPTION_ACTIVE, 4);
	put_number(&w, HARDDRIVE_LEN + NODE_HEADER + file + NODE_HEADER, 2);
	put_text(&w, o->description);
	put_node(&w, TYPE_MEDIA, MEDIA_HARDDRIVE, HARDDRIVE_LEN - NODE_HEADER);
	put_number(&w, p->number, 4);
	put_number(&w, p->start, 8);
	put_number(&w, p->blocks, 8);
	put_bytes(&w, p->id, sizeof(p->id));
	put_number(&w, p->gpt ? 2 : 1, 1); /* kind of table */
	put_number(&w, p->gpt ? 2 : 1, 1); /* kind of id */
	put_node(&w, TYPE_MEDIA, MEDIA_FILE, file);
	put_text(&w, o->file);
	put_node(&w, TYPE_END, 0xff, 0);
	return w.len <= w.max ? w.len : 0;
}

static uint64_t number_at(const uint8_t *p, size_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

/* Text of 16-bit characters up to its NUL; returns the bytes that it takes, 0 if it has no end. */
static size_t text_at(char out[EFI_TEXT_MAX], const uint8_t *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i + 2 <= len; i += 2) {
		uint64_t c = number_at(p + i, 2);

		if (!c) {
			out[n] = '\0';
			return i + 2;
		}
		if (n < EFI_TEXT_MAX - 1)
			out[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	return 0;
}

static void take_harddrive(struct efi_option *o, const uint8_t *node)
{
	o->on_partition = true;
	o->partition = (struct efi_partition){
		.gpt = node[40] == 2,
		.number = (uint32_t)number_at(node + 4, 4),
		.start = number_at(node + 8, 8),
		.blocks = number_at(node + 16, 8),
	};
	memcpy(o->partition.id, node + 24, sizeof(o->partition.id));
}

/* node: whole, of len bytes. */
static void take_node(struct efi_option *o, const uint8_t *node, size_t len)
{
	if (node[0] == TYPE_MESSAGING && node[1] == MESSAGING_MAC)
		o->network = true;
	else if (node[0] == TYPE_MEDIA && node[1] == MEDIA_HARDDRIVE && len == HARDDRIVE_LEN)
		take_harddrive(o, node);
	else if (node[0] == TYPE_MEDIA && node[1] == MEDIA_FILE &&
		 !text_at(o->file, node + NODE_HEADER, len - NODE_HEADER))
		o->file[0] = '\0';
}

int efi_option_decode(struct efi_option *o, const uint8_t *bytes, size_t len)
{
	size_t pos = 6, paths, text, node;

	*o = (struct efi_option){.active = false};
	if (len < pos)
		return -EBADMSG;
	o->active = number_at(bytes, 4) & LOAD_OPTION_ACTIVE;
	paths = number_at(bytes + 4, 2);
	text = text_at(o->description, bytes + pos, len - pos);
	pos += text;
	if (!text || paths > len - pos)
		return -EBADMSG;
	for (len = pos + paths; pos < len; pos += node) {
		if (len - pos < NODE_HEADER)
			return -EBADMSG;
		node = number_at(bytes + pos + 2, 2);
		if (node < NODE_HEADER || node > len - pos)
			return -EBADMSG;
		if (bytes[pos] == TYPE_END)
			break;
		take_node(o, bytes + pos, node);
	}
	return 0;
}

int efi_partition_id(struct efi_partition *p, const char *text)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	unsigned long number;
	uuid_t uuid;
	char *end;

	memset(p->id, 0, sizeof(p->id));
	if (p->gpt) {
		if (uuid_parse(text, uuid))
			return -EINVAL;
		for (size_t i = 0; i < sizeof(order); i++)
			p->id[i] = uuid[order[i]];
		return 0;
	}
	number = strtoul(text, &end, 16);
	if (end == text || *end || number > UINT32_MAX)
		return -EINVAL;
	for (size_t i = 0; i < 4; i++)
		p->id[i] = (uint8_t)(number >> 8 * i);
	return 0;
}

/* --- order --- */

static void order_add(struct efi_order *o, uint16_t number)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->list[i] == number)
			return;
	if (o->count < EFI_ENTRIES_MAX)
		o->list[o->count++] = number;
}

void efi_order_make(struct efi_order *out, const struct efi_order *old, const enum efi_kind *kinds,
		    const struct efi_order *ours, bool netbooted)
{
	size_t before = 0;

	out->count = 0;
	for (size_t i = 0; i < old->count; i++)
		if (kinds[i] == EFI_KIND_NETWORK)
			before = i + 1;
	for (size_t i = 0; i < before; i++)
		if (kinds[i] == EFI_KIND_NETWORK || (!netbooted && kinds[i] != EFI_KIND_OURS))
			order_add(out, old->list[i]);
	for (size_t i = 0; i < ours->count; i++)
		order_add(out, ours->list[i]);
	for (size_t i = 0; i < old->count; i++)
		if (kinds[i] != EFI_KIND_OURS)
			order_add(out, old->list[i]);
}
