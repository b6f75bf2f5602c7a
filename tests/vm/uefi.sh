#!/usr/bin/env bash
# A machine with UEFI (OVMF, Secure Boot's own loaders) boots from the network of a real `lucie serve` with dnsmasq: shim, GRUB, its card's file,
# kernel and image; it is installed, and its next boot from the network ends at the login prompt of its own disk. The firmware alone decides
# between network and disk, by its variables, which outlive the boots: the network stays first, one entry of ours behind it, also after a
# second installation. The base has no ifupdown, so that its network is systemd-networkd's; the demo's is ifupdown's. In a network namespace; no KVM.
#
#	tests/vm/uefi.sh [again]	the second installation: a repair, or with `again` the whole one, onto new partitions
set -euo pipefail
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
chmod 755 "$T" # dnsmasq reads as a user of its own
OVMF=/usr/share/OVMF
[ -e $OVMF/OVMF_CODE_4M.fd ] || fail "no $OVMF/OVMF_CODE_4M.fd: make deps-check"

ip link set lo up
ip link add lucie0 type bridge
ip address add 10.0.2.2/24 dev lucie0
ip link set lucie0 up
ip tuntap add dev tap0 mode tap
ip link set tap0 master lucie0 up

BASE=$TOP/out/demo/bases/demo.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make demo-base"
site_new
sed -i 's/^server_address.*/&\ndhcp_interface lucie0/' "$T/site/cluster.conf"
host n1 "installer efi" "disk_layout efi" "base demo" "kernel_args console=ttyS0"
site_add <<-'EOF'
	define installer{
	name       efi
	modules    init, partition, mount, extrbase, configure, finalize
	on_failure poweroff
	at_end     poweroff
	}
	define installer{
	name       fix
	modules    init, mount, configure, finalize
	on_failure poweroff
	at_end     poweroff
	}
	define disk_layout{
	name       efi
	disk       d1 disk1
	partition  /boot/efi 128M vfat label=efi
	partition  /         1G- ext4
	}
	define base{
	name demo
	}
EOF
zstd -dqc "$BASE" >"$T/base.tar"
tar --delete -f "$T/base.tar" ./usr/sbin/ifup ./usr/sbin/ifdown ./usr/sbin/ifquery 2>"$T/tar.log" || { cat "$T/tar.log"; fail "tar --delete"; }
zstd -q --rm -1 "$T/base.tar" -o "$T/base.tar.zst"
base_add demo "$T/base.tar.zst"
rm "$T/base.tar.zst"
site_setup
"$LUCIE" serve --state "$T/state" --bind 10.0.2.2 >"$T/serve.log" 2>&1 &
# shellcheck disable=SC2034 # lib.sh ends it
SERVE_PID=$!
serve_wait 'HTTP on port' 10

# uefi_start NAME DISK: OVMF knows no -boot. Its own driver of the card, without which shim would get the length of files wrong.
cp $OVMF/OVMF_VARS_4M.fd "$T/vars"
uefi_start() {
	MACHINE=q35 machine_run "$1" -cpu max -m 512 -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$OVMF/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,unit=1,file=$T/vars" \
		-netdev tap,id=n0,ifname=tap0,script=no,downscript=no -device "virtio-net-pci,netdev=n0,romfile=,mac=$(machine_mac n1)" \
		-drive "if=none,id=d0,file=$2,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d0,serial=n1-disk
}

# entries_are WHEN: those of the network first, then ours, and no other one of ours.
entries_are() {
	python3 "$TOP/tests/vm/efi-vars.py" "$T/vars" >"$T/entries" || fail "efi-vars.py"
	awk '$1 == "unordered" { rest = 1; next } { print (rest ? "rest" : $2) ($3 == "Lucie" ? " ours" : "") }' "$T/entries" | uniq >"$T/kinds"
	[ "$(head -n 2 "$T/kinds" | tr '\n' ,)" = "network,partition ours," ] && [ "$(grep -c ' Lucie$' "$T/entries")" = 1 ] ||
		{ cat "$T/entries"; fail "boot entries of the firmware $1"; }
}

arm n1
disk_new "$T/n1.img" 4G
uefi_start n1 "$T/n1.img"
machine_wait n1 'lucie|Linux version' 150
serve_wait "n1 +- +plan 'efi'" 120
pass "armed: shim, GRUB and the card's file, kernel and image by TFTP, and its plan"
machine_end n1 900
serve_wait 'n1 +.* INSTALLED' 10
sfdisk --verify "$T/n1.img" >/dev/null || fail "sfdisk --verify"
dd if="$T/n1.img" of="$T/esp.img" bs=1M skip=1 count=128 status=none
fsck.vfat -n "$T/esp.img" >"$T/fsck" || { cat "$T/fsck"; fail "fsck.vfat of the system partition"; }
pass "installed: shim and GRUB on the system partition, which fsck.vfat finds clean"

entries_are 'after the installation'
pass "boot entries of the firmware: the network first, then the disk: $(grep -m 1 Lucie "$T/entries")"

if [ "${1:-}" = again ]; then arm n1; else arm n1 --variant fix; fi
: >"$T/serve.log"
uefi_start second "$T/n1.img"
machine_end second 900
serve_wait 'n1 +.* INSTALLED' 10
cp "$T/entries" "$T/entries.1"
entries_are 'after a second installation'
cmp "$T/entries" "$T/entries.1" || fail "the second installation changes names or order of the boot entries"
pass "a second installation leaves the same entries"

uefi_start again "$T/n1.img"
machine_wait again 'n1 login:' 300
pass "not armed any more: the network's GRUB starts the disk's shim, GRUB and kernel, up to n1 login:"
wait_until 120 "n1 in the network, by systemd-networkd" is_there 10.0.2.15
machine_kill again
pass "its network is up, by systemd-networkd"
