# Tests and fuzz targets; see docs/testing.md.
#
# A unit test is tests/unit/test-NAME.c with a main() of cmocka; it is linked against an archive of every library source, built with ASan and
# UBSan. (Only libraries: a module's .o is never taken from an archive, see house rules on registration.)

TEST_LIBS := -lcmocka $(LIBS_host_tools) $(LIBS_host_modules)
ASAN_LIB_SRC := $(LIB_SRC) $(RING_SRC) $(sort $(wildcard modules/lib/*.c)) $(sort $(wildcard host-tools/lib/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/asan/%,$(sort $(wildcard tests/unit/test-*.c)))

obj/asan/liblucie.a: $(call objects,asan,$(ASAN_LIB_SRC))
	@$(call say,AR.asan,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
-include $(patsubst %.c,obj/asan/%.d,$(ASAN_LIB_SRC))

$(O)/asan/test-%: obj/asan/tests/unit/test-%.o obj/asan/liblucie.a $(BLAKE3_asan)
	@mkdir -p $(@D)
	@$(call say,LD.asan,$@)
	$(Q)$(CC_asan) $(LDFLAGS_asan) $^ $(TEST_LIBS) -o $@
-include $(patsubst tests/unit/%.c,obj/asan/tests/unit/%.d,$(wildcard tests/unit/test-*.c))

.PHONY: build-unit check-unit
build-unit: $(UNIT_TESTS)
check-unit: build-unit ## libraries under ASan and UBSan
	$(Q)printf '%s\n' $(foreach t,$(UNIT_TESTS),'$(notdir $t) $t') | tests/lanes.sh 4

# --- fuzz targets -----------------------------------------------------------------------------------------------------------------------

FUZZ_SECONDS ?= 10
FUZZERS := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz-*.c)))
CC_fuzz := clang
CFLAGS_fuzz := -std=gnu11 -O1 -g $(WARN) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -pthread
BLAKE3_fuzz = $(BLAKE3_asan)
$(eval $(call flavour,fuzz))

obj/fuzz/liblucie.a: $(call objects,fuzz,$(ASAN_LIB_SRC))
	$(Q)rm -f $@ && ar rcs $@ $^
-include $(patsubst %.c,obj/fuzz/%.d,$(ASAN_LIB_SRC))

$(O)/fuzz/fuzz-%: obj/fuzz/tests/fuzz/fuzz-%.o obj/fuzz/liblucie.a $(BLAKE3_asan)
	@mkdir -p $(@D)
	@$(call say,LD.fuzz,$@)
	$(Q)$(CC_fuzz) -fsanitize=fuzzer,address,undefined $^ $(filter-out -lcmocka,$(TEST_LIBS)) -o $@

.PHONY: fuzz
fuzz: $(FUZZERS) ## every fuzz target for FUZZ_SECONDS
	$(Q)for f in $(FUZZERS); do n=$${f##*/fuzz-}; mkdir -p obj/fuzz/corpus/$$n; echo "$$n $$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-rss_limit_mb=1024 -print_final_stats=0 -verbosity=0 obj/fuzz/corpus/$$n tests/fuzz/corpus/$$n"; done | tests/lanes.sh 2

# --- the parts of `make check` (tests/check.sh) -------------------------------------------------------------------------------------------
#
# build-PART makes what check-PART runs: tests/check.sh does that one after the other, and then runs several parts at a time.

.PHONY: check build-lint check-lint build-fuzz check-fuzz build-cli check-cli build-vm check-vm
check: ## everything that has to pass, after it has installed what is missing (what CI runs)
	$(Q)$(MAKE) --no-print-directory deps-check
	$(Q)tests/check.sh

build-lint: $(O)/host/bin/make-fs # a bench that no test builds
check-lint: ## layers, formatting, shell, man pages
	$(Q)tests/lint/run.sh

build-fuzz: $(FUZZERS)
check-fuzz: ## each fuzz target for two seconds
	$(Q)$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=2

build-cli: host
check-cli: build-cli ## definitions and verbs against golden output
	$(Q)tests/cli/run.sh

build-vm: host demo-base $(O)/host/bin/sim-nodes
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64 FORMAT=nfsroot
	$(Q)$(MAKE) --no-print-directory image BOARD=pc-x86_64
check-vm: build-vm ## the real image in QEMU
	$(Q)tests/vm/run.sh

# PID 1 of tests/vm/storage.sh.
STORAGE_TEST := $(O)/node/storage-test
$(eval $(call program,$(STORAGE_TEST),node,tests/vm/storage.c $(sort $(wildcard modules/lib/*.c)) $(RING_SRC) $(LIB_SRC),$(LIBS_node)))

.PHONY: soak-storage
soak-storage: host $(STORAGE_TEST) ## RAID, LUKS, LVM and xfs on the real kernel: made, found again, taken down, and nothing comes back
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/vm/storage.sh

.PHONY: check-tutorial
check-tutorial: host ## docs/tutorial.md, each command as it is written (takes some minutes, and a mirror)
	$(Q)tests/docs/tutorial.sh

.PHONY: soak-nfsroot
soak-nfsroot: host ## three nodes install on a root over NFS 3, then over NFS 4.1 (root)
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64 FORMAT=nfsroot
	$(Q)tests/vm/nfsroot.sh all

# The generic kernel has a driver for every disk.
MATRIX_BASE := $(O)/matrix/bases/matrix.tar.zst
$(MATRIX_BASE): tests/vm/matrix.conf | $(O)/host/bin/lucie
	$(Q)$(O)/host/bin/lucie base build matrix --conf $< --state $(O)/matrix

STACKED_BASE := $(O)/matrix/bases/stacked.tar.zst
$(STACKED_BASE): tests/vm/stacked-root.conf | $(O)/host/bin/lucie
	$(Q)$(O)/host/bin/lucie base build stacked --conf $< --state $(O)/matrix

.PHONY: soak-matrix
soak-matrix: host $(MATRIX_BASE) $(STACKED_BASE) ## BIOS, UEFI and Secure Boot x buses of disks x partition tables: installs and boots; RAID 1, each disk alone; LVM and LUKS; a key in a TPM
	$(Q)$(MAKE) --no-print-directory image BOARD=pc-x86_64
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/vm/matrix.sh
	$(Q)tests/vm/raid.sh
	$(Q)tests/vm/stacked-root.sh
	$(Q)tests/vm/tpm.sh

.PHONY: bench-boot bench-install bench-repair bench-setup
bench-setup: host ## lucie check and setup of 10,000 hosts, all new and one changed
	$(Q)tests/bench/setup.sh

bench-boot: host ## kernel start to the first module, against a bare init
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/bench/boot.sh

bench-install: host demo-base ## a base onto an empty disk, against curl | zstd | tar onto mke2fs
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/bench/install.sh

bench-repair: host demo-base ## a repair, from PID 1 to its report
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/bench/repair.sh

# No library that it does not need: starting would be most of its time.
MAKE_FS_SRC := tests/bench/make-fs.c $(addprefix modules/lib/,ext4.c probe.c swap.c vfat.c) $(addprefix init/lib/,io.c log.c str.c)
MAKE_FS_LIBS := -Wl,--as-needed $(LIBS_host_modules)
$(eval $(call program,$(O)/host/bin/make-fs,host,$(MAKE_FS_SRC),$$(MAKE_FS_LIBS)))

.PHONY: bench-mkfs soak-power
bench-mkfs: $(O)/host/bin/make-fs ## our ext4, vfat and swap against mke2fs, mkfs.vfat and mkswap, on sparse files
	$(Q)tests/bench/mkfs.sh

soak-power: host ## SEED= RUNS= PRESERVE=: the power goes at random moments of an installation
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64 FORMAT=nfsroot
	$(Q)SEED=$(SEED) RUNS=$(RUNS) PRESERVE=$(PRESERVE) tests/vm/soak-power.sh

include tests/demo.mk
include tests/server.mk
include tests/modules/modules.mk
include tests/init/init.mk
