zlib_SOURCE  := zlib
zlib_LICENSE := Zlib

define zlib_BUILD
CC=$(MUSL_GCC) CFLAGS="$(NODE_FAST)" ./configure --static --prefix=/
$(MAKE) libz.a
cp libz.a $(SYSROOT)/lib/
cp zlib.h zconf.h $(SYSROOT)/include/
endef

$(eval $(package))
