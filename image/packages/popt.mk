# The command line of cryptsetup. What its configure would find out is said here.
popt_SOURCE  := popt
popt_TOOL    := yes
popt_LICENSE := MIT

define popt_BUILD
cd src
touch config.h
$(MUSL_GCC) $(NODE_SMALL) -I. -D_GNU_SOURCE -DHAVE_CONFIG_H -DHAVE_STRERROR=1 -DHAVE_STPCPY=1 -DHAVE_FNMATCH_H=1 -DHAVE_GLOB_H=1 \
	-DHAVE_MBSRTOWCS=1 -DHAVE_UNISTD_H=1 -DHAVE_SYS_IOCTL_H=1 -DHAVE_SRANDOM=1 -DHAVE_SECURE_GETENV=1 -DPOPT_SYSCONFDIR='"/etc"' \
	-DPACKAGE='"popt"' -c popt*.c
rm -f $(SYSROOT)/lib/libpopt.a
ar rcsD $(SYSROOT)/lib/libpopt.a *.o
cp popt.h $(SYSROOT)/include/
endef

$(eval $(package))
