/* Writes the boot loaders' files of armed hosts (boot-entry.h); each file is replaced by rename, only
 * if it changed. Used by setup, install and serve (the flip back to local boot). */
#ifndef LUCIE_BOOT_FILES_H
#define LUCIE_BOOT_FILES_H

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

/* dir: the state directory, or a generation (generation.h). A card has files only while its host is
 * armed, or where unknown machines do something else than to boot from their own disks. Logs;
 * -errno. */
int boot_files_write(const char *dir, const struct cluster *c, const struct cluster_object *host,
		     const struct state_node *node);
/* Below tftp/: what the name of a card ("01-aa-bb-...") is appended to. */
#define BOOT_PXELINUX "pxelinux.cfg/"
#define BOOT_GRUB     "grub/grub.cfg-"

/* The URLs where a host, or the hosts of a lucie_group, ask for plans and send events:
 * "http://ADDRESS:PORT" of its server_address, if that is known. A NULL-terminated array, to be
 * released with boot_files_servers_free(). */
char **boot_files_servers(const struct cluster *c, const struct cluster_object *host);
void boot_files_servers_free(char **servers);
/* The installer's kernel command line for a host, without ip= (pxelinux adds it); appended to out.
 */
int boot_files_command_line(struct strbuf *out, const struct cluster *c,
			    const struct cluster_object *host);
/* "console=tty0 console=ttyS0,115200" of a host, appended to out. */
void boot_files_consoles(struct strbuf *out, const struct cluster *c,
			 const struct cluster_object *host);

#endif
