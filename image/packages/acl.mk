# Without it libarchive loses the POSIX ACLs of a base system silently.
acl_SOURCE  := acl
acl_LICENSE := LGPL-2.1-or-later
acl_NEEDS   := attr

define acl_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-nls
$(NODE_MAKE) install-libLTLIBRARIES install-libacl_h install-acl_h
endef

$(eval $(package))
