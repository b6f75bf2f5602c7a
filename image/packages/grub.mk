# GRUB for machines with UEFI that boot from the network: the distribution's image, signed, so that shim (shim.mk) takes it under Secure
# Boot. It reads grub/grub.cfg from where it was loaded.
grub_BINARY  := grub-efi-amd64-signed
grub_LICENSE := GPL-3.0-or-later

define grub_BUILD
mkdir -p $(abspath $(O)/efi)
cp usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed $(abspath $(O)/efi)/grubx64.efi
endef

$(eval $(package))
