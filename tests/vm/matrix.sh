#!/usr/bin/env bash
# Firmware x bus of the disk x partition table: each cell is installed by `lucie try` on an image file and has to come up from it to its login
# prompt; those with Secure Boot come from the network, and the installed kernel has to say that it was on. A table at the end.
#
#	tests/vm/matrix.sh [FIRMWARE-BUS-TABLE...]	bios|uefi|secure - virtio|nvme|ahci|ide|scsi - gpt|msdos; default: all, two at a time (LANES)
#	tests/vm/matrix.sh sample			what `make check` runs: the cloud kernel and the base of the demo
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/lib.sh"
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-matrix.XXXXXX")
cleanup() {
	jobs -pr | xargs -r kill 2>/dev/null || true
	cat "$T"/*/pid 2>/dev/null | xargs -r kill 2>/dev/null || true
	wait
	rm -rf "$T"
}
trap cleanup EXIT
LUCIE=$TOP/out/host/bin/lucie
LANES=${LANES:-2}

cells=("$@") board=pc-x86_64 base=$TOP/out/matrix/bases/matrix.tar.zst
if [ "${1:-}" = sample ]; then
	cells=(uefi-nvme-msdos) board=qemu-x86_64 base=$TOP/out/demo/bases/demo.tar.zst
elif [ $# -eq 0 ]; then
	# The firmware has no UEFI for IDE disks: it leaves their ports switched off.
	mapfile -t cells < <(printf '%s\n' bios-ide-{gpt,msdos} {bios,uefi,secure}-{virtio,nvme,ahci,scsi}-{gpt,msdos})
fi
[ -e "$base" ] || fail "no base system '$base': make ${base#"$TOP/"}"
[ -e "$TOP/out/$board/manifest" ] || fail "no image: make image BOARD=$board"
sed "s/pc-x86_64/$board/" "$TOP/tests/vm/matrix.conf" >"$T/cluster.conf"
"$TOP/tests/vm/base-small.py" "$base" "$T/small.tar.zst"
"$LUCIE" base add matrix "$T/small.tar.zst" --state "$T/state" >/dev/null
rm "$T/small.tar.zst"

# cell FIRMWARE-BUS-TABLE: into $T/CELL, with the result and the seconds in `end`.
cell() {
	local firmware bus table options=() start=$SECONDS status=0
	IFS=- read -r firmware bus table <<<"$1"
	case $firmware in
	uefi) options=(--uefi) ;;
	secure) options=(--secure-boot) ;;
	esac
	mkdir "$T/$1"
	TMPDIR=$T/$1 timeout -k 10 1800 "$LUCIE" try "$table" --conf "$T/cluster.conf" --state "$T/state" --images "$TOP/out" --disk "$T/$1/disk" \
		--bus "$bus" "${options[@]}" --boot --keep >"$T/$1/out" 2>&1 </dev/null &
	echo $! >"$T/$1/pid"
	wait $! || status=$?
	rm "$T/$1/pid"
	grep -q "^$table login:" "$T/$1/out" || status=1
	[ "$firmware" != secure ] || grep -aqs 'secureboot: Secure boot enabled' "$T/$1"/lucie-try.*/console-boot || status=1
	[ "$(sfdisk -J "$T/$1/disk" | jq -r .partitiontable.label)" = "${table/msdos/dos}" ] || status=1
	rm -f "$T/$1/disk"
	echo "$status $((SECONDS - start))" >"$T/$1/end"
}

for c in "${cells[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$LANES" ]; do wait -n; done
	cell "$c" &
done
wait

failed=0
for c in "${cells[@]}"; do
	read -r status seconds <"$T/$c/end"
	if [ "$status" -eq 0 ]; then result=boots; else result=FAILED failed=$((failed + 1)); fi
	printf '%-22s %-8s %4d s\n' "$c" "$result" "$seconds"
	[ "$status" -eq 0 ] || tail -n 30 "$T/$c/out"
done
[ "$failed" -eq 0 ] || fail "$failed of ${#cells[@]} cells"
pass "${#cells[@]} of ${#cells[@]} installed and up from the disk"
