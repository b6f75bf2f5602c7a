#!/usr/bin/env bash
# Layouts with RAID, LUKS and LVM: made and mounted by the real image in QEMU (`lucie try`), then judged on the image files by the tools of others.
#
#	tests/vm/layouts.sh [LAYOUT...]		default: all of tests/layouts that have such lines, two at a time (LANES); root, for loop devices
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/lib.sh"
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-layouts.XXXXXX")
loops=()
trap 'kill $(jobs -pr) 2>/dev/null || true; wait; for d in "${loops[@]}"; do losetup -d "$d" || true; done; rm -rf "$T"' EXIT
[ -e "$TOP/out/demo/bases/demo.tar.zst" ] || fail "no base system: make demo-base"
IMAGES=${IMAGES:-$TOP/out}
cd "$TOP/tests/layouts"
mapfile -t all < <(grep -lE '^(raid|luks|vg) ' -- *.layout | sed 's/\.layout$//')
[ $# -gt 0 ] || set -- "${all[@]}"

define() { # NAME: the definition
	cat "$TOP/tests/vm/layouts.conf"
	printf 'define disk_layout{\n\tname it\n'
	grep -v '^#' "$1.layout"
	printf '}\n'
}

# build NAME: its disks are $T/NAME/disk1...; the result is in `end`
build() {
	local n=0 disks=() size status=0
	mkdir "$T/$1"
	define "$1" >"$T/$1/cluster.conf"
	# shellcheck disable=SC2013 # one word a disk
	for size in $(sed -n 's/^# disks: //p' "$1.layout"); do
		n=$((n + 1))
		truncate -s "$size" "$T/$1/disk$n"
		disks+=(--disk "$T/$1/disk$n")
	done
	TMPDIR=$T/$1 timeout -k 10 900 "$TOP/out/host/bin/lucie" try lay --conf "$T/$1/cluster.conf" --state "$TOP/out/demo" --images "$IMAGES" \
		"${disks[@]}" >"$T/$1/out" 2>&1 </dev/null || status=$?
	echo "$status" >"$T/$1/end"
}

# judge NAME: tables, file systems, and what of the members says that they are such
judge() {
	local d p type disk
	for disk in "$T/$1"/disk?; do
		d=$(losetup --find --show "$disk")
		loops+=("$d")
		sfdisk --verify "$d" >"$T/judged" 2>&1 || fail "$1: sfdisk finds faults"
		while read -r start size; do
			p=$(losetup --find --show --offset $((start * 512)) --sizelimit $((size * 512)) "$disk")
			loops+=("$p")
			type=$(blkid -p -o value -s TYPE "$p" || true)
			case $type in
			ext4) e2fsck -fn "$p" ;;
			xfs) xfs_repair -n "$p" ;;
			vfat) fsck.fat -n "$p" ;;
			linux_raid_member) mdadm --examine "$p" ;;
			crypto_LUKS) cryptsetup luksDump "$p" ;;
			LVM2_member) pvs --devices "$p" "$p" ;;
			esac >"$T/judged" 2>&1 || { cat "$T/judged"; fail "$1: $type of $disk"; }
			echo "$type" >>"$T/$1/types"
		done < <(sfdisk -d "$d" | sed -nE '/type=(5|f)$/d; s/.*start= *([0-9]+), size= *([0-9]+).*/\1 \2/p')
	done
	for d in "${loops[@]}"; do losetup -d "$d"; done
	loops=()
}

# compare NAME: as many members as the lines of raid, luks and vg name of partitions
compare() {
	local raid luks pv
	raid=$(sed -n 's/^raid [^ ]* [0-9]* //p' "$1.layout" | tr ', ' '\n' | grep -c '\.[0-9]' || true)
	luks=$(grep '^luks ' "$1.layout" | grep -v 'key=random' | grep -cE ' [^ ]+\.[0-9]' || true)
	pv=$(sed -n 's/^vg [^ ]* //p' "$1.layout" | tr ' ' '\n' | grep -c '\.[0-9]' || true)
	[ "$(grep -cx linux_raid_member "$T/$1/types" || true)" = "$raid" ] || fail "$1: not $raid members of arrays"
	[ "$(grep -cx crypto_LUKS "$T/$1/types" || true)" = "$luks" ] || fail "$1: not $luks LUKS headers"
	[ "$(grep -cx LVM2_member "$T/$1/types" || true)" = "$pv" ] || fail "$1: not $pv physical volumes"
}

for name; do
	while [ "$(jobs -rp | wc -l)" -ge "${LANES:-2}" ]; do wait -n; done
	build "$name" &
done
wait
for name; do
	[ "$(cat "$T/$name/end")" = 0 ] || { tail -n 40 "$T/$name/out"; fail "$name"; }
	judge "$name"
	compare "$name"
	pass "$name"
done
