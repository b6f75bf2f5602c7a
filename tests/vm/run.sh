#!/usr/bin/env bash
# The VM tests, three at a time: a machine of QEMU uses one processor, but each test also waits for its boot loaders, time-outs and networks.
# Longest first.
#
#	tests/vm/run.sh [NAME...]
set -eu
cd "$(dirname "$0")"
export RUNS=${RUNS:-2} # of soak-server
[ $# -gt 0 ] || set -- variants install demo try uefi ring faults pc matrix small figure-3 refuse-disk refuse-plan discover identity soak-server soak-power nfsroot remotelogin
for t; do
	case $t in
	demo) echo "$t ../demo/demo.sh" ;;
	matrix) echo "$t ./matrix.sh sample" ;;
	soak-power) echo "$t env RUNS=3 MEGABYTES=4 ./$t.sh" ;; # six would take three minutes
	*) echo "$t ./$t.sh" ;;
	esac
done | ../lanes.sh "${LANES:-3}"
