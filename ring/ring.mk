# The program `dolly` (ring/dolly.c and its output over RING_SRC, what nodes and host share).
# The engine is threads around one monitor: `tsan` builds the program under ThreadSanitizer for tests/netns.

DOLLY_SRC := ring/dolly.c ring/dolly-output.c $(RING_SRC) init/lib/blob-manifest.c init/lib/log.c init/lib/str.c init/lib/path-text.c init/lib/io.c init/lib/wait.c

CC_tsan ?= gcc
CFLAGS_tsan := -std=gnu11 -O1 -g $(WARN) -fsanitize=thread -pthread
LDFLAGS_tsan := -fsanitize=thread -pthread
BLAKE3_tsan = $(BLAKE3_host)
NEEDS_tsan = $(NEEDS_host)
$(eval $(call flavour,tsan))

$(eval $(call program,$(O)/host/bin/dolly,host,$(DOLLY_SRC),-ljansson))
$(eval $(call program,$(O)/tsan/dolly,tsan,$(DOLLY_SRC),-ljansson))

host: $(O)/host/bin/dolly

.PHONY: build-netns check-netns soak-ring bench-ring
build-netns: $(O)/host/bin/dolly $(O)/tsan/dolly
check-netns: build-netns ## the ring over shaped links, with faults
	$(Q)tests/netns/run.sh

SEED ?= 1
RUNS ?= 20
soak-ring: $(O)/host/bin/dolly ## SEED= RUNS=: random faults in the ring
	$(Q)RING_DOLLY=$(abspath $(O)/host/bin/dolly) tests/netns/soak.sh $(SEED) $(RUNS)

bench-ring: $(O)/host/bin/dolly ## the ring beside a pipe chain, udpcast and HTTP
	$(Q)RING_DOLLY=$(abspath $(O)/host/bin/dolly) tests/bench/ring.sh
