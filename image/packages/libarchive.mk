# The tar reader and disk writer of extrbase. The header of libext2fs is hidden from it: whether it is there yet depends on who builds first.
libarchive_SOURCE  := libarchive
libarchive_LICENSE := BSD-2-Clause
libarchive_NEEDS   := zlib xz zstd acl

define libarchive_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-bsdtar --disable-bsdcat --disable-bsdcpio --enable-acl --enable-xattr \
	--without-xml2 --without-expat --without-openssl --without-nettle --without-mbedtls --without-lz4 --without-libb2 --without-bz2lib \
	--without-iconv --without-cng ac_cv_header_ext2fs_ext2_fs_h=no
$(NODE_MAKE) libarchive.la
$(NODE_MAKE) install-libLTLIBRARIES install-includeHEADERS
endef

$(eval $(package))
