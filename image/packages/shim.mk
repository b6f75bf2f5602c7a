# What UEFI firmware loads first: signed by the key that machines with Secure Boot come with, it loads grubx64.efi from beside it.
shim_BINARY  := shim-signed
shim_LICENSE := BSD-2-Clause

define shim_BUILD
mkdir -p $(abspath $(O)/efi)
cp usr/lib/shim/shimx64.efi.signed $(abspath $(O)/efi)/shimx64.efi
endef

$(eval $(package))
