# PID 1 without a machine (tests/init/run.sh), and that every file in modules/ is a module of the binary or of the image.

.PHONY: check-init
check-init: $(NODE_INIT) $(O)/dropbear/dropbear
	$(Q)tests/init/list.sh $(NODE_INIT)
	$(Q)INIT=$(NODE_INIT) tests/init/run.sh
