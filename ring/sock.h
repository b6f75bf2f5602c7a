/* TCP sockets of the ring: addresses, listening, connecting, options. All addresses are the 16-byte
 * form of proto.h. Return descriptors or 0, or -errno; only sock_resolve() and sock_local() log,
 * because they know the name.
 */
#ifndef LUCIE_RING_SOCK_H
#define LUCIE_RING_SOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/proto.h"

#define SOCK_ADDRESSES 8
#define SOCK_TEXT      64

/* "ADDRESS:PORT" or "[ADDRESS]:PORT"; buf of SOCK_TEXT bytes; returns buf. */
const char *sock_text(const struct ring_address *a, char *buf);
bool sock_is_any(const struct ring_address *a); /* all zero */

/* A host's addresses, IPv4 before IPv6 as the resolver orders them; their number (at most
 * SOCK_ADDRESSES) or -errno. "HOST", "HOST:PORT", "ADDRESS", "[ADDRESS6]:PORT". */
int sock_resolve(const char *host, uint16_t default_port, struct ring_address *out);
/* An own address, or the first usable one of the interface of that name. */
int sock_local(const char *name, struct ring_address *out);

/* Non-blocking, on all addresses of both families, or on `local` if it is not NULL; port 0: any.
 * The port that it got is stored. */
int sock_listen(const struct ring_address *local, uint16_t *port);
/* -EAGAIN: nobody there. peer may be NULL. Non-blocking. */
int sock_accept(int listener, struct ring_address *peer);
/* Begins to connect, from `local` if it is not NULL; sock_connected() when it is writable. */
int sock_connect(const struct ring_address *to, const struct ring_address *local);
int sock_connected(int fd);

/* For connections that carry data: bounded unsent bytes, and a bound for what is not acknowledged.
 */
void sock_tune(int fd, uint32_t detect_ms);
/* on: a packet that is not full waits while another such one is not acknowledged, for more to fill it.
 * Off, as after connecting: everything goes out at once, and so does what has waited. */
void sock_pack(int fd, bool on);
/* Blocking, but each wait ends after tick_ms with -EAGAIN. */
int sock_set_blocking(int fd, unsigned int tick_ms);

#endif
