/* What makes a node known to others and survives its installations: its ssh host keys, and where
 * the definition wants that, its machine-id. Text, sealed wherever it is not on the node itself:
 *
 *	lucie-identity 1
 *	node NAME
 *	machine_id HEX
 *	file ssh_host_ed25519_key BASE64
 *
 * It travels node -> server sealed to the signing process's key, lies like that in the state, and
 * comes back sealed to the key of one boot. Writer beside reader; bytes from outside; pure.
 */
#ifndef LUCIE_IDENTITY_H
#define LUCIE_IDENTITY_H

#include <stddef.h>

#include "init/lib/seal.h"
#include "init/lib/str.h"

#define IDENTITY_PATH	    "/run/lucie/identity" /* on the node, 0600: the text */
#define IDENTITY_MAX	    ((size_t)64 << 10)	  /* bytes of text */
#define IDENTITY_SEALED_MAX (IDENTITY_MAX + 256)
#define IDENTITY_FILES_MAX  16
#define IDENTITY_FILE_MAX   ((size_t)16 << 10)
#define MACHINE_ID_TEXT	    33

struct identity {
	char node[64];
	char machine_id[MACHINE_ID_TEXT]; /* "": none */
	struct identity_file {
		char name[64]; /* of a file in /etc/ssh: ssh_host_... */
		char *data;    /* malloc'ed, wiped when it is freed */
		size_t len;
	} files[IDENTITY_FILES_MAX];
	size_t count;
};

/* The name of a host key's file, and nothing that leads elsewhere. */
bool identity_is_file(const char *name);
/* Copies the data. -EINVAL (the name), -EFBIG, -ENOMEM. */
int identity_add(struct identity *id, const char *name, const void *data, size_t len);
/* -EINVAL, -ENOMEM; *id is to be freed in any case. */
int identity_parse(struct identity *id, const char *text, size_t len);
/* Appends the text; out's owner wipes it. */
int identity_write(struct strbuf *out, const struct identity *id);
void identity_free(struct identity *id);

/* The box keys that identities are sealed to: they follow from the site's secret key. */
void identity_keys(const uint8_t site_secret[SITE_SECRET_LEN], struct box_keys *keys);
/* True if it is an identity's text, and may be sealed anew for a node. */
bool identity_is_text(const char *text, size_t len);

#endif
