# make demo: what is missing, image, base system, and a virtual cluster (tests/demo/demo.sh), as the first command on a machine.

.PHONY: demo
demo: ## a virtual cluster that installs itself: PXE, two machines, login from their own disks
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory host image BOARD=qemu-x86_64
	$(Q)tests/demo/demo.sh
