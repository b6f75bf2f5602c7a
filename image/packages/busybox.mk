# The rescue shell's tools, the DHCP client, and what shell modules use. busybox/config lists what is on.
busybox_SOURCE  := busybox
busybox_LICENSE := GPL-2.0-only

busybox_DIR := $(abspath $(O)/busybox)
busybox_CONFIG := $(abspath image/packages/busybox/config)
define busybox_BUILD
make="$(MAKE) HOSTCC=gcc CC=$(MUSL_GCC) KCONFIG_NOTIMESTAMP=1 SKIP_STRIP=n"
$$make allnoconfig
sed -n 's,^\(CONFIG_[A-Z0-9_]*\)=.*,/^\1=\\|^# \1 is/d,p' $(busybox_CONFIG) > .given
sed -i -f .given .config
grep '^CONFIG' $(busybox_CONFIG) >> .config
yes '' | $$make oldconfig
# an option that busybox does not know or could not turn on is an error
if grep '=y$$' $(busybox_CONFIG) | grep -v -x -F -f .config; then exit 1; fi
$$make EXTRA_CFLAGS="$(NODE_SMALL)" busybox busybox.links
mkdir -p $(busybox_DIR)
cp busybox busybox.links $(busybox_DIR)/
endef

$(eval $(package))
