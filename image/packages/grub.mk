# GRUB for machines with UEFI, as the distribution signed it, so that shim (shim.mk) takes it under Secure Boot: grubx64.efi boots from the
# network and reads grub/grub.cfg from where it was loaded; grub-disk.efi boots from a disk and reads EFI/debian/grub.cfg of its partition.
grub_BINARY  := grub-efi-amd64-signed
grub_LICENSE := GPL-3.0-or-later

define grub_BUILD
mkdir -p $(abspath $(O)/efi)
cp usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed $(abspath $(O)/efi)/grubx64.efi
cp usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed $(abspath $(O)/efi)/grub-disk.efi
endef

$(eval $(package))
