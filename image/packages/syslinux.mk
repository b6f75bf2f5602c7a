# lpxelinux.0 for the network, extlinux (static, with what it writes to a disk inside) and the two boot sectors for the disk.
# Only what these need is built: 32-bit code, but without any 32-bit library of the host.
syslinux_SOURCE  := syslinux
syslinux_LICENSE := GPL-2.0-or-later
syslinux_NEEDS   := util-linux

syslinux_DIR := $(abspath $(O)/syslinux)
define syslinux_BUILD
part() {
	$(MAKE) bios BSUBDIRS="$$1" ISUBDIRS= DATE=$$(date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d) HEXDATE=$$(printf '0x%08x' $(SOURCE_DATE_EPOCH)) \
		PYTHON=python3 V=1 "$$2"; }
for d in codepage com32/lib lzo core com32/elflink/ldlinux mbr libinstaller; do part $$d HOSTCC=gcc; done
part extlinux "CC=$(MUSL_GCC) $(NODE_SMALL) -Wl,--gc-sections -s"
mkdir -p $(syslinux_DIR)
cd bios
cp core/lpxelinux.0 com32/elflink/ldlinux/ldlinux.c32 extlinux/extlinux mbr/mbr.bin mbr/gptmbr.bin $(syslinux_DIR)/
endef

$(eval $(package))
