# Lucie: build, image, tests. `make help` lists the targets; docs/architecture.md says what goes where.
#
# Non-recursive. The same sources compile twice: obj/host (the distribution's libraries) and obj/node (static musl, out/sysroot).

BOARD  ?= qemu-x86_64
PREFIX ?= /usr/local
O      := out
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),:,printf '  %-8s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SUFFIXES:
# Not .SECONDARY for all: a missing stamp would then count as up to date.
.PRECIOUS: obj/host/%.o obj/asan/%.o obj/fuzz/%.o obj/tsan/%.o obj/node/%.o out/blake3/% out/syslinux/% out/busybox/% out/dropbear/%

# Use all processors unless -j says otherwise: third-party configure scripts dominate a first build.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

.PHONY: all
all: host ## the host programs (the default)

# --- rules shared by every program ------------------------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
CPP_COMMON := -iquote . -I$(O)/blake3 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
CFLAGS_host := -std=gnu11 -O2 -g $(WARN) -fstack-protector-strong -D_FORTIFY_SOURCE=2 -pthread
CFLAGS_asan := -std=gnu11 -O1 -g $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -pthread
CFLAGS_node := -std=gnu11 -Os $(WARN) -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-fno-stack-protector -fcf-protection=none -fno-PIE -pthread

# objects <flavour> <sources>: where the objects lie
objects = $(patsubst %.c,obj/$(1)/%.o,$(2))

# A stamp whose content is the flags: rewritten only when they change, so that changed flags rebuild.
define flavour
obj/$(1)/.flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(CC_$(1)) $$(CPP_COMMON) $$(CFLAGS_$(1))' | cmp -s - $$@ || echo '$$(CC_$(1)) $$(CPP_COMMON) $$(CFLAGS_$(1))' > $$@

obj/$(1)/%.o: %.c obj/$(1)/.flags $$(NEEDS_$(1))
	@mkdir -p $$(@D)
	@$$(call say,CC.$(1),$$<)
	$$(Q)$$(CC_$(1)) $$(CPP_COMMON) $$(CFLAGS_$(1)) -MMD -MP -c $$< -o $$@
endef

# program <path> <flavour> <sources> <libraries>: links it; the list of sources is a stamp, so that deleting one relinks too.
define program
$(1): $(call objects,$(2),$(3)) obj/$(2)/$(notdir $(1)).sources
	@mkdir -p $$(@D)
	@$$(call say,LD.$(2),$$@)
	$$(Q)$$(CC_$(2)) $$(CFLAGS_$(2)) $$(LDFLAGS_$(2)) $(call objects,$(2),$(3)) $$(BLAKE3_$(2)) $(4) -o $$@
obj/$(2)/$(notdir $(1)).sources: FORCE
	@mkdir -p $$(@D)
	@echo '$(3) $(4)' | cmp -s - $$@ || echo '$(3) $(4)' > $$@
-include $(patsubst %.o,%.d,$(call objects,$(2),$(3)))
endef

CC_host ?= gcc
CC_asan ?= gcc
CC_node  = $(O)/sysroot/bin/musl-gcc
LDFLAGS_host := -pthread
LDFLAGS_asan := -fsanitize=address,undefined -pthread
LDFLAGS_node  = -static -no-pie -Wl,--gc-sections -s

.PHONY: FORCE
FORCE:

# --- parts ------------------------------------------------------------------------------------------------------------------------------

LIB_SRC    := $(sort $(wildcard init/lib/*.c))
RING_SRC   := $(filter-out ring/dolly.c ring/dolly-output.c,$(sort $(wildcard ring/*.c)))
MODULE_SRC := $(sort $(wildcard modules/*.c)) $(sort $(wildcard modules/lib/*.c))
INIT_SRC   := $(sort $(wildcard init/*.c)) $(LIB_SRC) $(RING_SRC) $(MODULE_SRC)

include image/image.mk
include host-tools/host-tools.mk
include ring/ring.mk
include tests/tests.mk

$(eval $(call flavour,host))
$(eval $(call flavour,asan))
$(eval $(call flavour,node))

# --- help and editors ---------------------------------------------------------------------------------------------------------------------

.PHONY: help
help: ## this list
	@echo 'usage: make [TARGET] [BOARD=$(BOARD)] [V=1]   boards: $(BOARDS)'
	@sed -n 's/^\([a-z][a-z_-]*\):.*## \(.*\)/  \1: \2/p' $(filter-out %.d,$(MAKEFILE_LIST)) | sort -u | awk -F': ' '{ printf "%-24s %s\n", $$1, $$2 }'

COMPILED := $(sort $(LUCIE_SRC) $(INIT_SRC) host-tools/mkinitramfs.c $(wildcard tests/unit/*.c) $(wildcard tests/fuzz/*.c))
compile_commands.json: FORCE ## what clangd and clang-tidy read
	@{ echo '['; for f in $(COMPILED); do \
		printf '{"directory": "%s", "file": "%s", "command": "%s -c %s"},\n' '$(CURDIR)' $$f '$(CC_host) $(CPP_COMMON) $(CFLAGS_host)' $$f; \
		done | sed '$$s/,$$//'; echo ']'; } > $@
