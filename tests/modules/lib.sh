# Vocabulary for tests of single modules: a disk that is a file behind a loop device, a plan for it, modules that run on it.
# shellcheck shell=bash
# shellcheck disable=SC2120 # plan_new has optional arguments
#
#	disk_new 1G; plan_new; run partition; refuses partition 'holds ext4'; blank_disk
#
# Everything happens in a mount namespace and a folder of its own. A plan that means anything but a loop device is refused by run-module.

set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "tests/modules need root, for loop devices and mounts" >&2; exit 1; }
# Its own number, which unshare keeps: what lingers in somebody's environment must not let this mount on the machine itself.
[ "${LUCIE_INSIDE:-}" = $$ ] || LUCIE_INSIDE=$$ exec unshare --mount --propagation private "$0" "$@"

T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-modules.XXXXXX")
mount -t tmpfs tmpfs "$T" # each write of a module is synced
TARGET=$T/target
DISK=
LAST=
mkdir "$TARGET"
export ASAN_OPTIONS=verify_asan_link_order=0

disk_drop() {
	[ -n "$DISK" ] || return 0
	umount -R "$TARGET" 2>/dev/null || true
	umount "$T/busy" 2>/dev/null || true
	for p in "$DISK"p*; do
		[ -b "$p" ] || continue
		swapoff "$p" 2>/dev/null || true
		delpart "$DISK" "${p##*p}" 2>/dev/null || true
	done
	blockdev --setrw "$DISK" # the device outlives this disk
	losetup -d "$DISK"
	DISK=
}

SERVER= # a process of a test, ended with it
cleanup() {
	local status=$?
	[ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
	disk_drop || true
	[ $status = 0 ] || { echo "FAILED"; [ -s "$T/out" ] && tail -n 20 "$T/out"; }
	umount -l "$T"
	rmdir "$T"
	exit $status
}
trap cleanup EXIT

. "$TOP/tests/lib.sh"

# disk_new SIZE: a new blank disk, as $DISK; its bytes are $T/disk.
disk_new() {
	disk_drop
	rm -f "$T/disk"
	truncate -s "$1" "$T/disk"
	disk_attach
}

# disk_attach: the disk as after a boot: no partition known, nothing mounted, no swap.
disk_attach() {
	disk_drop
	DISK=$(losetup --find --show "$T/disk")
	LAYOUT="disk sys $DISK table=${TABLE:-gpt}
partition swap 64M swap label=swap
partition / 256M- ext4 label=root
partition /srv/data 20% ext4 mount=noatime,nodev"
}

# kernel_knows: the partitions of the table, which the kernel of a machine would have read at boot.
kernel_knows() {
	local number start size
	while read -r number start size; do
		addpart "$DISK" "$number" "$start" "$size"
	done < <(sfdisk -d "$DISK" 2>/dev/null | sed -nE '/type=(5|f)$/d; s/.*p([0-9]+) : start= *([0-9]+), size= *([0-9]+).*/\1 \2 \3/p')
}

# plan_new [HEAD LINE...]: $T/plan with a head and the layout; sections are appended by the caller.
plan_new() {
	{
		printf '%s\n' "lucie-plan 1" "site 0123456789abcdef" "node cnode00" "install ${INSTALL:-cnode00-1}" "time 1700000000" \
			"token $(printf '00%.0s' {1..32})" "modules ${MODULES:-init partition mount extrbase install configure finalize}"
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '%s\n' "" "[layout]" "$LAYOUT"
	} >"$T/plan"
}

# section NAME LINE...: appended to the plan.
section() {
	{
		printf '\n[%s]\n' "$1"
		shift
		printf '%s\n' "$@"
	} >>"$T/plan"
}

# RUN_MODULE: another build of run-module, as one for the node.
try() { "${RUN_MODULE:-$TOP/out/asan/run-module}" "$1" "$T/plan" "$TARGET" >"$T/out" 2>&1; }

# run MODULE: it has to succeed.
run() { try "$1" || { cat "$T/out" >&2; fail "module $1"; }; }

# refuses MODULE PATTERN: it has to fail, and its reason has to say why.
refuses() {
	! try "$1" || fail "$1 was expected to fail with '$2'"
	LAST=$(sed -n 's/^reason: //p' "$T/out")
	grep -qE "$2" <<<"$LAST" || fail "$1 failed with '$LAST', expected '$2'"
}

hash_disk() { sha256sum <"$T/disk"; }

# untouched MODULE PATTERN WHAT: refused, and not one byte of the disk is another than before.
untouched() {
	local before p
	# The partition module swaps to what it made: a kernel that is short of memory writes there, whatever we refuse.
	for p in "$DISK"p*; do swapoff "$p" 2>/dev/null || true; done
	sync "$DISK"
	before=$(hash_disk)
	refuses "$1" "$2"
	sync "$DISK"
	[ "$before" = "$(hash_disk)" ] || fail "$3: the disk was written to"
	pass "$3: $LAST"
}

same() { [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"; }
has() { grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "'$2' is not in $1"; }; }

# cuts NAME EVERY [torn]: partition with a power cut at each of its first 60 writes, which are those of stamps and tables, and at every EVERY-th
# after them. The next boot has to be allowed to finish the job.
cuts() { # NAME EVERY TORN
	local n=1 status
	cp --sparse=always "$T/disk" "$T/before"
	while :; do
		disk_drop
		cp --sparse=always "$T/before" "$T/disk"
		disk_attach
		plan_new
		kernel_knows
		status=0
		CUT=$n CUT_TORN=${3:-} LD_PRELOAD=$TOP/out/asan/cut.so try partition || status=$?
		[ $status = 77 ] || break
		disk_attach
		plan_new
		kernel_knows
		try partition || { cat "$T/out" >&2; fail "$1: cut at write $n ${3:-}"; }
		n=$((n + (n < 60 ? 1 : $2)))
	done
	same "$status" 0 "$1: the run without a cut"
	[ $n -gt 60 ] || fail "$1: only $n writes were seen"
	pass "$1: cuts at up to $n writes"
}
