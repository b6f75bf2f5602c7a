/* Encoding beside decoding of the ring's frames and messages; see proto.h. Pure. */
#include "ring/proto.h"

#include <errno.h>
#include <string.h>

#include "ring/crc32c.h"

#define FRAME_MAGIC 0x3147524cu /* "LRG1" */

static void store16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void store32(uint8_t *p, uint32_t v)
{
	store16(p, (uint16_t)v);
	store16(p + 2, (uint16_t)(v >> 16));
}

static void store64(uint8_t *p, uint64_t v)
{
	store32(p, (uint32_t)v);
	store32(p + 4, (uint32_t)(v >> 32));
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) | (uint32_t)load16(p + 2) << 16;
}

static uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

void frame_encode(const struct frame *f, uint8_t out[FRAME_HEADER])
{
	store32(out, FRAME_MAGIC);
	out[4] = f->type;
	out[5] = f->flags;
	store16(out + 6, 0);
	store32(out + 8, f->session);
	store32(out + 12, f->length);
	store64(out + 16, f->offset);
	store32(out + 24, f->crc);
	store32(out + 28, crc32c(out, 28));
}

/* A data frame lies within one chunk; one with a payload within one slot of RING_FRAME bytes. */
static bool data_is_sane(const struct frame *f)
{
	size_t unit = f->flags & FRAME_ZERO ? BLOB_CHUNK : RING_FRAME;

	return f->length > 0 && f->offset % RING_FRAME == 0 &&
	       f->offset < UINT64_MAX - BLOB_CHUNK && f->offset % unit + f->length <= unit;
}

int frame_decode(struct frame *f, const uint8_t in[FRAME_HEADER])
{
	if (load32(in) != FRAME_MAGIC || load32(in + 28) != crc32c(in, 28))
		return -EBADMSG;
	*f = (struct frame){
		.type = in[4],
		.flags = in[5],
		.session = load32(in + 8),
		.length = load32(in + 12),
		.offset = load64(in + 16),
		.crc = load32(in + 24),
	};
	if (!f->type || f->type >= RING_TYPE_END || load16(in + 6))
		return -EPROTO;
	if (f->type == RING_DATA)
		return f->flags & ~FRAME_ZERO || !data_is_sane(f) ? -EPROTO : 0;
	return f->flags || f->length > RING_CONTROL_MAX ? -EPROTO : 0;
}

static void put8(struct strbuf *b, uint8_t v)
{
	strbuf_add(b, &v, 1);
}

static void put16(struct strbuf *b, uint16_t v)
{
	uint8_t p[2];

	store16(p, v);
	strbuf_add(b, p, sizeof(p));
}

static void put32(struct strbuf *b, uint32_t v)
{
	uint8_t p[4];

	store32(p, v);
	strbuf_add(b, p, sizeof(p));
}

static void put64(struct strbuf *b, uint64_t v)
{
	uint8_t p[8];

	store64(p, v);
	strbuf_add(b, p, sizeof(p));
}

static void put_text(struct strbuf *b, const char *s, size_t size)
{
	size_t n = strnlen(s, size - 1);

	put16(b, (uint16_t)n);
	strbuf_add(b, s, n);
}

static void put_address(struct strbuf *b, const struct ring_address *a)
{
	strbuf_add(b, a->ip, sizeof(a->ip));
	put16(b, a->port);
}

/* Reads from the front of a message; after the first read past its end everything is zero and
 * `bad` is set. */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct cursor *c, size_t n)
{
	static const uint8_t zeros[BLOB_HASH_LEN];
	const uint8_t *p = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return n <= sizeof(zeros) ? zeros : NULL;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static uint8_t take8(struct cursor *c)
{
	return *take(c, 1);
}

static uint16_t take16(struct cursor *c)
{
	return load16(take(c, 2));
}

static uint32_t take32(struct cursor *c)
{
	return load32(take(c, 4));
}

static uint64_t take64(struct cursor *c)
{
	return load64(take(c, 8));
}

static void take_bytes(struct cursor *c, void *out, size_t n)
{
	memcpy(out, take(c, n), n);
}

/* Control characters become '?': the text goes into logs and onto terminals. */
static void take_text(struct cursor *c, char *out, size_t size)
{
	size_t n = take16(c);
	const uint8_t *p;

	*out = '\0';
	if (n >= size)
		c->bad = true;
	p = c->bad ? NULL : take(c, n);
	if (c->bad)
		return;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(p[i] < 0x20 || p[i] == 0x7f ? '?' : p[i]);
	out[n] = '\0';
}

static void take_address(struct cursor *c, struct ring_address *a)
{
	take_bytes(c, a->ip, sizeof(a->ip));
	a->port = take16(c);
}

static int finish(const struct cursor *c, bool sane)
{
	return c->bad || c->left || !sane ? -EBADMSG : 0;
}

bool ring_name_is_safe(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f || *name == '/')
			return false;
	return true;
}

void message_encode_hello(struct strbuf *b, const struct ring_hello *m)
{
	put16(b, m->version);
	put8(b, m->keyed);
	strbuf_add(b, m->nonce, sizeof(m->nonce));
}

/* Of a later version only the beginning is looked at, so that the two sides can say what differs.
 */
int message_decode_hello(struct ring_hello *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};

	m->version = take16(&c);
	m->keyed = take8(&c);
	take_bytes(&c, m->nonce, sizeof(m->nonce));
	if (m->version != RING_VERSION)
		c.left = 0;
	return finish(&c, m->keyed <= 1);
}

void message_encode_join(struct strbuf *b, const struct ring_join *m)
{
	put32(b, m->old_session);
	put32(b, m->old_id);
	put_address(b, &m->data);
	put8(b, m->needs_root);
	strbuf_add(b, m->root, sizeof(m->root));
	put_text(b, m->name, sizeof(m->name));
}

int message_decode_join(struct ring_join *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};

	m->old_session = take32(&c);
	m->old_id = take32(&c);
	take_address(&c, &m->data);
	m->needs_root = take8(&c);
	take_bytes(&c, m->root, sizeof(m->root));
	take_text(&c, m->name, sizeof(m->name));
	return finish(&c, m->data.port && m->needs_root <= 1 && ring_name_is_safe(m->name));
}

void message_encode_welcome(struct strbuf *b, const struct ring_welcome *m)
{
	put32(b, m->id);
	put32(b, m->epoch);
	put32(b, m->detect_ms);
	put32(b, m->beat_ms);
	put8(b, m->kind);
	put64(b, m->length);
	put64(b, m->catalog_len);
	put32(b, m->mode);
	put64(b, (uint64_t)m->mtime);
	strbuf_add(b, m->root, sizeof(m->root));
	put_text(b, m->name, sizeof(m->name));
}

static bool welcome_is_sane(const struct ring_welcome *m)
{
	if (!m->id || m->id > RING_ID_MAX || m->detect_ms < 100 || m->detect_ms > 3600000 ||
	    m->beat_ms < 10 || m->beat_ms > m->detect_ms)
		return false;
	if (m->length / BLOB_CHUNK >= BLOB_MANIFEST_MAX / BLOB_HASH_LEN ||
	    m->catalog_len > m->length)
		return false;
	if (m->kind == RING_FILE)
		return !m->catalog_len && ring_name_is_safe(m->name) && m->mode <= 07777;
	return m->kind == RING_TREE;
}

int message_decode_welcome(struct ring_welcome *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};

	m->id = take32(&c);
	m->epoch = take32(&c);
	m->detect_ms = take32(&c);
	m->beat_ms = take32(&c);
	m->kind = take8(&c);
	m->length = take64(&c);
	m->catalog_len = take64(&c);
	m->mode = take32(&c);
	m->mtime = (int64_t)take64(&c);
	take_bytes(&c, m->root, sizeof(m->root));
	take_text(&c, m->name, sizeof(m->name));
	return finish(&c, welcome_is_sane(m));
}

void message_encode_place(struct strbuf *b, const struct ring_place *m)
{
	put32(b, m->epoch);
	put8(b, m->count);
	for (size_t i = 0; i < m->count; i++) {
		put32(b, m->candidates[i].id);
		put_address(b, &m->candidates[i].data);
	}
}

int message_decode_place(struct ring_place *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};
	bool sane;

	m->epoch = take32(&c);
	m->count = take8(&c);
	sane = m->count >= 1 && m->count <= RING_CANDIDATES;
	for (size_t i = 0; sane && i < m->count; i++) {
		m->candidates[i].id = take32(&c);
		take_address(&c, &m->candidates[i].data);
		sane = m->candidates[i].id <= RING_ID_MAX;
	}
	return finish(&c, sane);
}

void message_encode_beat(struct strbuf *b, const struct ring_beat *m)
{
	put64(b, m->received);
	put64(b, m->on_disk);
	put32(b, m->attached);
	put8(b, m->disk_blocks);
	put8(b, m->count);
	for (size_t i = 0; i < m->count; i++) {
		put32(b, m->children[i].id);
		put64(b, m->children[i].sent);
	}
}

int message_decode_beat(struct ring_beat *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};
	bool sane;

	m->received = take64(&c);
	m->on_disk = take64(&c);
	m->attached = take32(&c);
	m->disk_blocks = take8(&c);
	m->count = take8(&c);
	sane = m->count <= RING_CHILDREN && m->disk_blocks <= 1;
	for (size_t i = 0; sane && i < m->count; i++) {
		m->children[i].id = take32(&c);
		m->children[i].sent = take64(&c);
	}
	return finish(&c, sane);
}

void message_encode_report(struct strbuf *b, const struct ring_report *m)
{
	put32(b, m->status);
	put64(b, m->bytes);
	put32(b, m->millis);
	strbuf_add(b, m->root, sizeof(m->root));
	put_text(b, m->text, sizeof(m->text));
}

int message_decode_report(struct ring_report *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};

	m->status = take32(&c);
	m->bytes = take64(&c);
	m->millis = take32(&c);
	take_bytes(&c, m->root, sizeof(m->root));
	take_text(&c, m->text, sizeof(m->text));
	return finish(&c, m->status < 4096);
}

void message_encode_notice(struct strbuf *b, const struct ring_notice *m)
{
	put32(b, m->id);
	put32(b, m->epoch);
	put_text(b, m->text, sizeof(m->text));
}

int message_decode_notice(struct ring_notice *m, const void *data, size_t len)
{
	struct cursor c = {data, len, false};

	m->id = take32(&c);
	m->epoch = take32(&c);
	take_text(&c, m->text, sizeof(m->text));
	return finish(&c, m->id <= RING_ID_MAX || m->id == RING_NOBODY);
}
