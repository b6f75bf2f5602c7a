#!/bin/sh
# size-table.sh BOARD WORK BOARD-OUT OUT BUDGET ADDON...: what takes the space, for a person; fails when initramfs.img is larger than the budget.
# A part's compressed size is measured on its own, so that the parts do not add up exactly to the archive they share.
set -eu

board=$1
work=$2
b=$3
out=$4
budget=$5
shift 5

bytes()
{
	stat -c %s "$1"
}

row() # NAME UNPACKED COMPRESSED
{
	printf '  %-34s %11s %11s\n' "$1" "$2" "$3"
}

part() # NAME FILE...
{
	name=$1
	shift
	row "$name" "$(cat "$@" | wc -c)" "$(cat "$@" | zstd -q -c -19 | wc -c)"
}

size=$(bytes "$b/initramfs.img")
printf '%s, kernel %s\n' "$board" "$(cat "$work/kernel/version")"
row "" bytes compressed
part "init with all modules" "$(sed -n 's|^file /init [0-7]* ||p' "$work/programs.list")"
part "busybox" "$out/busybox/busybox"
row "programs, all" "$(bytes "$work/programs.cpio")" "$(bytes "$work/programs.img")"
row "kernel modules ($(grep -c . "$work/modules.list"))" "$(bytes "$work/modules.cpio")" "$(bytes "$work/modules.img")"
row "initramfs.img (budget $budget)" "$(($(bytes "$work/programs.cpio") + $(bytes "$work/modules.cpio")))" "$size"
for addon in "$@"; do row "$addon.img" "$(bytes "$work/$addon.cpio")" "$(bytes "$b/$addon.img")"; done
row "vmlinuz" "" "$(bytes "$b/vmlinuz")"
[ ! -f "$b/firmware.img" ] || row "firmware.img" "$(bytes "$work/firmware.cpio")" "$(bytes "$b/firmware.img")"
if [ -s "$work/firmware.missing" ]; then
	echo "  $(grep -c . "$work/firmware.missing") firmware files that drivers may ask for are not at hand ($work/firmware.missing; FIRMWARE=DIR adds a folder)"
fi
if [ "$size" -gt "$budget" ]; then
	echo "size-table.sh: '$b/initramfs.img' is $((size - budget)) bytes over the board's budget of $budget" >&2
	exit 1
fi
