#!/usr/bin/env bash
# Stacks of storage with the real tools on the real kernel: tests/vm/storage.c is PID 1, on two disks with three partitions each. RAID of every
# level, LUKS, LVM, xfs: made, found again after a stop, degraded, taken down; and nothing comes back to life at the same places.
. "$(dirname "$0")/lib.sh"

for n in a b; do
	disk_new "$T/$n.img" 480M
	printf 'size=340M\nsize=48M\nsize=48M\n' | sfdisk -q --label gpt "$T/$n.img"
done
printf 'file /storage 0755 %s\n' "$IMAGES/node/storage-test" >"$T/storage.list"
"$IMAGES/host/bin/mkinitramfs" "$T/storage.cpio" "$T/storage.list"
cat "$IMAGES/$BOARD"/{initramfs,e2fsck,xfs,raid,lvm,luks}.img "$T/storage.cpio" >"$T/initrd"
machine_run storage -cpu max -m 512 -kernel "$IMAGES/$BOARD/vmlinuz" -initrd "$T/initrd" \
	-append "rootfstype=ramfs panic=-1 no_timer_check quiet console=ttyS0 rdinit=/storage" \
	-drive "if=none,id=a,file=$T/a.img,format=raw,cache=unsafe" -device virtio-blk-pci,drive=a \
	-drive "if=none,id=b,file=$T/b.img,format=raw,cache=unsafe" -device virtio-blk-pci,drive=b
machine_wait storage 'storage: all well' 300
machine_end storage 20
pass "RAID, LUKS, LVM, xfs: made, found, degraded, taken down, gone"
