# The server against simulated nodes, without machines (tests/server/run.sh).

$(eval $(call program,$(O)/host/bin/sim-nodes,host,$(sort $(wildcard tests/bench/sim-*.c)) $(LIB_SRC),$(LIBS_host_tools)))

.PHONY: build-server check-server
build-server: host $(O)/host/bin/sim-nodes $(NODE_INIT) $(O)/busybox/busybox
check-server: build-server
	$(Q)printf '%s\n' $(foreach t,setup mirrors rollout relay run proxy-dhcp dhcp arm-killed,'$t tests/server/$t.sh') | tests/lanes.sh 3

.PHONY: build-security check-security
build-security: host $(O)/host/bin/sim-nodes
check-security: build-security ## the server among hostile clients and nodes
	$(Q)tests/security/run.sh

# The board in a real browser.
.PHONY: build-board check-board
build-board: host $(O)/host/bin/sim-nodes
check-board: build-board
	$(Q)tests/board/run.py

.PHONY: bench-serve
bench-serve: host $(O)/host/bin/sim-nodes ## 10,000 simulated nodes report once a second (NODES=, SECONDS_EACH=)
	$(Q)tests/bench/serve.sh

.PHONY: soak-server bench-boot-storm
soak-server: host ## SEED= RUNS=: kill -9 of the server while three machines are installed
	$(Q)$(MAKE) --no-print-directory image BOARD=qemu-x86_64
	$(Q)SEED=$(SEED) RUNS=$(RUNS) tests/vm/soak-server.sh

bench-boot-storm: host ## 250 clients boot at once, from lucie serve, tftpd-hpa, atftpd and nginx
	$(Q)tests/bench/storm.sh
