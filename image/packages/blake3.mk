# The official C code with its assembler variants, chosen at run time by what the CPU has. The distribution has it as a part of a Rust
# package. Built for the node and, from the same files, for the host programs. The node goes without AVX-512: AVX2 is far above what a network brings.
blake3_BINARY  := librust-blake3-dev
blake3_LICENSE := CC0-1.0 or Apache-2.0

blake3_DIR := $(abspath $(O)/blake3)
define blake3_BUILD
cd usr/share/cargo/registry/blake3-*/c
mkdir -p $(blake3_DIR)
build() { # LIBRARY COMPILER FLAGS...
	rm -f *.o; "$$2" $$(shift 2; echo "$$@") -c blake3.c blake3_dispatch.c blake3_portable.c blake3_*_x86-64_unix.S
	rm -f $(blake3_DIR)/$$1; ar rcsD $(blake3_DIR)/$$1 blake3*.o; }
build libblake3-host.a gcc -O2 -g -fPIC
build libblake3-node.a $(MUSL_GCC) $(NODE_FAST) -DBLAKE3_NO_AVX512
cp blake3.h $(blake3_DIR)/
endef

$(eval $(package))
