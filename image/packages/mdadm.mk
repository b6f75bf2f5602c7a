# Software RAID: makes, assembles and stops arrays; in raid.img.
mdadm_SOURCE  := mdadm
mdadm_TOOL    := yes
mdadm_LICENSE := GPL-2.0-or-later

define mdadm_BUILD
$(MAKE) CC=$(MUSL_GCC) CWFLAGS= COROSYNC=-DNO_COROSYNC DLM=-DNO_DLM LDFLAGS="-Wl,--gc-sections" \
	CXFLAGS="$(NODE_SMALL) -DNO_LIBUDEV -D_LARGEFILE64_SOURCE" mdadm
mkdir -p $(TOOLS)
strip -o $(TOOLS)/mdadm mdadm
endef

$(eval $(package))
