# liblzma as a decoder: what .tar.xz of base systems need, and no tools.
xz_SOURCE  := xz-utils
xz_LICENSE := public domain

define xz_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_FAST)" --disable-xz --disable-xzdec --disable-lzmadec --disable-lzmainfo --disable-lzma-links \
	--disable-scripts --disable-doc --disable-nls --disable-encoders --enable-decoders=lzma1,lzma2,x86,delta --disable-microlzma --disable-lzip-decoder
$(NODE_MAKE) -C src/liblzma install
endef

$(eval $(package))
