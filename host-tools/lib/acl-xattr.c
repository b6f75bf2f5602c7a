/* See acl-xattr.h. Format: linux/posix_acl_xattr.h, little-endian: version 2, then {tag, perm, id}
 * of 16, 16 and 32 bits. */
#include "host-tools/lib/acl-xattr.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <archive_entry.h>

#define ACL_VERSION    2
#define ACL_HEADER_LEN 4
#define ACL_ENTRY_LEN  8

static int acl_tag(unsigned int tag)
{
	switch (tag) {
	case 0x01:
		return ARCHIVE_ENTRY_ACL_USER_OBJ;
	case 0x02:
		return ARCHIVE_ENTRY_ACL_USER;
	case 0x04:
		return ARCHIVE_ENTRY_ACL_GROUP_OBJ;
	case 0x08:
		return ARCHIVE_ENTRY_ACL_GROUP;
	case 0x10:
		return ARCHIVE_ENTRY_ACL_MASK;
	case 0x20:
		return ARCHIVE_ENTRY_ACL_OTHER;
	default:
		return -1;
	}
}

static unsigned int get16(const unsigned char *p)
{
	return (unsigned int)p[0] | (unsigned int)p[1] << 8;
}

static int add_acl(struct archive_entry *e, int type, const unsigned char *p, size_t len)
{
	if (len < ACL_HEADER_LEN || get16(p) != ACL_VERSION || get16(p + 2) ||
	    (len - ACL_HEADER_LEN) % ACL_ENTRY_LEN)
		return -EINVAL;
	for (size_t i = ACL_HEADER_LEN; i < len; i += ACL_ENTRY_LEN) {
		int tag = acl_tag(get16(p + i)), id = -1;

		if (tag < 0)
			return -EINVAL;
		if (tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP)
			id = (int)(get16(p + i + 4) | get16(p + i + 6) << 16);
		if (archive_entry_acl_add_entry(e, type, (int)get16(p + i + 2) & 7, tag, id,
						NULL) != 0)
			return -EINVAL;
	}
	return 0;
}

int acl_from_xattrs(struct archive_entry *e)
{
	const char *name;
	const void *value;
	size_t len;
	int ret = 0;

	archive_entry_xattr_reset(e);
	while (!ret && !archive_entry_xattr_next(e, &name, &value, &len)) {
		if (name && !strcmp(name, "system.posix_acl_access"))
			ret = add_acl(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, value, len);
		else if (name && !strcmp(name, "system.posix_acl_default"))
			ret = add_acl(e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, value, len);
	}
	return ret;
}
