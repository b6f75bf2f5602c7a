/* The blobs of a state directory: where bases and configuration files lie, and how they are named
 * in plans.
 *
 *	STATE/bases/NAME.tar.{zst,xz,gz}	with .blob (manifest) and .packages beside it
 *	STATE/bases/NAME.listing		with .blob: its entries (modules/lib/listing.h)
 *	STATE/files/ID/CLASS.tar.zst		with .blob; ID stands for the folder;
 *						CLASS: default, group/NAME, host/NAME
 *	STATE/blobs/ROOT, ROOT.blob		the same files once more (hard links), as they are
 *						fetched
 *	STATE/datasets/NAME.blob		a manifest alone: the data stay where they are
 *
 * Configuration files may hold secrets, so other users of the server neither look into files/ nor
 * list blobs/: who knows a blob's root may fetch it.
 *
 * A replaced file stays in blobs/ for as long as a running installation may want it.
 */
#ifndef LUCIE_STORE_H
#define LUCIE_STORE_H

#include <limits.h>
#include <stdint.h>

#include "init/lib/blob.h"

#define STORE_KEEP_SECONDS (24 * 60 * 60) /* what a running installation may want */

struct store_blob {
	char root[BLOB_ROOT_TEXT];
	uint64_t bytes;
	const char *format; /* "tar.zst", ...: a constant */
};

/* -ENOENT: not there. Others: the manifest is damaged or cannot be read. Log nothing. */
int store_base(const char *state_dir, const char *name, struct store_blob *out);
int store_listing(const char *state_dir, const char *base, struct store_blob *out); /* no format */
int store_files(const char *state_dir, const char *folder, const char *class,
		struct store_blob *out);

int store_dataset(const char *state_dir, const char *name, struct store_blob *out); /* no format */

/* Paths of what they find; of a dataset that of its manifest. -ENAMETOOLONG. */
int store_base_path(const char *state_dir, const char *name, const char *format,
		    char out[PATH_MAX]);
int store_listing_path(const char *state_dir, const char *base, char out[PATH_MAX]);
int store_files_path(const char *state_dir, const char *folder, const char *class,
		     char out[PATH_MAX]);
int store_dataset_path(const char *state_dir, const char *name, char out[PATH_MAX]);

/* STATE/files, for its owner alone. 0 or -errno. */
int store_make_files(const char *state_dir);

/* A new data file `tmp` becomes the blob `path`: hashed, entered under its root, renamed. 1: it is
 * new, 0: the same blob was there. tmp is gone afterwards, whatever the result. Logs; -errno. */
int store_put(const char *state_dir, const char *tmp, const char *path, struct store_blob *out);
/* A base has one format: removes what is there under its name in others. 0 or -errno. */
int store_drop_other_formats(const char *state_dir, const char *name, const char *format);
/* Removes what nothing has named for a day from blobs/. Logs. */
int store_prune(const char *state_dir);

#endif
