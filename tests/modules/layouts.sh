#!/usr/bin/env bash
# Layouts of all kinds (tests/layouts): each is accepted by `lucie check`, made by module partition on image files, found again by module mount,
# and judged by the tools of others.
#
#	tests/modules/layouts.sh [sample|LAYOUT...]	without stacks; default: all of them
#
# The first lines of a layout say what it is and how large its disks are. Those with raid, luks or lvm need the installer's kernel and tools:
# tests/vm/layouts.sh.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # LAYOUT is read there
. "$(dirname "$0")/lib.sh"

layouts=$TOP/tests/layouts
if [ "${1:-}" = sample ]; then
	set -- many-mounts ext4-options xfs-small msdos-five msdos-many-logical three-tables fai-simple
elif [ $# = 0 ]; then
	mapfile -t all < <(cd "$layouts" && printf '%s\n' *.layout | sed 's/\.layout$//')
	set -- "${all[@]}"
fi

declare -a loops=()
drop_all() {
	local d p
	umount -R "$TARGET" 2>/dev/null || true
	for d in "${loops[@]}"; do
		for p in "$d"p*; do
			[ -b "$p" ] || continue
			swapoff "$p" 2>/dev/null || true
			delpart "$d" "${p##*p}" 2>/dev/null || true
		done
		losetup -d "$d" 2>/dev/null || true
	done
	loops=()
	rm -f "$T"/layout-disk*
}
finish() {
	local status=$?
	drop_all
	(exit $status)
	cleanup
}
trap finish EXIT

# accepted NAME: by lucie check, as a part of a definition
accepted() {
	{
		printf 'define disk_layout{\nname it\n'
		grep -v '^#' "$layouts/$1.layout"
		printf '}\n'
	} >"$T/cluster.conf"
	"$TOP/out/host/bin/lucie" check "$T/cluster.conf" >"$T/check" 2>&1 || { cat "$T/check"; fail "lucie check of $1"; }
}

attach() { # NAME: a disk for each of its sizes
	local size n=0
	# shellcheck disable=SC2013 # one word a disk
	for size in $(sed -n 's/^# disks: //p' "$layouts/$1.layout"); do
		n=$((n + 1))
		truncate -s "$size" "$T/layout-disk$n"
		loops+=("$(losetup --find --show "$T/layout-disk$n")")
	done
}

# judge NAME: the tables, and every file system and swap area by its own tool
judge() {
	local d p type
	for d in "${loops[@]}"; do
		sfdisk --verify "$d" >"$T/out" 2>&1 || fail "$1: sfdisk finds faults"
		for p in "$d"p*; do
			type=$(blkid -p -o value -s TYPE "$p" || true)
			case $type in
			ext4) e2fsck -fn "$p" >"$T/out" 2>&1 || fail "$1: e2fsck of $p" ;;
			xfs) xfs_repair -n "$p" >"$T/out" 2>&1 || fail "$1: xfs_repair of $p" ;;
			vfat) fsck.fat -n "$p" >"$T/out" 2>&1 || fail "$1: fsck.fat of $p" ;;
			esac
		done
	done
}

# compare NAME: partitions and what they hold are as many as the lines say
compare() {
	local fs wanted found
	for fs in ext4 xfs vfat swap; do
		wanted=$(grep -cE "^partition [^ ]+ [^ ]+ $fs( |\$)" "$layouts/$1.layout" || true)
		found=$(for d in "${loops[@]}"; do for p in "$d"p*; do blkid -p -o value -s TYPE "$p" || true; done; done | grep -cx "$fs" || true)
		same "$found" "$wanted" "$1: how many are $fs"
	done
}

# A kernel may lack what a layout has; the installer's has it all.
mountable() { [ -d /sys/module/vfat ] || modprobe -q vfat || ! grep -q ' vfat' "$layouts/$1.layout"; }

for name; do
	accepted "$name"
	if grep -qE '^(raid|luks|vg) ' "$layouts/$name.layout"; then
		pass "$name: checked; its disks are the VM test's"
		continue
	fi
	attach "$name"
	n=0
	LAYOUT=$(while read -r key disk selector rest; do
		if [ "$key" = disk ]; then
			printf 'disk %s %s %s\n' "$disk" "${loops[n]}" "$rest"
			n=$((n + 1))
		else
			printf '%s %s %s %s\n' "$key" "$disk" "$selector" "$rest"
		fi
	done < <(grep -v '^#' "$layouts/$name.layout"))
	plan_new
	run partition
	if mountable "$name"; then
		run mount
		umount -R "$TARGET"
	fi
	compare "$name"
	judge "$name"
	run partition # its own disks again
	pass "$name"
	drop_all
done
