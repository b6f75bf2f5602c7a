# libext2fs makes ext4 without mke2fs; e2fsck is for what was not made anew. libacl's header is hidden from it: whether it is there yet depends on who builds first.
e2fsprogs_SOURCE  := e2fsprogs
e2fsprogs_LICENSE := LGPL-2.0-only (libext2fs, libe2p), MIT (libcom_err), GPL-2.0-only (e2fsck)
e2fsprogs_NEEDS   := util-linux

e2fsprogs_NLS := $(abspath image/packages/e2fsprogs/nls_utf8.c)
define e2fsprogs_BUILD
cp $(e2fsprogs_NLS) lib/ext2fs/nls_utf8.c
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-libuuid --disable-libblkid --disable-tdb --disable-nls --disable-imager --disable-resizer \
	--disable-debugfs --disable-defrag --disable-uuidd --disable-fuse2fs --disable-backtrace --disable-mmp --with-crond-dir=no \
	--with-systemd-unit-dir=no --with-udev-rules-dir=no UUID_CFLAGS=-I$(SYSROOT)/include UUID_LIBS=-luuid BLKID_CFLAGS= BLKID_LIBS=-lblkid ac_cv_header_sys_acl_h=no
$(MAKE) libs
for d in et ext2fs e2p; do $(NODE_MAKE) -C lib/$$d install; done
$(MAKE) -C e2fsck e2fsck LDFLAGS="-L$(SYSROOT)/lib -Wl,--gc-sections" SYSLIBS="-lblkid -luuid"
mkdir -p $(TOOLS)
strip -o $(TOOLS)/e2fsck e2fsck/e2fsck
endef

$(eval $(package))
