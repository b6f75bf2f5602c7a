/* In place of libinih: mkfs.xfs reads no file of settings on a node. */
#ifndef LUCIE_NO_INI_H
#define LUCIE_NO_INI_H

typedef int (*ini_handler)(void *, const char *, const char *, const char *);

static inline int ini_parse(const char *path, ini_handler handler, void *user)
{
	(void)path;
	(void)handler;
	(void)user;
	return -1;
}

#endif
