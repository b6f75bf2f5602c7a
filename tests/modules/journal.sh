#!/usr/bin/env bash
# The power goes in the middle of an installation: what stands on the disk is not done again, and nothing else is taken for it. A plan that names the
# installation that was cut off goes on; any doubt means the beginning.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # INSTALL is read by plan_new
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/base/etc" "$T/base/sbin"
echo base >"$T/base/etc/name"
tar -C "$T/base" --zstd -cf "$T/base.tar.zst" .
BLOB=$("$TOP/out/asan/make-blob" "$T/base.tar.zst")

# order INSTALL [HEAD LINE...]: the plan of a boot, which finds nothing mounted.
order() {
	local install=$1
	shift
	INSTALL=$install plan_new "$@"
	section extrbase "base test" "blob $BLOB" "format tar.zst" "source file:$T/base.tar.zst"
	section configure "hostname cnode00" "identity $RANDOM"
}
# The loop device stays the same, as the plan names it.
reboot() {
	umount -R "$TARGET" 2>/dev/null || true
	for p in "$DISK"p*; do
		swapoff "$p" 2>/dev/null || true
		delpart "$DISK" "${p##*p}"
	done
	blockdev --flushbufs "$DISK"
	kernel_knows
}
uuid() { blkid -p -o value -s UUID "${DISK}p2"; }

# goes_on WHAT / begins WHAT: what partition does with the plan of this boot.
goes_on() {
	reboot
	order "$@"
	run partition
	has "$T/out" "stands"
	same "$(uuid)" "$made" "the file system"
}
begins() { # WHY INSTALL HEAD-LINE...
	local why=$1
	shift
	reboot
	order "$@"
	run partition
	! grep -q '^stands' "$T/out" || fail "$why: it went on"
	[ "$(uuid)" != "$made" ] || fail "$why: the file system is the old one"
	grep -qE -- "$why" "$T/out" || { cat "$T/out"; fail "the log does not say '$why'"; }
	pass "from the beginning: ${*:2}: $why"
}
# installed_until INSTALL MODULE...: a first boot that got as far.
installed_until() {
	disk_new 640M
	order "$1"
	shift
	for module; do run "$module"; done
	made=$(uuid)
}

installed_until i-1 partition mount extrbase
echo changed >"$TARGET/etc/name"
goes_on i-2 "resume i-1" "wipe yes"
run mount
run extrbase
has "$T/out" "stands"
same "$(cat "$TARGET/etc/name")" changed "a file of the base, which was not unpacked again"
goes_on i-3 "resume i-2"
pass "after a power cut the base system stands; and after a second one"

begins "ext4 for" i-4 "time 5" # a new order: no word of an earlier one
begins "no base system was complete" i-5 "resume i-4"
installed_until i-1 partition mount
begins "no base system was complete" i-2 "resume i-1"
installed_until i-1 partition mount extrbase
begins "not the one that it was writing" i-2 "resume i-0"
installed_until i-1 partition mount extrbase
begins "wants something else" i-2 "resume i-1" "at_end shell"
# no kernel: finalize fails after it has begun
installed_until i-1 partition mount extrbase
refuses finalize .
begins "cannot be trusted" i-2 "resume i-1"
# the stamp says so, the file system is gone
installed_until i-1 partition mount extrbase
umount -R "$TARGET"
dd if=/dev/zero of="${DISK}p2" bs=4096 count=1 status=none
begins "holds UUID" i-2 "resume i-1"
# a repair, or anything that does not partition, knows no journal
installed_until i-1 partition mount extrbase
echo changed >"$TARGET/etc/name"
MODULES="init mount extrbase" order i-1
run extrbase
same "$(cat "$TARGET/etc/name")" base "a file of the base, unpacked again"
pass "without partition there is no journal"

# unless finalize ends it again: until then the installation is not finished
opened() { dd if="$1" bs=1K skip=512 count=32 status=none | tr -d '\0' | grep -qxa "open finalize"; }
MODULES="init mount extrbase finalize" order i-1
sync "$DISK"
! opened "$T/disk" || fail "finalize is open before"
run extrbase
sync "$DISK"
opened "$T/disk" || fail "the stamp does not say that the base system was replaced"
umount -R "$TARGET"
MODULES="init mount" order i-1
refuses mount "was never finished"
pass "a base system without partition: $LAST"

# every disk of the layout says that finalize was begun
truncate -s 300M "$T/second"
SECOND=$(losetup --find --show "$T/second")
disk_new 640M
LAYOUT="$LAYOUT
disk data $SECOND
partition /home 64M- ext4"
order i-1
for module in partition mount extrbase; do run "$module"; done
refuses finalize .
sync "$DISK" "$SECOND"
opened "$T/disk" && opened "$T/second" || fail "finalize is not open on both disks"
umount -R "$TARGET"
delpart "$SECOND" 1
losetup -d "$SECOND"
pass "finalize is open on both disks"

# somebody made a partition by hand after an installation that did not end
installed_until i-1 partition mount extrbase
umount -R "$TARGET"
reboot
sfdisk -q --delete --no-reread "$DISK" 3 2>/dev/null
echo ',8M' | sfdisk -q --append --no-reread --wipe never "$DISK" 2>/dev/null
order i-2
untouched partition "our stamp, but another partition table" "a partition that was made by hand"

# the power goes again, at every write of taking over
installed_until i-1 partition mount extrbase
umount -R "$TARGET"
sync "$DISK"
cp --sparse=always "$T/disk" "$T/before"
for torn in "" torn; do
	for n in $(seq 20); do
		cp --sparse=always "$T/before" "$T/disk"
		reboot
		order i-2 "resume i-1"
		status=0
		CUT=$n CUT_TORN=$torn LD_PRELOAD=$TOP/out/asan/cut.so try partition || status=$?
		[ "$status" = 77 ] || break
		reboot
		order i-3 "resume i-2"
		run partition
	done
	same "$status" 0 "the run without a cut"
	[ "$n" -gt 2 ] || fail "only $n writes were seen"
done
pass "cut at each write of taking over"
