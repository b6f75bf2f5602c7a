#!/usr/bin/env bash
# The PC board with 256 MB: generic kernel, AHCI disk, e1000 card, MSDOS table; then up from its disk.
export BOARD=pc-x86_64
. "$(dirname "$0")/lib.sh"

BASE=$TOP/out/demo/bases/demo.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make demo-base"
site_new
host n1 "installer pc" "disk_layout pc" "base demo" "kernel_args console=ttyS0"
site_add <<'EOF'
define installer{
name       pc
modules    init, partition, mount, extrbase, configure, finalize
on_failure poweroff
at_end     poweroff
}
define disk_layout{
name       pc
disk       d1 disk1 table=msdos
partition  /boot 256M ext4
partition  /     1G-  ext4
partition  swap  128M swap
}
define base{
name       demo
}
EOF
base_add demo "$BASE"
site_setup
site_serve
disk_new "$T/n1.img" 4G
arm n1
export STORAGE=ide-hd NIC=e1000 MACHINE=q35
MEMORY=256 machine_start n1 "$T/n1.img"
machine_end n1 1200
serve_wait 'n1 +.* INSTALLED' 10
pass "PC board: installed with 256 MB on AHCI with e1000, MSDOS table"
sfdisk --verify "$T/n1.img" >/dev/null || fail "sfdisk --verify"

# The base's cloud kernel has no AHCI driver: the BIOS finds loader and kernel on the same disk as virtio.
STORAGE=virtio-blk-pci machine_boot_disk n1
machine_wait n1 'n1 login:' 600
machine_kill n1
pass "boots from the MSDOS table and its own /boot to 'n1 login:'"
