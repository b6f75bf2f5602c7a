# Asynchronous reads, which lvm does not do without. The Makefile has no target for the archive only, nor rules that take a compiler's flags.
libaio_SOURCE  := libaio
libaio_TOOL    := yes
libaio_LICENSE := LGPL-2.1-or-later

define libaio_BUILD
cd src
$(MUSL_GCC) $(NODE_SMALL) -I. -fomit-frame-pointer -c io_*.c raw_syscall.c
rm -f $(SYSROOT)/lib/libaio.a
ar rcsD $(SYSROOT)/lib/libaio.a *.o
cp libaio.h $(SYSROOT)/include/
endef

$(eval $(package))
