#!/usr/bin/env bash
# The definition of the paper's Figure 3, as it is printed: lucie-setup makes a tree of it from which cnode00 boots by PXE (the ROM's DHCP and
# TFTP are QEMU's, lpxelinux and all behind it are the tree's) and is installed. In a network and mount namespace, for the names of its servers.
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net --mount)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net --mount)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0"
fi
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

BASE=$TOP/out/demo/bases/demo.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make demo-base"
ip link set lo up
printf '127.0.0.1 localhost\n192.168.10.250 lucie1.is.titech.ac.jp\n' >"$T/hosts"
mount --bind "$T/hosts" /etc/hosts

ln -s "$LUCIE" "$T/lucie-setup"
"$T/lucie-setup" --conf "$TOP/docs/examples/figure-3.conf" --state "$T/state" --images "$IMAGES" >"$T/setup.log" 2>&1 ||
	{ cat "$T/setup.log"; fail "lucie-setup of Figure 3"; }
base_add default "$BASE"
# shellcheck disable=SC2034 # lib.sh reads it
PORT=8077
site_serve
arm cnode00

disk_new "$T/cnode00.img" 8G
machine_run cnode00 -cpu max -m 512 -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng -boot order=n,reboot-timeout=1000 \
	-netdev "user,id=n0,net=192.168.10.0/24,host=192.168.10.250,dhcpstart=192.168.10.1,tftp=$T/state/tftp,bootfile=lpxelinux.0" \
	-device virtio-net-pci,netdev=n0,mac=00:50:56:40:40:b6 -drive "if=none,id=d0,file=$T/cnode00.img,format=raw,cache=unsafe" \
	-device virtio-blk-pci,drive=d0,serial=cnode00-disk
serve_wait "cnode00 +- +plan 'full'" 120
pass "Figure 3: cnode00 boots from the tree and gets its plan"
machine_end cnode00 900
serve_wait 'cnode00 +.* INSTALLED' 10
sfdisk --verify "$T/cnode00.img" >/dev/null || fail "sfdisk --verify"
pass "Figure 3: cnode00 is installed"
