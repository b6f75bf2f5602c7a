# libblkid looks what is on a disk, libfdisk writes partition tables, libuuid is needed by libext2fs.
util-linux_SOURCE  := util-linux
util-linux_LICENSE := LGPL-2.1-or-later and BSD-3-Clause (libuuid)

define util-linux_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" --disable-all-programs --enable-libuuid --enable-libblkid --enable-libfdisk --enable-libsmartcols \
	--disable-nls --disable-bash-completion --without-python --without-systemd --without-ncurses --without-readline --without-udev \
	--without-econf --without-cryptsetup --disable-asciidoc --disable-poman
$(NODE_MAKE) libuuid.la libblkid.la libfdisk.la
$(NODE_MAKE) install-usrlib_execLTLIBRARIES install-uuidincHEADERS install-nodist_blkidincHEADERS install-nodist_fdiskincHEADERS
endef

$(eval $(package))
