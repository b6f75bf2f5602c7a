# Signatures and sealed boxes of plans; the portable code is fast enough for a page of text. The source package has no configure, so the
# few things that it would find out are said here.
libsodium_SOURCE  := libsodium
libsodium_LICENSE := ISC

define libsodium_BUILD
cd src/libsodium
version=$$(sed -n 's/^AC_INIT(\[libsodium\],\[\([0-9.]*\)\].*/\1/p' ../../configure.ac)
major=$$(sed -n 's/^SODIUM_LIBRARY_VERSION_MAJOR=//p' ../../configure.ac)
minor=$$(sed -n 's/^SODIUM_LIBRARY_VERSION_MINOR=//p' ../../configure.ac)
sed -e "s/@VERSION@/$$version/; s/@SODIUM_LIBRARY_VERSION_MAJOR@/$$major/; s/@SODIUM_LIBRARY_VERSION_MINOR@/$$minor/" \
	-e 's/@SODIUM_LIBRARY_MINIMAL_DEF@/#define SODIUM_LIBRARY_MINIMAL 1/' include/sodium/version.h.in > include/sodium/version.h
$(MUSL_GCC) $(NODE_SMALL) -Iinclude/sodium -Iinclude -DCONFIGURED=1 -DSODIUM_STATIC=1 -DNATIVE_LITTLE_ENDIAN=1 -DHAVE_TI_MODE=1 \
	-DHAVE_PTHREAD=1 -DHAVE_WEAK_SYMBOLS=1 -DHAVE_ATOMIC_OPS=1 -DHAVE_SYS_MMAN_H=1 -DHAVE_MMAP=1 -DHAVE_MLOCK=1 -DHAVE_MADVISE=1 \
	-DHAVE_MPROTECT=1 -DHAVE_EXPLICIT_BZERO=1 -DHAVE_SYS_RANDOM_H=1 -DHAVE_GETRANDOM=1 -DHAVE_GETPID=1 -DHAVE_RAISE=1 -DHAVE_SYSCONF=1 \
	-DHAVE_POSIX_MEMALIGN=1 -DHAVE_NANOSLEEP=1 -DHAVE_CLOCK_GETTIME=1 -DHAVE_STDINT_H=1 -c $$(find . -name '*.c' | LC_ALL=C sort)
rm -f $(SYSROOT)/lib/libsodium.a
ar rcsD $(SYSROOT)/lib/libsodium.a *.o
cp -r include/sodium.h include/sodium $(SYSROOT)/include/
endef

$(eval $(package))
