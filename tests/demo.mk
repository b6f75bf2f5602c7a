# make demo: what is missing, image, base system, and a virtual cluster (tests/demo/demo.sh), as the first command on a machine.

DEMO_BASE := $(O)/demo/bases/demo.tar.zst

$(DEMO_BASE): docs/examples/demo.conf | $(O)/host/bin/lucie
	$(Q)$(O)/host/bin/lucie base build demo --conf $< --state $(O)/demo

.PHONY: demo demo-base
demo-base: $(DEMO_BASE) ## the base system of demo and VM tests

demo: ## a virtual cluster that installs itself: PXE, two machines, login from their own disks
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory host image demo-base BOARD=qemu-x86_64
	$(Q)tests/demo/demo.sh
