/* The configuration files of the older dolly, so that its users can switch. Pure.
 *
 *	infile FILE
 *	outfile FILE
 *	server HOST
 *	firstclient HOST, lastclient HOST     not needed: accepted
 *	hyphennormal, hypheninname            names are taken as they are: accepted
 *	clients N, then N lines with a host each
 *	endconfig
 *
 * What would make the copy another one (compressed, split, add, dummy) is refused by name.
 */
#ifndef LUCIE_DOLLY_CONFIG_H
#define LUCIE_DOLLY_CONFIG_H

#include <stddef.h>

#define DOLLY_CLIENTS_MAX 65535

/* Owner: dolly_config_parse() fills it, dolly_config_free() releases it; strings point into text.
 */
struct dolly_config {
	char *text;
	char *infile, *outfile, *server; /* server may be NULL */
	char **clients;
	size_t count;
};

/* -EINVAL, -ENOMEM with why (>= 160 bytes): "line N: ...". */
int dolly_config_parse(struct dolly_config *c, const char *text, size_t len, char *why,
		       size_t why_len);
void dolly_config_free(struct dolly_config *c);

#endif
