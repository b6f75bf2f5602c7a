# lvm for volume groups, without udev: it makes its nodes itself; in lvm.img. libdevmapper is for cryptsetup.
lvm2_SOURCE  := lvm2
lvm2_TOOL    := yes
lvm2_LICENSE := GPL-2.0-only, LGPL-2.1-only (libdevmapper)
lvm2_NEEDS   := libaio

define lvm2_BUILD
$(NODE_CONFIGURE) CFLAGS="$(NODE_SMALL)" LDFLAGS="-Wl,--gc-sections" --enable-static_link --with-optimisation= --with-symvers=no \
	--disable-readline --disable-selinux --disable-udev_sync --disable-udev_rules --disable-blkid_wiping --disable-systemd-journal \
	--disable-app-machineid --disable-use-lvmlockd --disable-use-lvmpolld --disable-fsadm --disable-lvmimportvdo --disable-blkdeactivate \
	--disable-realtime --with-thin=none --with-cache=none --with-vdo=none --with-writecache=none --with-integrity=none --with-snapshots=none \
	--with-default-use-devices-file=0 ac_cv_func_malloc_0_nonnull=yes ac_cv_func_realloc_0_nonnull=yes
sed -i 's/^\(#define LVM_CONFIGURE_LINE\).*/\1 ""/' include/configure.h
$(MAKE) -C include
$(MAKE) base/libbase.a device_mapper/libdevice-mapper.a
$(MAKE) -C libdaemon/client libdaemonclient.a
$(MAKE) -C libdm ioctl/libdevmapper.a
$(MAKE) -C lib
$(MAKE) -C tools lvm.static
cp libdm/ioctl/libdevmapper.a $(SYSROOT)/lib/
cp libdm/libdevmapper.h $(SYSROOT)/include/
mkdir -p $(TOOLS)
strip -o $(TOOLS)/lvm tools/lvm.static
endef

$(eval $(package))
