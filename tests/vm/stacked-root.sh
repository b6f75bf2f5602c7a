#!/usr/bin/env bash
# A root on LVM, on LUKS, and on LVM on LUKS: installed by `lucie try`, then the disk has to bring the machine up to its login prompt. Where the
# root is encrypted its passphrase is typed at the console, a wrong one first. A system without what opens the root is not left behind as
# installed. `make soak-matrix` runs it.
#
#	tests/vm/stacked-root.sh [FIRMWARE-HOST...]	bios|uefi - a host of stacked-root.conf, or `refused`; default: all
. "$(dirname "$0")/lib.sh"
BASE=$TOP/out/matrix/bases/stacked.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make ${BASE#"$TOP/"}"
CONF=$TOP/tests/vm/stacked-root.conf
PASSPHRASE=$(sed -n 's/^[[:blank:]]*luks_key *//p' "$CONF")
DISK=$T/disk.img

"$TOP/tests/vm/base-small.py" "$BASE" "$T/small.tar.zst" modules
"$LUCIE" base add stacked "$T/small.tar.zst" --state "$T/state" >/dev/null

# install HOST [OPTION-OF-TRY...]: onto a new disk; what it says is in $T/try
install() {
	rm -f "$DISK"
	TMPDIR=$T timeout -k 10 2400 "$LUCIE" try "$@" --conf "$CONF" --state "$T/state" --images "$IMAGES" --disk "$DISK" >"$T/try" 2>&1
}

# answer NAME TEXT PATTERN: to the question for the passphrase, until the console shows that it was heard: what is typed before the machine listens
# is thrown away.
answer() {
	for _ in $(seq 60); do
		printf '%s\n' "$2" >"$T/$1.console.in"
		for _ in $(seq 20); do
			! serial_has "$1" "$3" || return 0
			sleep 1
		done
	done
	tail -n 30 "$T/$1.serial"
	fail "$1: no '$3' after the passphrase"
}

# boots CELL HOST FIRMWARE: the encrypted disk; UEFI has no variable yet.
boots() {
	local name=$1 pflash=()
	if [ "$3" = uefi ]; then
		cp /usr/share/OVMF/OVMF_VARS_4M.fd "$T/vars"
		pflash=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd" -drive "if=pflash,format=raw,unit=1,file=$T/vars")
	fi
	mkfifo "$T/$name.console.in" "$T/$name.console.out"
	cat "$T/$name.console.out" >/dev/null &
	SERIAL=chardev:console machine_run "$name" -chardev "pipe,id=console,path=$T/$name.console,logfile=$T/$name.serial" -cpu Nehalem -m 512 -device VGA \
		-object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng -nic none \
		-drive "if=none,id=d0,file=$DISK,format=raw,cache=unsafe" -device virtio-blk-pci,drive=d0 "${pflash[@]}"
	machine_wait "$name" 'Please unlock disk secret' 900
	answer "$name" "not-$PASSPHRASE" 'cryptsetup failed, bad password'
	answer "$name" "$PASSPHRASE" "set up successfully"
	machine_wait "$name" "$2 login:" 900
	machine_kill "$name"
}

# once CELL: the node made its initramfs no more often than it had to
once() {
	local made
	made=$(grep -c 'generating the initramfs' "$T/try" || true)
	[ "$made" = "$2" ] || fail "$1: the initramfs was made $made times, expected $2"
}

# cell FIRMWARE-HOST
cell() {
	local firmware=${1%%-*} host=${1#*-} options=()
	[ "$firmware" = bios ] || options=(--uefi)
	[ "$host" = lvm ] && options+=(--boot)
	install "$host" --verbose "${options[@]}" || { tail -n 60 "$T/try"; fail "$1: lucie try"; }
	if [ "$host" = lvm ]; then
		once "$1" 0
		grep -q '^lvm login:' "$T/try" || fail "$1: no login prompt"
	else
		once "$1" 1
		boots "$1" "$host" "$firmware"
	fi
	pass "$1: up from its disk"
}

# refused: a base without cryptsetup-initramfs when the node is armed; a system that has lost it, on the node
refused() {
	mkdir -p "$T/site/modules"
	sed '/modules/s/extrbase/extrbase, forget/' "$CONF" >"$T/site/cluster.conf"
	cat >"$T/site/modules/forget.sh" <<-'EOF'
		#!/bin/sh
		# module: forget
		# summary: removes what would open the root
		# after: extrbase
		# needs: mount
		. /lib/lucie/module.sh
		rm "$LUCIE_TARGET/usr/share/initramfs-tools/hooks/cryptroot"
	EOF
	! CONF=$T/site/cluster.conf install luks || fail "a root that nothing can open counts as installed"
	grep -q "configure: the root lies on the encrypted 'secret', which the installed system cannot open: it has no cryptsetup-initramfs" "$T/try" ||
		{ tail -n 30 "$T/try"; fail "refused: for another reason"; }
	zstd -dc "$T/small.tar.zst" | tar --warning=no-unknown-keyword --delete ./usr/share/initramfs-tools/hooks/cryptroot | zstd -q -1 >"$T/without.tar.zst"
	"$LUCIE" base add stacked "$T/without.tar.zst" --state "$T/state" >/dev/null
	! install luks || fail "a base that cannot open its root is installed"
	grep -q "needs cryptsetup-initramfs in the installed system, and base 'stacked' has no 'share/initramfs-tools/hooks/cryptroot'" "$T/try" ||
		{ tail -n 30 "$T/try"; fail "refused: for another reason"; }
	pass "what cannot open its root is refused, before and on the node"
}

[ $# -gt 0 ] || set -- {bios,uefi}-{lvm,luks,lvm-on-luks} refused
for c; do
	if [ "$c" = refused ]; then refused; else cell "$c"; fi
done
