/* GNU tar keeps POSIX ACLs as the extended attributes that the kernel has them in; libarchive
 * leaves those out, silently, when it unpacks. This makes them what they are. */
#ifndef LUCIE_ACL_XATTR_H
#define LUCIE_ACL_XATTR_H

struct archive_entry;

/* Gives an entry the ACL that its system.posix_acl_* attributes say. 0, or -EINVAL where one is
 * damaged. */
int acl_from_xattrs(struct archive_entry *e);

#endif
