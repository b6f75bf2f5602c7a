# The image: what runs on a node before its own disk does. docs/adding-a-package.md, docs/adding-a-board.md.

include image/packages.mk

BLAKE3_host := $(O)/blake3/libblake3-host.a
BLAKE3_asan := $(BLAKE3_host)
BLAKE3_node := $(O)/blake3/libblake3-node.a

# Objects wait for the headers that they include: BLAKE3's everywhere, the sysroot's on the node.
NEEDS_host := $(O)/build/blake3.built
NEEDS_asan := $(NEEDS_host)
NEEDS_fuzz := $(NEEDS_host)
NEEDS_node := $(patsubst %,$(O)/build/%.built,$(PACKAGES))
$(O)/blake3/%: $(O)/build/blake3.built ;

MKINITRAMFS := $(O)/host/bin/mkinitramfs
$(eval $(call program,$(MKINITRAMFS),host,host-tools/mkinitramfs.c host-tools/lib/newc.c $(addprefix init/lib/,io.c log.c str.c),-larchive))
