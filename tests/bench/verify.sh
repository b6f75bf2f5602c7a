#!/usr/bin/env bash
# make bench-verify: how fast verify reads an installed base, against `dd` of as many bytes of the same disk, interleaved. As root; on a loop
# device without this machine's page cache, and with the file system mounted anew each time, so both read from the disk. Not in QEMU: its
# emulated processor would be what is measured.
#
#	tests/bench/verify.sh [RUNS] [BASE.tar.zst]
# shellcheck source=tests/modules/lib.sh
. "$(dirname "$0")/../modules/lib.sh"
RUNS=${1:-3}
BASE=${2:-$TOP/out/demo/bases/demo.tar.zst}
RUN_MODULE=$TOP/out/bench/run-module

FILE=$(mktemp "${TMPDIR:-/var/tmp}/lucie-verify.XXXXXX")
truncate -s 2G "$FILE"
DISK=$(losetup --direct-io=on --find --show "$FILE")
rm "$FILE" # the loop device keeps it
LAYOUT="disk sys $DISK
partition / 1G- ext4"
"$TOP/out/host/bin/lucie" base add bench "$BASE" --state "$T/state" >"$T/base.log"
blob_line() { sed -n "s/^$2 //p" "$T/state/bases/bench.$1.blob"; }
bench_plan() { # SECTION MODULES [HEAD LINE...]
	local section=$1
	MODULES=$2
	shift 2
	plan_new "blobs file:$T/state/blobs" "$@"
	section "$section" "base bench" "blob $(blob_line tar.zst root) $(blob_line tar.zst length)" "format tar.zst" \
		"root $(blob_line tar.zst root)" "listing $(blob_line listing root) $(blob_line listing length)"
}
bench_plan extrbase "init partition mount extrbase"
for module in partition mount extrbase; do run $module; done
umount -R "$TARGET"

seconds() { # COMMAND...
	local begin=$EPOCHREALTIME
	"$@"
	awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
bench_plan verify "init mount verify" "read_only yes"
for _ in $(seq "$RUNS"); do
	blockdev --flushbufs "$DISK"
	run mount
	verify=$(seconds run verify)
	grep -q 'no differences' "$T/out" || fail "$(cat "$T/out")"
	megabytes=$(sed -n 's/.*compared, \([0-9]*\).* MiB read,.*/\1/p' "$T/out")
	umount -R "$TARGET"
	blockdev --flushbufs "$DISK" # it is still read-only, and nothing of it cached
	raw=$(seconds dd if="$DISK" of=/dev/null bs=1M skip=32 count="$megabytes" status=none)
	awk -v m="$megabytes" -v v="$verify" -v r="$raw" \
		'BEGIN { printf "verify %.0f MB/s (%d MiB in %.2f s), dd %.0f MB/s: ratio %.2f\n", m * 1.048576 / v, m, v, m * 1.048576 / r, r / v }'
done
