/* A folder that a build makes and an administrator adds to: brought up to date without touching what
 * is not ours. FOLDER.list beside it (image/nfsroot.sh) says what each version consists of. */
#ifndef LUCIE_FOLDER_SYNC_H
#define LUCIE_FOLDER_SYNC_H

struct folder_sync {
	const char *from; /* folder of the build, its list in FROM.list */
	const char *to;	  /* the administrator's, list of what was written there in TO.list */
	const char *name; /* for messages: "nfsroot/BOARD" */
	/* out */
	unsigned int written, removed, kept;
};

/* Writes what is new or changed in the build, removes what the build no longer has; a file that
 * somebody changed is kept, and said on stdout. What is replaced stays in TO.replaced for a day, as
 * machines may have it open over NFS. Can be interrupted and repeated. 0 or -errno (logged). */
int folder_sync(struct folder_sync *s);

#endif
