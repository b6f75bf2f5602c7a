/* What one node boots: made here from definition and state, and written down in the languages of
 * two boot loaders, pxelinux (BIOS) and GRUB (UEFI). */
#ifndef LUCIE_BOOT_ENTRY_H
#define LUCIE_BOOT_ENTRY_H

#include <stdbool.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

#define BOOT_INITRDS_MAX 16

struct boot_entry {
	enum boot_what { BOOT_LOCAL, BOOT_INSTALL } what;
	const char *host; /* of the definition, or words for any other */
	/* Of BOOT_INSTALL only. The kernel gets the initrds in this order. Names of files are below
	 * `folder`, which is below the TFTP root: "12/" in generation 12, so that a node which is
	 * loading when another generation comes into force goes on with the files of its own. */
	char variant[64], folder[16];
	char *kernel;
	char *initrds[BOOT_INITRDS_MAX];
	size_t initrd_count;
	struct strbuf args; /* the kernel's command line, without what the boot loader adds */
};

/* node may be NULL: not armed. Initrds that an image need not have are those that lie in DIR/tftp;
 * dir: a generation, or the state directory. Whatever it returns, call boot_entry_free(). -errno.
 */
int boot_entry_make(struct boot_entry *e, const char *dir, const struct cluster *c,
		    const struct cluster_object *host, const struct state_node *node);
/* The same for every machine that no host is: its own disk, or, where a lucie_group has a
 * discover_range, the image that waits to be named (lucie discover), and asks the servers of all of
 * those groups; variant is "" then. */
int boot_entry_unknown(struct boot_entry *e, const char *dir, const struct cluster *c);
void boot_entry_free(struct boot_entry *e);

/* Appended to out; its error. */
int boot_entry_pxelinux(struct strbuf *out, const struct boot_entry *e);
/* mac: of the card that boots, canonical. */
int boot_entry_grub(struct strbuf *out, const struct boot_entry *e, const char *mac);
/* What GRUB reads first: the file of the card that it was loaded over, else what holds for unknown
 * machines. */
int boot_entry_grub_start(struct strbuf *out, const struct boot_entry *unknown);

/* Archives that some images have besides initramfs.img ("extlinux": extlinux.img), loaded behind it
 * in this order; ends with NULL. */
extern const char *const boot_addons[];

/* "01-aa-bb-...", as boot loaders write a card's address; mac is canonical. */
#define BOOT_CARD_TEXT 21
void boot_card_name(const char *mac, char out[BOOT_CARD_TEXT]);

#endif
