/* Packs a folder of configuration files into the blob that `configure` lays over a node's root. */
#ifndef LUCIE_FILES_BLOB_H
#define LUCIE_FILES_BLOB_H

/* Writes the new file out: tar.zst of what is below the folder, sorted, owned by root, modes and
 * times as they are. Files, folders and symbolic links; anything else is an error. Logs; -errno. */
int files_pack(const char *folder, const char *out);

#endif
