/* What a master sends: one file or device, or a tree of files and folders, as one stream. */
#ifndef LUCIE_RING_SOURCE_H
#define LUCIE_RING_SOURCE_H

#include "ring/catalog.h"
#include "ring/proto.h"
#include "ring/store.h"

struct source {
	struct store store; /* first: a struct store * of it is the source */
	enum ring_kind kind;
	uint64_t length;
	char name[RING_NAME_MAX]; /* RING_FILE */
	uint32_t mode;
	int64_t mtime;
	int fd;		    /* RING_FILE */
	const char *path;   /* RING_FILE: the caller's */
	struct strbuf text; /* RING_TREE: the catalog */
	struct catalog catalog;
	char **tops;	  /* RING_TREE: what stands before the name of each top-level entry */
	uint32_t *top_of; /* [catalog entry] */
	size_t top_count;
};

/* One regular file or device: RING_FILE; everything else a tree in which each path has its last
 * component as its name. A path that is a link stands for what it leads to. Logs which path is
 * wrong; -errno. Special files in a tree are left out with a warning. The paths have to stay. */
int source_open(struct source *s, char *const *paths, size_t count);
void source_close(struct source *s);

#endif
