#!/usr/bin/env bash
# A machine with UEFI (OVMF, Secure Boot's own loaders) boots from the network of a real `lucie serve` with dnsmasq: shim, GRUB, its card's file,
# kernel and image, up to its plan; and when it is not armed any more, its own disk. In a network namespace; no KVM.
set -euo pipefail
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0"
fi
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
chmod 755 "$T" # dnsmasq reads as a user of its own
OVMF=/usr/share/OVMF
[ -e $OVMF/OVMF_CODE_4M.fd ] || fail "no $OVMF/OVMF_CODE_4M.fd: make deps"

ip link set lo up
ip link add lucie0 type bridge
ip address add 10.0.2.2/24 dev lucie0
ip link set lucie0 up
ip tuntap add dev tap0 mode tap
ip link set tap0 master lucie0 up

site_new
sed -i 's/^server_address.*/&\ndhcp_interface lucie0/' "$T/site/cluster.conf"
host n1 "installer base-only" "disk_layout one" "base small"
site_small
site_add <<-'EOF'
	define base{
	name small
	}
EOF
tar_random "$T/small.tar.zst" 1
base_add small "$T/small.tar.zst"
base_add random "$T/small.tar.zst"
site_setup
"$LUCIE" serve --state "$T/state" --bind 10.0.2.2 >"$T/serve.log" 2>&1 &
# shellcheck disable=SC2034 # lib.sh ends it
SERVE_PID=$!
serve_wait 'HTTP on port' 10

# What the disk boots when it is its turn: an image of the distribution's loader that says so on the console, from the path that GRUB looks for.
esp() {
	truncate -s 64M "$1"
	printf 'label: gpt\nstart=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n' | sfdisk -q "$1"
	mkfs.vfat -F 32 -S 512 --offset 2048 "$1" $((63 * 1024 - 1024)) >/dev/null 2>&1
	mmd -i "$1@@1M" ::/EFI ::/EFI/BOOT ::/grub
	mcopy -i "$1@@1M" "$TOP/out/efi/grubx64.efi" ::/EFI/BOOT/BOOTX64.EFI
	printf 'serial\nterminal_output serial\necho the disk is up\nsleep 600\n' >"$T/grub.cfg"
	mcopy -i "$1@@1M" "$T/grub.cfg" ::/grub/grub.cfg
}

# uefi_start NAME DISK: network first, then the disk. OVMF knows no -boot; its variables are kept per machine.
uefi_start() {
	cp $OVMF/OVMF_VARS_4M.fd "$T/$1.vars"
	MACHINE=q35 machine_run "$1" -cpu max -m 512 -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$OVMF/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,unit=1,file=$T/$1.vars" \
		-netdev tap,id=n0,ifname=tap0,script=no,downscript=no -device "virtio-net-pci,netdev=n0,bootindex=0,mac=$(machine_mac n1)" \
		-drive "if=none,id=d0,file=$2,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d0,bootindex=1,serial=n1-disk
}

esp "$T/esp.img"
arm n1
disk_new "$T/n1.img" 1G
uefi_start n1 "$T/n1.img"
machine_wait n1 'lucie|Linux version' 150
serve_wait "n1 +- +plan 'base-only'" 120
pass "armed: shim, GRUB and the card's file, kernel and image by TFTP, and its plan"
serve_wait 'n1 +.* INSTALLED' 120
machine_kill n1

uefi_start again "$T/esp.img"
machine_wait again 'the disk is up' 120
machine_kill again
pass "not armed: GRUB starts /EFI/BOOT/BOOTX64.EFI of the disk"
