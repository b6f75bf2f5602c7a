# The server against simulated nodes, without machines (tests/server/run.sh).

$(eval $(call program,$(O)/host/bin/sim-nodes,host,$(sort $(wildcard tests/bench/sim-*.c)) $(LIB_SRC),$(LIBS_host_tools)))

.PHONY: check-server
check-server: host $(O)/host/bin/sim-nodes $(NODE_INIT)
	$(Q)tests/server/run.sh
	$(Q)tests/server/rollout.sh
	$(Q)tests/server/dhcp.sh
	$(Q)tests/server/proxy-dhcp.sh
	$(Q)tests/server/setup.sh
	$(Q)INIT=$(NODE_INIT) tests/server/mirrors.sh

.PHONY: check-security
check-security: host $(O)/host/bin/sim-nodes ## the server among hostile clients and nodes
	$(Q)tests/security/run.sh

# The board in a real browser.
.PHONY: check-board
check-board: host $(O)/host/bin/sim-nodes
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
