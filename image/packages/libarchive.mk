# The tar reader and disk writer of extrbase.
libarchive_SOURCE  := libarchive
libarchive_LICENSE := BSD-2-Clause
libarchive_NEEDS   := zlib xz zstd acl

define libarchive_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-bsdtar --disable-bsdcat --disable-bsdcpio --enable-acl --enable-xattr \
	--without-xml2 --without-expat --without-openssl --without-nettle --without-mbedtls --without-lz4 --without-libb2 --without-bz2lib \
	--without-iconv --without-cng
$(NODE_MAKE) libarchive.la
$(NODE_MAKE) install-libLTLIBRARIES install-includeHEADERS
endef

$(eval $(package))
