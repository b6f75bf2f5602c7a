/* In place of libext2fs's file of this name: no encodings. The node never makes nor looks into
 * case-folding directories, and the Unicode tables for them would be a tenth of the image's
 * programs. */
#include "config.h"

#include "ext2_fs.h"
#include "ext2fsP.h"

const struct ext2fs_nls_table *ext2fs_load_nls_table(int encoding)
{
	(void)encoding;
	return NULL;
}

int ext2fs_check_encoded_name(const struct ext2fs_nls_table *table, char *name, size_t len,
			      char **pos)
{
	(void)table;
	(void)name;
	(void)len;
	(void)pos;
	return 0;
}
