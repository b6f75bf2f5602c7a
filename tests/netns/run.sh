#!/usr/bin/env bash
# What `make check-netns` runs: a sample of the fault matrix, bad input, what can be sent and how, some random schedules, and the engine under TSan.
cd "$(dirname "$0")/../.." || exit 2
set -e
MB=16 RATE=60mbit tests/netns/faults.sh "50"
tests/netns/ended.sh
tests/netns/bad-input.sh
tests/netns/kinds.sh
tests/netns/soak.sh "${SEED:-1}" "${RUNS:-3}"
TSAN_OPTIONS=exitcode=66 RING_DOLLY=$PWD/out/tsan/dolly MB=8 RATE=20mbit N=4 tests/netns/soak.sh 100 2
