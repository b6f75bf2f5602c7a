# The JSON of LUKS2 headers, for cryptsetup. It would be built with cmake: the few things that that would find out are said here.
json-c_SOURCE  := json-c
json-c_TOOL    := yes
json-c_LICENSE := MIT

json-c_HAVE := INTTYPES_H LIMITS_H LOCALE_H STDARG_H STDINT_H STDLIB_H STRINGS_H STRING_H SYS_PARAM_H SYS_RANDOM_H SYS_TYPES_H UNISTD_H \
	FCNTL_H SYS_STAT_H ENDIAN_H OPEN REALLOC SETLOCALE SNPRINTF STRCASECMP STRDUP STRERROR STRNCASECMP USELOCALE VASPRINTF VPRINTF \
	VSNPRINTF GETRANDOM STRTOLL STRTOULL DECL_INFINITY DECL_ISINF DECL_ISNAN DECL_NAN ATOMIC_BUILTINS
define json-c_BUILD
sed 's/@JSON_H_JSON_POINTER@//' json.h.cmakein > json.h
echo '#define JSON_C_HAVE_INTTYPES_H 1' > json_config.h
touch config.h
$(MUSL_GCC) $(NODE_SMALL) -I. -D_GNU_SOURCE -DSTDC_HEADERS=1 -DJSON_C_HAVE_INTTYPES_H=1 $(json-c_HAVE:%=-DHAVE_%=1) -DSIZEOF_INT=4 \
	-DSIZEOF_LONG=8 -DSIZEOF_LONG_LONG=8 -DSIZEOF_SIZE_T=8 -DSIZEOF_SSIZE_T=8 -DSIZEOF_INT64_T=8 -c arraylist.c debug.c json_c_version.c \
	json_object.c json_object_iterator.c json_tokener.c json_util.c json_visit.c linkhash.c printbuf.c random_seed.c strerror_override.c
rm -f $(SYSROOT)/lib/libjson-c.a
ar rcsD $(SYSROOT)/lib/libjson-c.a *.o
mkdir -p $(SYSROOT)/include/json-c
cp *.h $(SYSROOT)/include/json-c/
endef

$(eval $(package))
