#!/usr/bin/env bash
# The root file system, with /boot, on an array of two disks (RAID 1) and a system partition on each: installed by `lucie try`, then each disk
# alone has to bring the machine up to its login prompt. An argument names the firmware: bios, uefi, or both (the default). `make soak-matrix`
# runs it.
. "$(dirname "$0")/lib.sh"
BASE=$TOP/out/matrix/bases/matrix.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make ${BASE#"$TOP/"}"

sed '/^define host{/,$d' "$TOP/tests/vm/matrix.conf" >"$T/cluster.conf"
cat >>"$T/cluster.conf" <<'END'
define disk_layout{
	name            mirror
	disk            a disk1 table=gpt
	partition       /boot/efi 64M vfat label=efi
	partition       - 1G- member
	disk            b disk2 table=gpt
	partition       /boot/efi2 64M vfat label=efi2
	partition       - 1G- member
	raid            root 1 a.2 b.2
	filesystem      / root ext4
}

define host{
	host_name       mirror
	lucie_group     matrix
	disk_layout     mirror
	address         10.0.2.15
	mac_address     52:54:00:00:02:01
}
END
"$TOP/tests/vm/base-small.py" "$BASE" "$T/small.tar.zst"
"$LUCIE" base add matrix "$T/small.tar.zst" --state "$T/state" >/dev/null

# mirror FIRMWARE [OPTION-OF-TRY...]
mirror() {
	local firmware=$1 disk status=0
	shift
	rm -f "$T/a.img" "$T/b.img"
	TMPDIR=$T timeout -k 10 1800 "$LUCIE" try mirror --conf "$T/cluster.conf" --state "$T/state" --images "$IMAGES" --disk "$T/a.img" --disk "$T/b.img" \
		--boot "$@" >"$T/try" 2>&1 || status=$?
	[ $status -eq 0 ] || { tail -n 60 "$T/try"; fail "$firmware: lucie try: exit code $status"; }
	pass "$firmware: root on RAID 1, up with both disks"
	for disk in a b; do
		alone "$firmware" $disk
		pass "$firmware: up with disk $disk alone"
	done
}

# alone FIRMWARE DISK: the machine that lost the other one; UEFI has lost its variables, too.
alone() {
	local name=$1-$2 pflash=()
	if [ "$1" = uefi ]; then
		cp /usr/share/OVMF/OVMF_VARS_4M.fd "$T/vars"
		pflash=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,unit=1,file=$T/vars")
	fi
	machine_run "$name" -cpu Nehalem -m 512 -device VGA -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng -nic none \
		-drive "if=none,id=d0,file=$T/$2.img,format=raw,cache=unsafe,snapshot=on" -device virtio-blk-pci,drive=d0 "${pflash[@]}"
	machine_wait "$name" 'mirror login:' 600
	machine_kill "$name"
}

case ${1:-both} in
bios) mirror bios ;;
uefi) mirror uefi --uefi ;;
*) mirror bios && mirror uefi --uefi ;;
esac
