#!/usr/bin/env bash
# What breaks during an installation ends in a report that names the module, the path or device and the cause, on the console and on the
# server, within a bounded time, and nothing is reported as installed.
. "$(dirname "$0")/lib.sh"

site_new
site_small
host n1 "installer base-only" "disk_layout one" "base random"
tar_random "$T/random.tar.zst" 120
base_add random "$T/random.tar.zst"
site_setup
site_serve

# begin: an armed n1 with a new disk of SIZE
begin() {
	rm -f "$T/n1.img"
	disk_new "$T/n1.img" "$1"
	arm n1
	machine_start n1 "$T/n1.img"
}

cable() {
	echo "== the cable is pulled in extrbase, and comes back"
	begin 1G
	machine_wait n1 'extrbase.*[1-9][0-9]* ?%' 120
	machine_monitor n1 "set_link nic0 off"
	machine_wait n1 'FAILED' 300
	machine_monitor n1 "set_link nic0 on"
	fails_with n1 extrbase 'extrbase.*http://10\.0\.2\.2' 60
	pass "cable pulled: reported when it was back"
}

full() {
	echo "== the disk is too small for the base"
	begin 100M
	fails_with n1 extrbase '/data/file[0-9]+.*No space left on device' 180
	pass "disk full: path and cause reported"
}

unplug() {
	echo "== the disk is unplugged in extrbase"
	begin 1G
	machine_wait n1 'extrbase.*[1-9][0-9]* ?%' 120
	machine_monitor n1 "device_del disk0"
	fails_with n1 extrbase '/dev/vda1. has vanished' 300
	pass "disk unplugged: reported"
}

unreadable() {
	echo "== a sector cannot be read"
	DRIVE="driver=blkdebug,image.driver=file,image.filename=$T/n1.img,inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.sector=0,inject-error.0.errno=5" \
		begin 1G
	fails_with n1 partition "'/dev/vda'.*I/O error.*\(kernel: I/O error, dev vda, sector 0 op 0x0:\(READ\)\)" 120
	pass "read error: disk, errno and sector reported"
}

altered() {
	echo "== a byte of the base is wrong on the server"
	blob=$(readlink -f "$T"/state/blobs/"$(sed -n 's/^root //p' "$T/state/bases/random.tar.zst.blob")")
	printf 'X' | dd of="$blob" bs=1 seek=50000000 conv=notrunc status=none
	begin 1G
	fails_with n1 extrbase 'chunk 11 is not what the manifest says' 180
	pass "base altered on the server: chunk reported, nothing of it used"
}

# Each by its name, or all; the last one spoils the base for good.
for fault in "${@:-cable full unplug unreadable altered}"; do
	for f in $fault; do $f; done
done
