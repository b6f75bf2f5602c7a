/* The answers of the HTTP server, but for streams (http-stream.h), from what a handler left in its
 * reply. Part of http-server.c only. */
#ifndef LUCIE_HTTP_ANSWER_H
#define LUCIE_HTTP_ANSWER_H

#include <microhttpd.h>

#include "host-tools/lib/http-server.h"

/* A header of the request; NULL: it has none. The connection's. */
const char *http_header(struct MHD_Connection *connection, const char *name);

/* A copy of the reply's text, with the code of the installation that asked, where it is wanted. NULL:
 * no memory. */
struct MHD_Response *http_text_response(struct http_reply *reply);
/* The reply's file, or the part of it that is asked for (RFC 9110, 14.2), or 304 or 416. The descriptor
 * goes to a response that sends it; else it stays the reply's. Sets status and type. NULL: no memory. */
struct MHD_Response *http_file_response(struct MHD_Connection *connection,
					struct http_reply *reply);

#endif
