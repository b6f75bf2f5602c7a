#!/usr/bin/env bash
# What a layout preserves comes through unharmed: bit for bit, with its number, place, GUIDs and flags, through changes of everything around it
# and through a power cut at each write. What cannot be proven is refused before the first write.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"

# table NUMBER: how the table describes a partition, without the names of the loop device
entry() { sfdisk -d "$DISK" | sed -n "s|^${DISK}p$1 : ||p"; }
content() { dd if="$T/disk" bs=1M iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none | sha256sum; }
place() { sfdisk -d "$DISK" | sed -nE "s|^${DISK}p$1 : start= *([0-9]+), size= *([0-9]+).*|\1 \2|p"; }

flush() { for p in "$DISK"p* "$DISK"; do [ ! -b "$p" ] || blockdev --flushbufs "$p"; done; }

# remember NUMBER: what check_kept compares
remember() {
	local start size
	read -r start size < <(place "$1")
	KEPT=$1 KEPT_START=$((start * 512)) KEPT_BYTES=$((size * 512))
	KEPT_ENTRY=$(entry "$1")
	flush
	KEPT_HASH=$(content $KEPT_START $KEPT_BYTES)
}

check_kept() {
	flush
	same "$(entry "$KEPT")" "$KEPT_ENTRY" "$1: the entry of partition $KEPT"
	same "$(content "$KEPT_START" "$KEPT_BYTES")" "$KEPT_HASH" "$1: the content of partition $KEPT"
	sfdisk --verify "$DISK" >"$T/verify" 2>&1 || { cat "$T/verify"; fail "$1: sfdisk finds faults"; }
}

# layout TEXT: the disk and its lines, and a plan for them
layout() {
	LAYOUT="disk sys $DISK table=$TABLE
$1"
	plan_new
}

# filled: the partition of label home gets content of its own, between the layout's other ones
filled() {
	disk_new 640M
	layout 'partition swap 32M swap
partition / 128M ext4 label=root
partition /home 96M ext4 label=home
partition /srv 64M ext4'
	run partition
	mkdir -p "$T/fill"
	mount "${DISK}p3" "$T/fill"
	head -c 20M /dev/urandom >"$T/fill/data"
	umount "$T/fill"
	sfdisk -q --no-reread --part-attrs "$DISK" 3 LegacyBIOSBootable,GUID:63 2>/dev/null || sfdisk -q --no-reread -A "$DISK" 3 2>/dev/null
	disk_attach
	remember 3
}

mkdir -p "$T/base/etc" "$T/base/home"
tar -C "$T/base" --zstd -cf "$T/base.tar.zst" .
BLOB=$("$TOP/out/asan/make-blob" "$T/base.tar.zst")
for TABLE in gpt msdos; do
	filled
	layout 'partition / 160M ext4 label=root
partition /home - ext4 label=home preserve
partition swap 48M swap
partition /var 100M- ext4'
	kernel_knows
	run partition
	check_kept "around it, $TABLE"
	run mount
	[ ! -e "$TARGET/home/data" ] || fail "what is preserved is mounted"
	for p in "$DISK"p1 "$DISK"p4; do # what is new has the numbers that are free
		[ -b "$p" ] || fail "no '$p'"
	done
	same "$(blkid -p -o value -s LABEL "${DISK}p1")" root "the new root"
	section extrbase "base test" "blob $BLOB" "format tar.zst" "source file:$T/base.tar.zst"
	run extrbase
	[ -d "$TARGET/home" ] && [ -e "$TARGET/etc" ] || fail "the mount point, or the base, is not there"
	umount -R "$TARGET"
	check_kept "with a base system beside it, $TABLE"
	layout "${LAYOUT#*"$TABLE"?}"
	run partition
	check_kept "once more, $TABLE"
	pass "by its label, everything around it is another, $TABLE"

	layout 'partition - 100M- raw
partition /home - ext4 preserve=3'
	disk_attach
	layout 'partition - 100M- raw
partition /home - ext4 preserve=3'
	run partition
	check_kept "by its number, $TABLE"
	same "$(entry 4)" "" "what no line names"
	pass "by its number, $TABLE"

	disk_attach
	layout 'partition - 100M- raw
partition /home - ext4 preserve=fs
partition / 64M- ext4'
	run partition
	check_kept "by its file system, $TABLE"
	disk_attach
	layout 'partition - 100M- raw
partition /home - ext4 label=fresh reuse=3
partition / 64M- ext4'
	run partition
	same "$(entry 3)" "$KEPT_ENTRY" "a reused partition's entry"
	same "$(blkid -p -o value -s LABEL "${DISK}p3")" fresh "a reused partition's label"
	pass "by its file system; reused, $TABLE"
done

# what is not as the layout says
TABLE=gpt
filled
kernel_knows
refused() { # LAYOUT PATTERN WHAT
	layout "$1"
	untouched partition "$2.*nothing was written" "$3"
}
refused 'partition /home - ext4 label=house preserve' "partition 'house' of line .* is not there" "no such label"
refused 'partition /home - vfat preserve=3
partition / 64M- ext4' "partition 3 holds ext4" "another file system"
refused 'partition / 64M ext4
partition /x - ext4 preserve=3
partition /home - ext4 label=home preserve' "which another line keeps" "kept twice"
refused 'partition / 400M ext4
partition /home - ext4 label=home preserve' "before the kept one of /home need" "no room before it"
refused 'partition /home - ext4 label=home preserve
partition /x - ext4 preserve=2' "expected the lines in the order of the disk" "lines in another order"
TABLE=msdos refused 'partition /home - ext4 label=home preserve' "there is no msdos table on it" "another kind of table"
disk_new 640M
refused 'partition /home - ext4 label=home preserve' "is not there: the disk is blank" "a blank disk, as found"
layout 'partition / 100M ext4
partition /home 64M ext4 label=home preserve'
run partition
same "$(blkid -p -o value -s LABEL "${DISK}p2")" home "label"
pass "a blank disk, with a size: it is made"

# a base system without partition: what is preserved was new to the stamp
plan_again() { # MODULES
	MODULES=$1 plan_new
	section extrbase "base test" "blob $BLOB" "format tar.zst" "source file:$T/base.tar.zst"
}
plan_again "init partition mount extrbase"
run mount
[ -d "$TARGET/home/lost+found" ] || fail "what is new is not mounted"
echo mine >"$TARGET/home/data"
umount -R "$TARGET"
plan_again "init mount extrbase"
remember 2
run mount
run extrbase
umount -R "$TARGET"
check_kept "a base system without partition"
pass "a base system without partition leaves what is preserved as it is"

# a foreign disk is taken if all that it holds is named
foreign() {
	disk_new 640M
	printf 'label: gpt\nstart=1MiB, size=100MiB\nsize=200MiB, name="theirs"\n' | sfdisk -q --no-reread "$DISK" 2>/dev/null
	kernel_knows
	mke2fs -q -F -L data "${DISK}p2"
}
foreign
remember 2
layout 'partition / 64M- ext4
partition /data - ext2 label=data preserve'
sed -i 's/ext2/ext4/' "$T/plan"
untouched partition "holds ext2" "ext2 is not ext4"
foreign
mke2fs -q -F -t ext4 -L data "${DISK}p2"
remember 2
layout 'partition / 64M- ext4
partition /data - ext4 label=data preserve'
run partition
check_kept "a foreign disk"
pass "a foreign disk, all of it named or blank"
foreign
mke2fs -q -F -t ext4 -L data "${DISK}p2"
mkswap -q "${DISK}p1"
layout 'partition / 64M- ext4
partition /data - ext4 label=data preserve'
untouched partition "partition 1, which the layout does not name: swap" "a foreign disk with something else"
foreign
mke2fs -q -F -t ext4 -L data "${DISK}p2"
printf x | dd of="$DISK" bs=1 seek=$((70 << 20)) conv=notrunc status=none
layout 'partition / 64M- ext4
partition /data - ext4 label=data preserve'
untouched partition "partition 1, which the layout does not name: data of no known kind at byte 73400320" "a foreign disk with data of no known kind"

# logical partitions
TABLE=msdos
disk_new 640M
layout 'partition / 64M ext4
partition /b 64M ext4
partition /c 64M ext4
partition /home 64M ext4 label=home
partition /e 64M- ext4 label=e'
run partition
same "$(sfdisk -d "$DISK" | grep -c 'type=f\|type=5')" 1 "one extended partition"
disk_attach
remember 5
kernel_knows
layout 'partition / 100M- ext4
partition /home - ext4 label=home logical preserve
partition /e - ext4 label=e logical preserve'
run partition
check_kept "logical"
same "$(place 1)" "2048 $(((KEPT_START / 512 - 2048) / 2048 * 2048 - 2048))" "the primary one takes the room up to the extended one"
pass "logical partitions"
disk_attach
layout 'partition / 100M- ext4
partition /home - ext4 label=home logical preserve'
untouched partition "all or none" "one of two logical partitions"

# a power cut at each write of a change around it
TABLE=gpt
filled
change='partition / 140M ext4 label=root
partition /home - ext4 label=home preserve
partition swap 48M swap'
cp --sparse=always "$T/disk" "$T/before"
n=1
while :; do
	disk_drop
	cp --sparse=always "$T/before" "$T/disk"
	disk_attach
	layout "$change"
	kernel_knows
	status=0
	CUT=$n LD_PRELOAD=$TOP/out/asan/cut.so try partition || status=$?
	[ $status = 77 ] || break
	disk_attach
	layout "$change"
	kernel_knows
	try partition || { cat "$T/out" >&2; fail "cut at write $n"; }
	check_kept "cut at write $n"
	n=$((n + (n < 24 ? 1 : 97)))
done
same "$status" 0 "the run without a cut"
[ $n -gt 24 ] || fail "only $n writes were seen"
check_kept "without a cut"
pass "a power cut at up to $n writes"
