#!/usr/bin/env bash
# Foreign content of every kind that this machine's tools can make, each on a disk of its own: partition refuses, says what it found, and has
# not changed one byte. Allowed to wipe, it lays out the disk, and no signature is left on it but those of the layout.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
export LVM_SYSTEM_DIR=$T
MIB=1048576
count=0

signatures() { wipefs --no-act --noheadings --output TYPE "$1" | sort -u | tr '\n' ' '; }

# kind WHAT PATTERN COMMAND...: puts it onto the disk, of SIZE (64M); @ in the command is the device.
kind() {
	local what=$1 pattern=$2
	shift 2
	disk_new "${SIZE:-64M}"
	LAYOUT="disk sys $DISK
partition swap 8M swap
partition / 16M- ext4
partition - 8M raw label=data"
	plan_new
	"${@//@/$DISK}" >"$T/made" 2>&1 || { cat "$T/made"; fail "$what cannot be made"; }
	untouched partition "'$DISK' holds $pattern.*nothing was written" "$what"
	plan_new "wipe yes"
	run partition
	same "$(signatures "$DISK")" "PMBR gpt " "$what, wiped: the disk"
	same "$(signatures "${DISK}p1")$(signatures "${DISK}p2")$(signatures "${DISK}p3")" "swap ext4 " "$what, wiped: the partitions"
	count=$((count + 1))
}

put() { # OFFSET BYTES [OFFSET BYTES]...: an offset below 0 counts from the end
	while [ $# -gt 0 ]; do
		printf '%b' "$2" | dd of="$DISK" bs=1 seek=$(($1 < 0 ? $(stat -c %s "$T/disk") + $1 : $1)) conv=notrunc status=none
		shift 2
	done
}
table() { # KIND [PARTITION]...
	printf 'label: %s\n' "$1" >"$T/table"
	printf '%s\n' "${@:2}" >>"$T/table"
	sfdisk -q --no-reread "$DISK" <"$T/table"
}
image() { # COMMAND...: makes $T/image of $T/tree, which goes onto the disk
	rm -f "$T/image"
	"$@" && dd if="$T/image" of="$DISK" conv=notrunc status=none
}
mkdir "$T/tree"
echo precious >"$T/tree/file"

# --- file systems
kind ext2 ext2 mke2fs -q -F -t ext2 @
kind ext3 ext3 mke2fs -q -F -t ext3 @
kind ext4 "ext4 labelled 'home'" mke2fs -q -F -t ext4 -L home @
kind "a journal of an ext4" jbd mke2fs -q -F -O journal_dev @
SIZE=320M kind xfs xfs mkfs.xfs -q @
SIZE=128M kind btrfs btrfs mkfs.btrfs -q @
kind vfat vfat mkfs.vfat @
kind exfat exfat mkfs.exfat @
kind ntfs ntfs mkfs.ntfs -F -Q @
kind f2fs f2fs mkfs.f2fs -q @
kind jfs jfs mkfs.jfs -q @
kind reiserfs reiserfs mkfs.reiserfs -q -ff @
SIZE=160M kind nilfs2 nilfs2 mkfs.nilfs2 -q @
kind minix minix mkfs.minix @
kind bfs bfs mkfs.bfs @
kind udf udf mkudffs @
kind iso9660 iso9660 image genisoimage -quiet -o "$T/image" "$T/tree"
kind squashfs squashfs image mksquashfs "$T/tree" "$T/image" -quiet -no-progress
kind cramfs cramfs image mkfs.cramfs "$T/tree" "$T/image"
kind erofs erofs image mkfs.erofs "$T/image" "$T/tree"

# --- swap, and members of something larger
kind swap swap mkswap -q @
suspended() { mkswap -q "$DISK" && put 4086 S1SUSPEND; }
kind "a suspended system" swsuspend suspended
kind "a physical volume of LVM" LVM2_member pvcreate -q -ff -y @
luks() { echo secret | cryptsetup luksFormat -q --type "$1" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$DISK"; }
kind "LUKS 1" crypto_LUKS luks luks1
kind "LUKS 2" crypto_LUKS luks luks2
kind bcache bcache make-bcache -B @
MD='\xfc\x4e\x2b\xa9' # and its version, and the sector where it lies
kind "RAID 0.90" linux_raid_member put -65536 "$MD"'\0\0\0\0\x5a\0\0\0'
kind "RAID 1.0" linux_raid_member put -8192 "$MD"'\x01' $((64 * MIB - 8192 + 144)) '\xf0\xff\x01'
kind "RAID 1.1" linux_raid_member put 0 "$MD"'\x01'
kind "RAID 1.2" linux_raid_member put 4096 "$MD"'\x01' $((4096 + 144)) '\x08'
kind "a firmware RAID of Intel" isw_raid_member put -1024 'Intel Raid ISM Cfg Sig. 1.0.00'
kind "a firmware RAID, DDF" ddf_raid_member put -512 '\xde\x11\xde\x11' $((64 * MIB - 512 + 32)) '01.02.00'
ub='\x0c\xb1\xba\0\0\0\0\0'
kind zfs zfs_member put $((128 << 10)) "$ub" $((129 << 10)) "$ub" $((130 << 10)) "$ub" $((131 << 10)) "$ub" $((132 << 10)) "$ub"
kind BitLocker BitLocker put 0 '\xeb\x52\x90-FVE-FS-'

# --- partition tables, and what lies beside and in them
kind "another's GPT" "gpt partition table" table gpt ,20M
kind "an MSDOS table" "dos partition table" table dos ,20M
kind "a table of Sun" "sun partition table" table sun
kind "a table of SGI" "sgi partition table" table sgi
kind "a table of a BSD, unknown to libblkid there" "data of no known kind at byte 64" parted -s @ mklabel bsd
kind "a table of a Mac" "mac partition table" parted -s @ mklabel mac
hybrid() { image genisoimage -quiet -o "$T/image" "$T/tree" && table dos ,20M; }
kind "a hybrid medium" ".*iso9660" hybrid
backup_only() { table gpt ,20M && dd if=/dev/zero of="$DISK" bs=1M count=1 conv=notrunc status=none; }
kind "a GPT of which the second copy is left" "gpt partition table" backup_only
tables_gone() { mke2fs -q -F -t ext4 -L home -E offset=$MIB "$DISK" 40M; }
kind "a file system whose table is gone" "ext4 labelled 'home' at byte 1080, in what begins at byte 1048576 and no table names" tables_gone
kind "a database without a signature" "data of no known kind at byte 0" put 0 'raw data of a database'
kind "data behind the first partition's place" "data of no known kind at byte $((40 * MIB))" put $((40 * MIB)) 'raw data of a database'
inner() { table gpt ,20M && put $((MIB + 512)) 'LABELONE\x01\0\0\0\0\0\0\0' $((MIB + 536)) 'LVM2 001'; }
kind "a signature in a partition of another's table" "gpt partition table" inner
stale() { put $((MIB + 4096)) "$MD"'\x01' $((MIB + 4096 + 144)) '\x08' $((9 * MIB)) 'LUKS\xba\xbe\0\x01' $((55 * MIB + 4096)) "$MD"'\x01' $((55 * MIB + 4096 + 144)) '\x08'; }
kind "old signatures where new partitions will begin" "linux_raid_member at byte 4096, in what begins at byte 1048576" stale

[ "$count" -ge 25 ] || fail "only $count kinds"
echo "$count kinds of foreign content: none was written to, each could be wiped"
