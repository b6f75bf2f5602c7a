/* In place of libext2fs's file of this name: no encodings. The node never makes nor looks into
 * case-folding directories, and the Unicode tables for them would be a tenth of the image's
 * programs. */
#include "config.h"

#include "ext2_fs.h"
#include "ext2fsP.h"

#include <string.h>

const struct ext2fs_nls_table *ext2fs_load_nls_table(int encoding)
{
	(void)encoding;
	return NULL;
}

int ext2fs_casefold_cmp(const struct ext2fs_nls_table *table, const unsigned char *a, size_t a_len,
			const unsigned char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	(void)table;
	return order ? order : (a_len > b_len) - (a_len < b_len);
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
