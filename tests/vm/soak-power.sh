#!/usr/bin/env bash
# The power of a machine goes at RUNS random moments of its installation, from a printed SEED. After each the next boot has to end installed: the
# file systems clean, base system and data set as they were sent, a disk that the layout does not name as it was, and the machine boots from its disk.
#
# A killed QEMU leaves everything that the machine wrote; a disk with a cache does not. Every other time the disk is therefore made anew from the
# log of its writes, without some of those that were not flushed (replay.py).
. "$(dirname "$0")/lib.sh"

RUNS=${RUNS:-60}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
PRESERVE=${PRESERVE:-no} # yes: a partition with a file system is kept through all of it
MEGABYTES=${MEGABYTES:-16}
MEMORY=${MEMORY:-256}
echo "SEED=$SEED RUNS=$RUNS"

site_new
host n1 "installer cut" "disk_layout cut" "base bootable" "kernel_args console=ttyS0 panic=-1 no_timer_check" "datasets set"
site_add <<EOF
define installer{
name       cut
modules    init, partition, mount, extrbase, dolly, install, configure, finalize
on_failure poweroff
at_end     poweroff
}
define disk_layout{
name       cut
disk       d1 serial=n1-disk table=gpt
partition  /    160M- ext4 label=root
partition  swap 16M swap
$([ "$PRESERVE" = no ] || echo 'partition  /keep 32M ext4 label=keep preserve')
}
define base{
name       bootable
}
define dataset{
name       set
source     $T/set.bin
target     /data/set.bin
port       $(free_port)
}
EOF
head -c "${MEGABYTES}M" /dev/urandom >"$T/set.bin"
tar_bootable "$T/bootable.tar.zst" "$MEGABYTES"
site_setup
base_add bootable "$T/bootable.tar.zst"
site_serve
"$LUCIE" data --state "$T/state" >"$T/data.log" 2>&1 || { cat "$T/data.log"; fail "lucie data"; }
serve_wait 'set: master on port' 10
head -c 8M /dev/urandom >"$T/foreign.img"
cp "$T/foreign.img" "$T/foreign.was"

boot() {
	: >"$T/writes"
	DRIVE="driver=blklogwrites,log-super-update-interval=1,file.driver=file,file.filename=$T/n1.img,log.driver=file,log.filename=$T/writes" \
		machine_start n1 "$T/n1.img" -drive "if=none,id=d1,file=$T/foreign.img,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d1,serial=foreign
}
module() { tr -d '\r' <"$T/n1.serial" | sed -nE 's/^.*(init|partition|mount|extrbase|dolly|install|configure|finalize): .*/\1/p' | tail -n 1; }
blank() {
	rm -f "$T/n1.img"
	disk_new "$T/n1.img" 320M
}
install() {
	arm n1
	boot
	machine_wait n1 'n1: installation ' 120
	begun=$(date +%s%N)
}
# over: it is over; it took `length` hundredths of a second, which is less where the host is less busy.
over() {
	machine_end n1 300
	length=$((($(date +%s%N) - begun) / 10000000))
}

# power_cut HUNDREDTHS: an installation that ends so long after it has begun. False: it was over before.
power_cut() {
	cp --sparse=always "$T/n1.img" "$T/before.img"
	install
	sleep "$(bc <<<"scale=2; $1 / 100")"
	! grep -q 'reboot: Power down' "$T/n1.serial" && machine_alive n1 || { over; length=$((length * 9 / 10)); return 1; }
	kill -KILL "$(pgrep -P "${MACHINE_PID[n1]}")" # QEMU itself, below timeout
	wait "${MACHINE_PID[n1]}" 2>/dev/null || true
	unset "MACHINE_PID[n1]"
}

# partition NUMBER FILE: copied out of the image
partition() {
	local start sectors
	read -r start sectors < <(sfdisk -J "$T/n1.img" | jq -r --arg n "$1" '.partitiontable.partitions[] | select(.node | endswith("img" + $n)) | "\(.start) \(.size)"')
	dd if="$T/n1.img" of="$2" bs=1M iflag=skip_bytes,count_bytes skip=$((start * 512)) count=$((sectors * 512)) conv=sparse status=none
}
# fill: the partition that is to be preserved gets a content
fill() {
	mv "$T/keep.ext4" "$T/keep.was"
	debugfs -w -R "write $T/foreign.was data" "$T/keep.was" >/dev/null 2>&1
	dd if="$T/keep.was" of="$T/n1.img" bs=512 seek="$(sfdisk -J "$T/n1.img" | jq '.partitiontable.partitions[] | select(.node | endswith("img3")) | .start')" conv=notrunc status=none
	partition 3 "$T/keep.ext4"
}
# kept: the partition that is preserved is what it was when it was first seen
kept() {
	partition 3 "$T/keep.ext4"
	[ -e "$T/keep.was" ] || fill
	cmp "$T/keep.ext4" "$T/keep.was" || fail "the preserved partition"
}

# proof: what has to be true of an installed disk
proof() {
	sfdisk --verify "$T/n1.img" >/dev/null || fail "sfdisk --verify"
	partition 1 "$T/root.ext4"
	[ "$PRESERVE" = no ] || kept
	e2fsck -fn "$T/root.ext4" >"$T/e2fsck" 2>&1 || { cat "$T/e2fsck"; fail "e2fsck"; }
	rm -rf "$T/root"
	mkdir "$T/root"
	debugfs -R "rdump / $T/root" "$T/root.ext4" >/dev/null 2>&1
	cmp "$T/root/data/set.bin" "$T/set.bin" || fail "the data set"
	rm "$T/root/data/set.bin"
	diff -r "$T/bootable/data" "$T/root/data" || fail "the files of the base"
	cmp "$T"/bootable/boot/vmlinuz-* "$T"/root/boot/vmlinuz-* || fail "the kernel of the base"
	[ "$(cat "$T/root/etc/hostname")" = n1 ] || fail "the host name"
	cmp "$T/foreign.img" "$T/foreign.was" || fail "the disk that the layout does not name was written to"
}

boots() {
	machine_boot_disk n1
	machine_wait n1 'n1 login:' 300
	machine_kill n1
}

# How long it takes, and that all is right without a cut.
blank
install
over
serve_has 'n1 +.* INSTALLED' || { tail -n 30 "$T/n1.serial"; fail "without a power cut"; }
proof
boots
echo "without a power cut: $((length / 100)) s"

n=0 late=0
declare -A where=()
while [ "$n" -lt "$RUNS" ]; do
	[ $((RANDOM % 2)) = 0 ] && [ "$PRESERVE" = no ] && disk=new || disk=installed
	[ "$disk" = installed ] || blank
	moment=$((RANDOM % length))
	power_cut "$moment" || { late=$((late + 1)); [ "$late" -le $((RUNS + 20)) ] || fail "the installation is always over before the power goes"; continue; }
	n=$((n + 1))
	at=$(module)
	where[$at]=$((${where[$at]:-0} + 1))
	kind="everything written is there"
	if [ $((n % 2)) = 0 ]; then
		mv "$T/before.img" "$T/n1.img"
		kind=$("$TOP/tests/vm/replay.py" "$T/writes" "$T/n1.img" "$RANDOM")
	fi
	: >"$T/serve.log"
	boot
	machine_end n1 300
	serve_has 'n1 +.* INSTALLED' || { tail -n 40 "$T/n1.serial"; fail "cut $n: not installed (SEED=$SEED)"; }
	went_on=$(grep -aoE "goes on with|starts from the beginning, as [^,]*" "$T"/state/installs/*/log | tail -n 1 | cut -d: -f2- || true)
	proof
	boots
	echo "cut $n: a disk $disk, $((moment / 100)).$((moment % 100 / 10)) s, in $at; $kind; ${went_on:-}"
done
for at in "${!where[@]}"; do echo "  in $at: ${where[$at]}"; done
pass "$RUNS power cuts (SEED=$SEED); each ended installed, clean, and booted"
