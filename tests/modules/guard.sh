#!/usr/bin/env bash
# What partition writes over and what it does not, and what it leaves behind.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"

for TABLE in gpt msdos; do
	disk_new 480M
	plan_new
	run partition
	sfdisk --verify "$DISK" >/dev/null 2>&1 || fail "sfdisk finds faults in the $TABLE table"
	for p in "$DISK"p2 "$DISK"p3; do
		e2fsck -fn "$p" >"$T/fsck" 2>&1 || { cat "$T/fsck"; fail "e2fsck of $p"; }
	done
	grep -q "^${DISK}p1 " /proc/swaps || fail "the swap is not on"
	same "$(blkid -p -o value -s LABEL "${DISK}p2")" root "label"
	pass "a blank disk, $TABLE"
	run partition
	run mount
	run mount
	run partition
	mountpoint -q "$TARGET" && fail "partition left the target mounted"
	pass "our own disk again, mounted and swapping, $TABLE"
done

# an older disk of this node, which took the place of the one that was partitioned
sed -i 's/^install .*/install cnode00-2/' "$T/plan"
refuses mount "stamp of installation 'cnode00-1', not of this one"
pass "another installation's disk: $LAST"

# our stamp, but the table is not the one it speaks of
TABLE=gpt
disk_new 480M
plan_new
run partition
disk_attach
plan_new
echo ',,L' | sfdisk -q --append --no-reread "$DISK" 2>/dev/null || true
sfdisk -q --delete "$DISK" 3 --no-reread 2>/dev/null
printf 'label: gpt\n,100M\n' | sfdisk -q --no-reread --wipe never "$DISK" 2>/dev/null
untouched partition 'our stamp, but another partition table' "another table over ours"

# foreign data of every kind
foreign() { # WHAT PATTERN COMMAND...
	local what=$1 pattern=$2
	shift 2
	disk_new 480M
	plan_new
	"$@"
	untouched partition "'$DISK' holds $pattern.*nothing was written" "$what"
}
stray() { printf x | dd of="$DISK" bs=1 seek="$1" conv=notrunc status=none; }
table_only() { printf 'label: %s\n,100M\n' "$1" | sfdisk -q --no-reread "$DISK" 2>/dev/null; }
other_site() {
	sed -i 's/^site .*/site fedcba9876543210/' "$T/plan"
	run partition
	disk_attach
	plan_new
}
swap_area() { mkswap -q "$DISK"; } # a function: disk_new takes another device than the last one, if a second test runs
whole_ext4() { mke2fs -q -F -t ext4 -L home "$DISK"; }
ext4_over_ours() {
	run partition
	disk_attach
	plan_new
	whole_ext4
}
foreign "a file system on the whole disk" "ext4 labelled 'home'" whole_ext4
foreign "a file system over an installation" ".*ext4 labelled 'home'" ext4_over_ours
foreign "a swap area" "swap" swap_area
foreign "an empty GPT" "gpt partition table" table_only gpt
foreign "an MSDOS table" "dos partition table" table_only dos
foreign "a stray byte in the first MiB" "data of no known kind at byte 4242" stray 4242
foreign "a stray byte in the last MiB" "data of no known kind at byte 503315000" stray 503315000
foreign "another site's installation" "the stamp of another site" other_site

# one of two disks is foreign: neither is written
disk_new 480M
truncate -s 480M "$T/second"
SECOND=$(losetup --find --show "$T/second")
mke2fs -q -F "$SECOND"
LAYOUT="$LAYOUT
disk second $SECOND
partition /scratch 100M- ext4"
plan_new
untouched partition "'$SECOND' holds ext" "a foreign second disk"
losetup -d "$SECOND"
# two of our own that changed places, where the layout keeps something
rm "$T/second"
truncate -s 480M "$T/second"
SECOND=$(losetup --find --show "$T/second")
disk_new 480M
two() { # SYS DATA OPTION...
	LAYOUT="disk sys $1
partition / 100M- ext4
disk data $2
partition /home 100M- ext4 ${*:3}"
	plan_new
}
two "$DISK" "$SECOND" preserve
run partition
run partition
two "$SECOND" "$DISK" preserve
untouched partition "'$SECOND' holds the stamp of disk 'data' of this layout.*'$DISK' holds the stamp of disk 'sys' of this layout" "swapped disks"
plan_new "wipe yes"
run partition
two "$DISK" "$SECOND"
run partition
pass "swapped disks, with an armed wipe; and where nothing is kept"
LAYOUT="disk sys $DISK
partition / 100M- ext4
disk again $DISK
partition /scratch 100M- ext4"
plan_new
untouched partition "which an earlier line means too" "one disk named twice"
delpart "$SECOND" 1
losetup -d "$SECOND"

disk_new 480M
plan_new "wipe yes"
whole_ext4
run partition
has "$T/out" "it is wiped, as the plan says"
pass "an armed wipe"

mkdir "$T/busy"
mount -o ro,noload "${DISK}p3" "$T/busy"
plan_new
untouched partition "cannot open disk '$DISK' for us alone" "a disk that somebody uses"
umount "$T/busy"

blockdev --setro "$DISK"
untouched partition "cannot write to disk '$DISK': Read-only file system" "a write-protected disk"

disk_new 200M
plan_new
untouched partition "need 3[0-9.]+ MiB, there is room for 198.0 MiB" "a disk that is too small"

disk_new 480M
LAYOUT="disk sys ${DISK}x
partition / 1G- ext4"
plan_new
! try partition || fail "a disk that is not there"
pass "a disk that is not there"
