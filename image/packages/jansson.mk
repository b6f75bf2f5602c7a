# JSON of events and plan requests. The source package has no configure: its few substitutions are done here.
jansson_SOURCE  := jansson
jansson_LICENSE := MIT

define jansson_BUILD
cd src
sed -e 's/@json_inline@/inline/; s/@json_have_localeconv@/0/; s/@json_have_[a-z_]*@/1/' jansson_config.h.in > jansson_config.h
touch jansson_private_config.h
$(MUSL_GCC) $(NODE_SMALL) -I. -DHAVE_STDINT_H=1 -DHAVE_UNISTD_H=1 -DHAVE_SYS_TYPES_H=1 -DHAVE_FCNTL_H=1 -DHAVE_SYS_STAT_H=1 \
	-DHAVE_SYS_TIME_H=1 -DHAVE_OPEN=1 -DHAVE_READ=1 -DHAVE_CLOSE=1 -DHAVE_GETPID=1 -DHAVE_GETTIMEOFDAY=1 -DHAVE_STRTOLL=1 \
	-DHAVE_ATOMIC_BUILTINS=1 -DUSE_URANDOM=1 -DINITIAL_HASHTABLE_ORDER=3 -c *.c
rm -f $(SYSROOT)/lib/libjansson.a
ar rcsD $(SYSROOT)/lib/libjansson.a *.o
cp jansson.h jansson_config.h $(SYSROOT)/include/
endef

$(eval $(package))
