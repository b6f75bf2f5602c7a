/* `init --fetch-blob PLAN ROOT FILE`: a verified blob for a shell module (fetch_blob of
 * module.sh). */
#ifndef LUCIE_FETCH_BLOB_H
#define LUCIE_FETCH_BLOB_H

/* Returns the exit code; errors go to the log. The file is whole or not there. */
int fetch_blob(const char *plan_path, const char *root, const char *path);

#endif
