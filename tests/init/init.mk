# PID 1 without a machine (tests/init/run.sh), and that every file in modules/ is a module of the binary or of the image.

.PHONY: build-init check-init
build-init: $(NODE_INIT) $(O)/dropbear/dropbear
check-init: build-init
	$(Q)tests/init/list.sh $(NODE_INIT)
	$(Q)INIT=$(NODE_INIT) tests/init/run.sh
