# The C modules as themselves, on loop devices: needs root. `make check-modules`.

MODULE_TEST_LIBS := $(LIBS_host_modules) $(LIBS_host_tools)
$(eval $(call program,$(O)/asan/run-module,asan,tests/modules/run-module.c $(MODULE_SRC) $(RING_SRC) $(LIB_SRC),$(MODULE_TEST_LIBS)))
$(eval $(call program,$(O)/asan/make-blob,asan,tests/modules/make-blob.c $(LIB_SRC),$(MODULE_TEST_LIBS)))

$(eval $(call program,$(O)/bench/run-module,host,tests/modules/run-module.c $(MODULE_SRC) $(RING_SRC) $(LIB_SRC),$(MODULE_TEST_LIBS)))

.PHONY: bench-verify
bench-verify: host demo-base $(O)/bench/run-module ## how fast verify reads, against dd of the disk (root)
	$(Q)tests/bench/verify.sh

$(O)/asan/cut.so: tests/modules/cut.c
	@mkdir -p $(@D)
	$(Q)$(CC_host) $(CPP_COMMON) -U_FILE_OFFSET_BITS $(CFLAGS_host) -fPIC -shared $< -o $@

.PHONY: build-modules check-modules
build-modules: $(O)/asan/run-module $(O)/asan/make-blob $(O)/asan/cut.so $(O)/syslinux/extlinux
check-modules: build-modules ## the C modules on loop devices (root)
	$(Q)tests/modules/run.sh

.PHONY: soak-layouts
soak-layouts: host build-modules ## every layout of tests/layouts on image files (root); those of several layers in QEMU
	$(Q)tests/modules/layouts.sh
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)tests/vm/layouts.sh
