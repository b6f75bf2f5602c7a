# libzstd as a decoder, without its second copy for BMI2 (a few per cent of speed, 20 KB).
zstd_SOURCE  := libzstd
zstd_LICENSE := BSD-3-Clause

define zstd_BUILD
$(MAKE) -C lib libzstd.a CC=$(MUSL_GCC) CFLAGS="$(NODE_FAST) -DDYNAMIC_BMI2=0" ZSTD_LIB_COMPRESSION=0 ZSTD_LIB_DICTBUILDER=0 ZSTD_LIB_DEPRECATED=0 \
	ZSTD_LEGACY_SUPPORT=0 ZSTD_NO_ASM=1
cp lib/libzstd.a $(SYSROOT)/lib/
cp lib/zstd.h lib/zstd_errors.h $(SYSROOT)/include/
endef

$(eval $(package))
