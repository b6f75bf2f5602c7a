# The image: what runs on a node before its own disk does. docs/adding-a-package.md, docs/adding-a-board.md.
#
# initramfs.img is two archives, one behind the other, as the kernel allows: the board's kernel modules, which change with the kernel only,
# and the programs. So a touched module of ours costs a link and the compression of the second part. Intermediate files lie in obj/image/BOARD.

include image/packages.mk

BLAKE3_host := $(O)/blake3/libblake3-host.a
BLAKE3_asan := $(BLAKE3_host)
BLAKE3_node := $(O)/blake3/libblake3-node.a

# Objects wait for the headers that they include: BLAKE3's everywhere, the sysroot's on the node.
NEEDS_host := $(O)/build/blake3.built
NEEDS_asan := $(NEEDS_host)
NEEDS_fuzz := $(NEEDS_host)
NEEDS_node := $(foreach p,$(PACKAGES),$(if $($(p)_TOOL),,$(O)/build/$(p).built))
$(O)/blake3/%: $(O)/build/blake3.built ;

# --- programs ---------------------------------------------------------------------------------------------------------------------------

MKINITRAMFS := $(O)/host/bin/mkinitramfs
$(eval $(call program,$(MKINITRAMFS),host,host-tools/mkinitramfs.c host-tools/lib/newc.c $(addprefix init/lib/,io.c log.c str.c),-larchive))

LIBS_node := -larchive -lacl -lattr -lcurl -lext2fs -lcom_err -lfdisk -lblkid -luuid -lsodium -ljansson -lz -llzma -lzstd
NODE_INIT := $(O)/node/init
$(eval $(call program,$(NODE_INIT),node,$(INIT_SRC),$(LIBS_node)))

# --- board ------------------------------------------------------------------------------------------------------------------------------

BOARDS := $(sort $(notdir $(patsubst %/board.conf,%,$(wildcard board-configs/*/board.conf))))
ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error no board '$(BOARD)' in board-configs/; there are: $(BOARDS))
endif
include board-configs/$(BOARD)/board.conf

B := $(O)/$(BOARD)
W := obj/image/$(BOARD)
BOARD_FILES := $(shell find board-configs/$(BOARD) -type f)

# Firmware: the packages that the lock file has, and a site's own folder (FIRMWARE=DIR, laid out as /lib/firmware).
FIRMWARE_LOCKED := $(filter $(FIRMWARE_PACKAGES),$(shell sed -n 's,^deb \([^ ]*\) .*,\1,p' $(LOCK) 2>/dev/null))
FIRMWARE_FILES := $(if $(FIRMWARE),$(shell find $(FIRMWARE) -type f))

$(DL)/$(KERNEL).used $(FIRMWARE_LOCKED:%=$(DL)/%.used): $(W)/.fetched ;
$(W)/.fetched: $(LOCK) image/fetch.sh image/apt-private.sh | $(O)/build/.fetched
	@mkdir -p $(@D)
	@$(call say,FETCH,$(KERNEL))
	$(Q)image/fetch.sh $(KERNEL) $(FIRMWARE_LOCKED)
	@touch $@

$(W)/kernel/version: $(DL)/$(KERNEL).used image/unpack-kernel.sh
	@$(call say,KERNEL,$(KERNEL))
	$(Q)image/unpack-kernel.sh $(KERNEL) $(@D)

# What a layout's storage needs besides programs, the same on every board; each set goes into the add-on of that name.
TOOL_ADDONS := e2fsck xfs raid lvm luks
MODULES_e2fsck :=
MODULES_xfs := xfs
MODULES_raid := raid0 raid1 raid10 raid456
MODULES_lvm := dm_mod
MODULES_luks := dm_crypt xts ecb aesni_intel algif_skcipher algif_hash

$(W)/modules.list: $(W)/kernel/version board-configs/$(BOARD)/board.conf image/select-modules.sh image/image.mk
	@$(call say,MODULES,$(BOARD))
	$(Q)image/select-modules.sh $(W)/kernel $(W) $(KERNEL_MODULES_COMMON) -- $(KERNEL_MODULES_LOAD) $(KERNEL_MODULES) -- uefi $(KERNEL_MODULES_UEFI) \
		$(foreach a,$(TOOL_ADDONS),-- $(a) $(MODULES_$(a)))

# zstd is a tenth larger than xz, but what the kernel unpacks before PID 1 it unpacks eight times as fast: a machine waits for nothing else
# then. The kernel allocates the whole window: 4 MiB, as a machine may have 128 MiB.
PACK := zstd -q -c --ultra -22 --zstd=wlog=22 --no-check
# The kernel finds an archive without compression (site.img) only at a multiple of four bytes, and not every boot loader fills up.
ALIGN := truncate -s %4

$(W)/modules.img: $(W)/modules.list $(MKINITRAMFS) image/image.mk
	@$(call say,CPIO,$@)
	$(Q)$(MKINITRAMFS) $(W)/modules.cpio $(W)/modules.list
	$(Q)$(PACK) $(W)/modules.cpio > $@

# --- what lies in the image besides kernel modules -----------------------------------------------------------------------------------------

SKEL := $(shell find image/skel -type f) $(filter board-configs/$(BOARD)/overlay/%,$(BOARD_FILES))
SHELL_MODULE_SRC := $(sort $(wildcard modules/*.sh))
PROGRAM_FILES := $(NODE_INIT) $(SKEL) $(SHELL_MODULE_SRC) $(O)/busybox/busybox $(O)/busybox/busybox.links
$(O)/syslinux/%: $(O)/build/syslinux.built ;
$(O)/busybox/%: $(O)/build/busybox.built ;

$(W)/modules-load: board-configs/$(BOARD)/board.conf
	@mkdir -p $(@D)
	$(Q)printf '%s\n' $(KERNEL_MODULES_LOAD) > $@

$(W)/programs.list: $(PROGRAM_FILES) $(W)/modules-load image/list-programs.sh $(W)/.sources
	$(Q)image/list-programs.sh $(NODE_INIT) $(W)/modules-load $(O) $(SHELL_MODULE_SRC) -- image/skel board-configs/$(BOARD)/overlay > $@

# Rewritten when a file comes or goes.
$(W)/.sources: FORCE
	@mkdir -p $(@D)
	@echo '$(PROGRAM_FILES)' | cmp -s - $@ || echo '$(PROGRAM_FILES)' > $@

$(W)/programs.img: $(W)/programs.list $(W)/modules.list $(PROGRAM_FILES) $(MKINITRAMFS) image/image.mk
	@$(call say,CPIO,$@)
	$(Q)$(MKINITRAMFS) $(W)/programs.cpio $(W)/programs.list $(W)/index.list
	$(Q)$(PACK) $(W)/programs.cpio > $@

# --- add-on archives: what only some nodes need, loaded behind initramfs.img -----------------------------------------------------------------

# addon NAME FILES: NAME.img from NAME.list. What finish.sh and the others do with an add-on they do with all of ADDONS.
ADDONS :=
define addon
ADDONS += $(1)
$(B)/$(1).img: $(W)/$(1).list $(2) $(MKINITRAMFS)
	@mkdir -p $$(@D)
	@$$(call say,CPIO,$$@)
	$$(Q)$(MKINITRAMFS) $(W)/$(1).cpio $(W)/$(1).list
	$$(Q)$$(PACK) $(W)/$(1).cpio > $$@
	$$(Q)$$(ALIGN) $$@
endef

# The boot loader for the disk of a machine with a BIOS.
EXTLINUX_FILES := $(addprefix $(O)/syslinux/,extlinux mbr.bin gptmbr.bin)
$(W)/extlinux.list: image/image.mk
	@mkdir -p $(@D)
	$(Q)printf 'file %s %s $(O)/syslinux/%s\n' /sbin/extlinux 0755 extlinux /lib/lucie/mbr.bin 0644 mbr.bin /lib/lucie/gptmbr.bin 0644 gptmbr.bin > $@
$(eval $(call addon,extlinux,$(EXTLINUX_FILES)))

# What the module remotelogin runs.
$(O)/dropbear/%: $(O)/build/dropbear.built ;
$(W)/remotelogin.list: image/image.mk
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'file /sbin/dropbear 0755 $(O)/dropbear/dropbear' 'link /sbin/dropbearkey dropbear' > $@
$(eval $(call addon,remotelogin,$(O)/dropbear/dropbear))

$(O)/efi/%: $(O)/build/grub.built $(O)/build/shim.built ;

# The boot loader for the disk of a machine with UEFI, and the drivers for the partition that it lies on.
$(W)/uefi.list: $(W)/modules.list image/image.mk
	$(Q)printf 'file /lib/lucie/%s 0644 $(O)/efi/%s\n' shimx64.efi shimx64.efi grubx64.efi grub-disk.efi > $@
	$(Q)cat $(W)/uefi-modules.list >> $@
$(eval $(call addon,uefi,$(O)/efi/shimx64.efi $(O)/efi/grub-disk.efi))

# Programs that layouts with such storage need, or a repair, and their kernel modules.
PROGRAMS_e2fsck := e2fsck
PROGRAMS_xfs := mkfs.xfs xfs_repair
PROGRAMS_raid := mdadm
PROGRAMS_lvm := lvm
PROGRAMS_luks := cryptsetup

TOOL_FILES := $(foreach a,$(TOOL_ADDONS),$(PROGRAMS_$(a):%=$(TOOLS)/%))

define tool-addon
$(W)/$(1).list: $(W)/modules.list image/image.mk
	$$(Q)printf 'file /sbin/%s 0755 $(TOOLS)/%s\n' $(foreach p,$(PROGRAMS_$(1)),$(p) $(p)) > $$@
	$$(Q)cat $(W)/$(1)-modules.list >> $$@
$$(eval $$(call addon,$(1),$(PROGRAMS_$(1):%=$(TOOLS)/%)))
endef
$(TOOLS)/%: $(PACKAGES:%=$(O)/build/%.built) ;
$(foreach a,$(TOOL_ADDONS),$(eval $(call tool-addon,$(a))))

ADDON_LISTS  := $(ADDONS:%=$(W)/%.list)
ADDON_IMAGES := $(ADDONS:%=$(B)/%.img)

# --- a root over NFS (FORMAT=nfsroot): docs/nfs-root.md -----------------------------------------------------------------------------------------

# Made once, it is kept up to date: what lies in out/BOARD fits together.
FORMAT ?= $(if $(wildcard $(B)/nfsroot.list),nfsroot,initramfs)
ifeq ($(filter initramfs nfsroot,$(FORMAT)),)
$(error no format '$(FORMAT)'; there are: initramfs nfsroot)
endif

# nfsroot.img is init and busybox with nothing but the board's network drivers, their firmware, and NFS. It has no /etc and no /lib/lucie: what
# lies there comes from an archive behind it and is taken into the root (init/nfsroot.c).
N := $(W)/nfsroot
NFS_MODULES := nfsv3 nfsv4 overlay
$(N)/modules.list: $(W)/modules.list image/image.mk
	@$(call say,MODULES,$(BOARD) nfsroot)
	$(Q)image/select-modules.sh $(W)/kernel $(N) $(KERNEL_MODULES_COMMON) $(NFS_MODULES) -- \
		$$(sed -n 's,^kernel/drivers/\(net\|virtio\)/.*/\([^/:]*\)\.ko.*:.*,\2,p; s,^kernel/drivers/\(net\|virtio\)/\([^/:]*\)\.ko.*:.*,\2,p' $(W)/modules.dep)

$(N)/firmware.list: $(N)/modules.list $(W)/firmware.list
	$(Q)image/select-firmware.sh $(N) '$(FIRMWARE)' $(FIRMWARE_LOCKED) > $@

$(N)/programs.list: $(W)/programs.list image/image.mk
	@mkdir -p $(@D)
	$(Q)grep -vE '^[a-z]+ (/etc|/lib/lucie)/' $< > $@

$(B)/nfsroot.img: $(N)/programs.list $(N)/modules.list $(N)/firmware.list $(PROGRAM_FILES) $(MKINITRAMFS)
	@mkdir -p $(@D)
	@$(call say,CPIO,$@)
	$(Q)$(MKINITRAMFS) $(N)/all.cpio $(N)/programs.list $(N)/modules.list $(N)/index.list $(N)/firmware.list
	$(Q)$(PACK) $(N)/all.cpio > $@
	$(Q)$(ALIGN) $@

# The folder is new whenever its list is.
$(B)/nfsroot.list: $(W)/programs.list $(ADDON_LISTS) $(W)/firmware.list $(W)/modules.list $(PROGRAM_FILES) \
		$(EXTLINUX_FILES) $(O)/dropbear/dropbear $(TOOL_FILES) image/nfsroot.sh
	@mkdir -p $(@D)
	@$(call say,NFSROOT,$(B)/nfsroot)
	$(Q)image/nfsroot.sh $(W)/kernel $(W) $(B)/nfsroot $(W)/programs.list $(ADDON_LISTS) $(W)/firmware.list

# --- what make image leaves ---------------------------------------------------------------------------------------------------------------

$(B)/initramfs.img: $(W)/modules.img $(W)/programs.img
	@mkdir -p $(@D)
	$(Q)cat $^ > $@
	$(Q)$(ALIGN) $@

$(B)/vmlinuz: $(W)/kernel/version
	@mkdir -p $(@D)
	$(Q)cp $(W)/kernel/vmlinuz $@

# Empty where no firmware is at hand.
$(W)/firmware.list: $(W)/modules.list $(FIRMWARE_LOCKED:%=$(DL)/%.used) $(FIRMWARE_FILES) image/select-firmware.sh $(W)/.firmware
	$(Q)image/select-firmware.sh $(W) '$(FIRMWARE)' $(FIRMWARE_LOCKED) > $@
$(W)/.firmware: FORCE
	@mkdir -p $(@D)
	@echo '$(FIRMWARE) $(FIRMWARE_LOCKED)' | cmp -s - $@ || echo '$(FIRMWARE) $(FIRMWARE_LOCKED)' > $@

BOOT_FILES := $(addprefix $(O)/syslinux/,lpxelinux.0 ldlinux.c32) $(addprefix $(O)/efi/,shimx64.efi grubx64.efi) $(B)/vmlinuz $(B)/initramfs.img $(ADDON_IMAGES)
BOOT_FILES += $(if $(filter nfsroot,$(FORMAT)),$(B)/nfsroot.img $(B)/nfsroot.list)
$(B)/manifest: $(BOOT_FILES) $(W)/firmware.list image/finish.sh image/manifest.sh image/size-table.sh $(wildcard image/packages/*.mk)
	$(Q)image/finish.sh $(W) $(B) $(O) $(MKINITRAMFS) $(ADDONS)
	$(Q)image/manifest.sh $(BOARD) $(W) $(B) '$(ADDONS)' $(KERNEL) $(FIRMWARE_LOCKED) > $@
	$(Q)image/size-table.sh $(BOARD) $(W) $(B) $(O) $(BUDGET) $(ADDONS)

.PHONY: image
image: $(B)/manifest ## the board's image in out/BOARD; boot/ in it can be copied to any TFTP server; FORMAT=nfsroot adds a root over NFS

.PHONY: build-image check-image
build-image: $(MKINITRAMFS)
check-image: build-image ## tests of what builds the image
	$(Q)tests/image/mkinitramfs.sh
	$(Q)tests/image/fetch.sh

# --- sources and the host's packages -------------------------------------------------------------------------------------------------------

.PHONY: lock deps deps-check
ALL_KERNELS := $(sort $(shell sed -n 's/^KERNEL *:= *//p' $(BOARDS:%=board-configs/%/board.conf)))
ALL_FIRMWARE := $(sort $(shell sed -n 's/^FIRMWARE_PACKAGES *:= *//p' $(BOARDS:%=board-configs/%/board.conf)))
lock: ## pin the newest sources that the distribution's mirror has, in image/lock/RELEASE
	$(Q)image/lock.sh source $(SOURCES) binary $(BINARIES) $(ALL_KERNELS) optional $(ALL_FIRMWARE)

deps: ## install what building, serving and the demo need from the distribution (root or sudo)
	$(Q)image/deps.sh install use
deps-check: ## and what the tests need
	$(Q)image/deps.sh install all
