/* What the HTTP server answers with, but for streams: texts with the code that proves them, files with
 * Range and ETag; see http-answer.h. */
#include "host-tools/lib/http-answer.h"

#include <stdio.h>
#include <string.h>

#include "host-tools/lib/serve-request.h"

static void prove(struct MHD_Response *response, const struct http_reply *reply)
{
	uint8_t code[REQUEST_CODE_LEN];
	char hex[REQUEST_CODE_TEXT];

	answer_code(reply->proof.key, reply->proof.request, reply->status, reply->text.buf,
		    reply->text.len, code);
	str_to_hex(code, sizeof(code), hex);
	MHD_add_response_header(response, ANSWER_CODE_HEADER, hex);
}

struct MHD_Response *http_text_response(struct http_reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->text.len, reply->text.buf, MHD_RESPMEM_MUST_COPY);

	if (response && reply->proof.wanted)
		prove(response, reply);
	return response;
}

const char *http_header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

#define QUOTED (sizeof(((struct http_reply *)0)->etag) + 2)

static const char *quote(const struct http_reply *reply, char buf[QUOTED])
{
	snprintf(buf, QUOTED, "\"%s\"", reply->etag);
	return buf;
}

/* A range counts only if it is a range of the file that the client believes it has. */
static bool range_applies(struct MHD_Connection *connection, const struct http_reply *reply)
{
	const char *if_range = http_header(connection, MHD_HTTP_HEADER_IF_RANGE);
	char quoted[QUOTED];

	return !if_range || (reply->etag[0] && !strcmp(if_range, quote(reply, quoted)));
}

/* Who has the file already is told so (RFC 9110, 13.1.2). */
static bool is_known(struct MHD_Connection *connection, const struct http_reply *reply)
{
	const char *known = http_header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
	char quoted[QUOTED];

	return known && reply->etag[0] &&
	       (!strcmp(known, "*") || strstr(known, quote(reply, quoted)));
}

static void add_etag(struct MHD_Response *response, const struct http_reply *reply)
{
	char quoted[QUOTED];

	if (response && reply->etag[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, quote(reply, quoted));
}

static struct MHD_Response *not_modified(struct http_reply *reply)
{
	struct MHD_Response *response;

	reply->status = MHD_HTTP_NOT_MODIFIED;
	reply->type = "application/octet-stream"; /* of the file: caches take it over */
	response = http_text_response(reply);
	add_etag(response, reply);
	return response;
}

static struct MHD_Response *range_refused(struct http_reply *reply)
{
	struct MHD_Response *response;
	char value[64];

	http_reply_text(reply, MHD_HTTP_RANGE_NOT_SATISFIABLE, "the file has %llu bytes",
			(unsigned long long)reply->size);
	response = http_text_response(reply);
	snprintf(value, sizeof(value), "bytes */%llu", (unsigned long long)reply->size);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, value);
	return response;
}

/* The descriptor goes to the response. */
struct MHD_Response *http_file_response(struct MHD_Connection *connection, struct http_reply *reply)
{
	const char *range = http_header(connection, MHD_HTTP_HEADER_RANGE);
	struct MHD_Response *response;
	uint64_t from, len;
	char value[96];
	int part = range_parse(range_applies(connection, reply) ? range : NULL, reply->size, &from,
			       &len);

	if (is_known(connection, reply))
		return not_modified(reply);
	if (part < 0)
		return range_refused(reply);
	response = MHD_create_response_from_fd_at_offset64(len, reply->fd, from);
	if (!response)
		return NULL;
	reply->fd = -1;
	reply->status = part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
	reply->type = "application/octet-stream";
	MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (part) {
		snprintf(value, sizeof(value), "bytes %llu-%llu/%llu", (unsigned long long)from,
			 (unsigned long long)(from + len - 1), (unsigned long long)reply->size);
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, value);
	}
	add_etag(response, reply);
	return response;
}
