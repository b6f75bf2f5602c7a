#!/usr/bin/env bash
# The installer's own ext4, vfat and swap against mke2fs (as it comes, and with everything left to the kernel), mkfs.vfat and mkswap, on sparse files:
# the best time of ROUNDS in turn (others of this machine only add to it), and the bytes that were written.
# Exit 1 where ours wrote more, or where ext4 took more than 1.5 times as long; swap and vfat are over in one synchronous write.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
ROUNDS=${ROUNDS:-9}
SIZES=${SIZES-"100G 2T"}
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-mkfs.XXXXXX")
trap 'rm -rf "$T"' EXIT
worse=0

ours() { out/host/bin/make-fs "$1" "$T/disk" "$(stat -c %s "$T/disk")"; }
mke2fs_default() { mke2fs -q -F -t ext4 -L bench "$T/disk"; }
mke2fs_lazy() { mke2fs -q -F -t ext4 -L bench -E lazy_itable_init=1,lazy_journal_init=1 "$T/disk"; }
mkfs_vfat() { mkfs.vfat -n BENCH "$T/disk" >/dev/null; }
mkswap_plain() { mkswap -q -L bench "$T/disk"; }

# once SIZE NAME COMMAND...: one more line of $T/NAME: microseconds and bytes, until all is on the disk
once() {
	local size=$1 name=$2 start
	shift 2
	rm -f "$T/disk"
	truncate -s "$size" "$T/disk"
	chmod 600 "$T/disk"
	start=${EPOCHREALTIME/[.,]/}
	"$@"
	sync "$T/disk"
	echo "$((${EPOCHREALTIME/[.,]/} - start)) $(($(stat -c '%b * %B' "$T/disk")))" >>"$T/$name"
}
best() { sort -n "$T/$1" | awk -v f="$2" 'NR == 1 { print $f }'; }

# compare FS SIZE THEIRS...
compare() {
	local fs=$1 size=$2 name us bytes
	shift 2
	rm -f "$T/ours" "$T"/mk*
	for _ in $(seq "$ROUNDS"); do
		once "$size" ours ours "$fs"
		for name; do once "$size" "$name" "$name"; done
	done
	us=$(best ours 1) bytes=$(best ours 2)
	for name; do
		awk -v fs="$fs" -v size="$size" -v name="$name" -v a="$us" -v b="$bytes" -v c="$(best "$name" 1)" -v d="$(best "$name" 2)" 'BEGIN {
			printf "%-5s %5s  ours %8.3f s %10d bytes   %-14s %8.3f s %10d bytes   time x%.2f  bytes x%.2f\n", fs, size, a / 1e6, b, name, c / 1e6, d, a / c, b / d
			exit (fs == "ext4" && a > 1.5 * c) || b > d
		}' || worse=1
	done
}

for size in $SIZES; do compare ext4 "$size" mke2fs_default mke2fs_lazy; done
compare vfat 512M mkfs_vfat
compare swap 8G mkswap_plain
exit $worse
