# Needed by libacl.
attr_SOURCE  := attr
attr_LICENSE := LGPL-2.1-or-later

define attr_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-nls
$(NODE_MAKE) install-libLTLIBRARIES install-attributes_h install-error_context_h install-libattr_h
endef

$(eval $(package))
