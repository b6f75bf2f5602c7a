# The node's C library, the compiler wrapper around it, and the kernel's headers as the host has them.
# -no-pie in the wrapper: the distribution's gcc defaults to PIE, and some links fail with it (R_X86_64_32).
musl_SOURCE  := musl
musl_LICENSE := MIT

define musl_BUILD
./configure --prefix=$(SYSROOT) --syslibdir=$(SYSROOT)/lib --disable-shared --enable-wrapper=gcc CC=gcc CFLAGS="$(NODE_SMALL)"
$(MAKE)
$(MAKE) install
printf '%s\n' '#!/bin/sh' 'exec gcc -static -no-pie "$$@" -specs "$(SYSROOT)/lib/musl-gcc.specs"' > $(MUSL_GCC)
for d in linux asm-generic mtd; do cp -r /usr/include/$$d $(SYSROOT)/include/; done
cp -r /usr/include/$$(gcc -print-multiarch)/asm $(SYSROOT)/include/
endef

$(eval $(package))
