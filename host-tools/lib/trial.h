/* The surroundings of `lucie try`: a state directory and a server of their own, on loopback, for
 * one node of a definition. Nothing of the site's own state directory is changed; base systems are
 * linked from there. */
#ifndef LUCIE_TRIAL_H
#define LUCIE_TRIAL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/site.h"
#include "init/lib/str.h"

struct trial_options {
	const char *node;
	const char *source;  /* state directory with the bases, and without conf the definition */
	const char *conf;    /* NULL: the source's definition */
	const char *images;  /* NULL: as lucie setup */
	const char *variant; /* NULL: the host's own */
	bool wipe;
	bool verbose; /* shows what setup and install say */
};

struct trial {
	const struct trial_options *options;
	char dir[PATH_MAX]; /* the state directory; "": not made */
	char server[64];    /* URL, as a guest of QEMU's user network sees it */
	int listen_fd;
	pid_t serve; /* 0: not running */
	struct site site;
	/* What the node's boot loader would read: with this trial as the server. */
	char mac[MAC_TEXT];
	struct boot_entry boot;
};

/* Makes the state directory, arms the node, and starts the server as a child. Whatever it returns,
 * call trial_end(). Logs; -errno. */
int trial_begin(struct trial *t, const struct trial_options *options);
/* The initrds as the one that the kernel makes of them. The path is the caller's to free; NULL:
 * failed, logged. */
char *trial_initrd(const struct trial *t);
/* A folder for TFTP with the configurations of pxelinux and GRUB for this node. The same rules. */
char *trial_tftp(const struct trial *t);
bool trial_serving(struct trial *t);
/* Ends the server; removes the folder unless keep is set. */
void trial_end(struct trial *t, bool keep);

#endif
