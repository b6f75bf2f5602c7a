/* The header of a shell module: the comment lines at its start that say what a C module says in its
 * descriptor (lucie-module(7)).
 *
 *	#!/bin/sh
 *	# module: NAME       as the file is named, without .sh
 *	# summary: TEXT      what it does, in a few words
 *	# after: NAME...     modules that must come earlier if they are in the list at all
 *	# needs: NAME...     modules that must be in the list, earlier
 *	# silence: SECONDS   without a sign of life before it is killed; default 300
 */
#ifndef LUCIE_SHELL_HEADER_H
#define LUCIE_SHELL_HEADER_H

#include <stddef.h>

#define SHELL_MODULE_MAX ((size_t)1 << 20) /* bytes of a shell module */
#define SILENCE_DEFAULT	 300u		   /* seconds, of C modules too */
#define SILENCE_MAX	 86400u

struct shell_header {
	char name[64];
	char summary[128];
	char after[256], needs[256]; /* "" : none */
	unsigned int silence;
};

/* text: the whole file. -EINVAL with why (>= 160 bytes). Pure. */
int shell_header_parse(struct shell_header *h, const char *text, size_t len, char *why,
		       size_t why_len);

#endif
