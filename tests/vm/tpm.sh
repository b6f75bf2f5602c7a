#!/usr/bin/env bash
# A device whose key is in the machine's TPM 2.0 (swtpm): a machine without one is refused before anything is written; with it the installed
# system opens /home by itself, and asks for the passphrase where the disk is in a machine with another TPM, until that is repaired. `make soak-matrix` runs it.
export BOARD=pc-x86_64 # the cloud kernel has no driver of a TPM
. "$(dirname "$0")/lib.sh"
BASE=$TOP/out/matrix/bases/matrix.tar.zst
[ -e "$BASE" ] || fail "no base system '$BASE': make ${BASE#"$TOP/"}"
DISK=$T/disk.img
export MEMORY=512

# tpm NAME: one of this name, with what it was left with; TPM are the arguments of its machine
tpm() {
	mkdir -p "$T/$1"
	rm -f "$T/$1/socket"
	swtpm socket --tpm2 --tpmstate "dir=$T/$1" --ctrl "type=unixio,path=$T/$1/socket" --terminate >"$T/$1/log" 2>&1 &
	SERVERS+=($!)
	wait_until 30 "the socket of swtpm" test -S "$T/$1/socket"
	TPM=(-chardev "socket,id=tpm,path=$T/$1/socket" -tpmdev "emulator,id=tpm0,chardev=tpm" -device "tpm-tis,tpmdev=tpm0")
}

# boots TPM PATTERN: the disk, in a machine with this TPM
boots() {
	tpm "$1"
	machine_run "boot-$1" -cpu Nehalem -m 512 -device VGA -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		-nic none -drive "if=none,id=d0,file=$DISK,format=raw,cache=unsafe,snapshot=on" -device virtio-blk-pci,drive=d0 "${TPM[@]}"
	machine_wait "boot-$1" "$2" 1200
}

site_new
site_add <<'END_OF_SITE'
define base{
	name            matrix
	packages        cryptsetup
}
define installer{
	name            tpm
	modules         init, partition, mount, extrbase, configure, finalize
	on_failure      poweroff
	at_end          poweroff
}
define disk_layout{
	name            tpm
	disk            a disk1
	partition       / 1G-3G ext4
	partition       - 200M- member
	luks            secret a.2 key=tpm2
	filesystem      /home secret ext4
}
END_OF_SITE
host n1 "base matrix" "installer tpm" "disk_layout tpm" "luks_key correct-horse-battery" "kernel_args console=ttyS0"
"$TOP/tests/vm/base-small.py" "$BASE" "$T/small.tar.zst" modules
site_setup
base_add matrix "$T/small.tar.zst"
site_serve

disk_new "$DISK" 4G
arm n1
machine_start n1 "$DISK"
fails_with n1 partition "luks 'secret' has key=tpm2, and this machine has no TPM 2.0 that the kernel knows; nothing was written" 600
[ "$(tr -d '\0' <"$DISK" | head -c 1 | wc -c)" = 0 ] || fail "something was written to the disk"
pass "a machine without a TPM is refused, and nothing is written"

tpm own
arm n1
machine_start n1 "$DISK" "${TPM[@]}"
serve_wait 'n1 +.* INSTALLED' 1800
machine_end n1 300
! grep -aq correct-horse-battery "$DISK" || fail "the passphrase lies on the disk"

boots own 'n1 login:'
! serial_has boot-own 'enter passphrase' || fail "it asked for a passphrase"
machine_kill boot-own
pass "the machine's own TPM opens the device when it boots"

boots other 'enter passphrase for disk.*secret'
! serial_has boot-other 'n1 login:' || fail "the device is open without key"
machine_kill boot-other
pass "with another TPM it asks for the passphrase"

tpm other
"$LUCIE" repair --state "$T/state" n1 >/dev/null
machine_start n1 "$DISK" "${TPM[@]}"
machine_end n1 1200
boots other 'n1 login:'
! serial_has boot-other 'enter passphrase' || fail "it asked for a passphrase"
machine_kill boot-other
boots own 'enter passphrase for disk.*secret'
machine_kill boot-own
pass "a repair gives a new TPM its key, and takes that of the earlier one"
