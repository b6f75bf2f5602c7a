#!/usr/bin/env bash
# verify reads past the file system where it can (modules/lib/sweep.h): on trees that were changed in every way, and on damaged file systems, it
# has to find exactly what it finds through the file system. That is had by hiding the devices' names in /sys from it.
# shellcheck source=tests/modules/lib.sh
. "$(dirname "$0")/lib.sh"

# Of the files that are changed diff-* has to be named and same-* must not be; 70000 bytes are more than one block and less than one piece.
CONTENT="diff-first diff-middle diff-last diff-appended diff-cut diff-zeroed diff-punched diff-emptied diff-renamed same-renamed same-immutable
	same-reversed diff-reversed same-prealloc same-rewritten diff-unwritten diff-beyond diff-elsewhere diff-size diff-strange"
OTHER="diff-mode diff-owner diff-xattr-new diff-xattr-large diff-xattr-gone diff-xattr-other diff-gone diff-linked diff-folder same-xattr-large"
SIZES="0 1 59 60 100 160 1023 1024 4095 4096 4097 65536 131072 131073 524288 524289 1100000 9000000"

xattr() { # FILE NAME LENGTH|""
	python3 - "$@" <<-'PY'
		import os, sys
		file, name, n = sys.argv[1:]
		os.setxattr(file, name, b"v" * int(n)) if n else os.removexattr(file, name)
	PY
}

tree_make() { # FOLDER
	local f n
	mkdir -p "$1"/{sizes,content,other,diff-dir-mode,diff-dir-xattr,diff-dir-gone,many,sbin}
	echo init >"$1/sbin/init"
	for n in $SIZES; do head -c "$n" /dev/urandom >"$1/sizes/same-$n"; done
	for f in $CONTENT; do head -c 70000 /dev/urandom >"$1/content/$f"; done
	head -c 3000000 /dev/urandom >"$1/content/same-large-reversed"
	{ head -c 70000 /dev/urandom; head -c 200000 /dev/zero; head -c 70000 /dev/urandom; } >"$1/content/same-sparse"
	for f in $OTHER; do echo "$f" >"$1/other/$f"; done
	for f in diff-xattr-gone diff-xattr-other; do xattr "$1/other/$f" user.note 20; done
	xattr "$1/other/same-xattr-large" user.large 800
	echo once >"$1/other/diff-hard"
	ln "$1/other/diff-hard" "$1/other/diff-hard-too"
	ln -s short "$1/other/same-link"
	ln -s short "$1/other/diff-link"
	ln -s "$(printf 'long/%.0s' {1..40})" "$1/other/same-link-long"
	ln -s "$(printf 'long/%.0s' {1..40})" "$1/other/diff-link-long"
	mkfifo "$1/other/same-fifo" "$1/other/diff-fifo"
	mknod "$1/other/same-device" c 1 3
	mknod "$1/other/diff-device" c 1 3
	for n in {1..40}; do
		mkdir "$1/many/$n"
		for f in {1..12}; do head -c $((n * f * 20)) /dev/urandom >"$1/many/$n/$f"; done
	done
}

# put FILE OFFSET: one other byte there.
put() { printf '\377\376' | dd of="$1" bs=1 seek="$2" count=2 conv=notrunc status=none; }
# reverse FILE: the same content, written from its end.
reverse() {
	local i blocks=$((($(stat -c %s "$1") + 8191) / 8192))
	mv "$1" "$T/was"
	for ((i = blocks - 1; i >= 0; i--)); do
		dd if="$T/was" of="$1" bs=8192 skip="$i" seek="$i" count=1 conv=notrunc,fsync status=none
	done
	rm "$T/was"
}

tree_change() { # FOLDER
	local c=$1/content o=$1/other
	put "$c/diff-first" 0
	put "$c/diff-middle" 40001
	put "$c/diff-last" 69998
	echo x >>"$c/diff-appended"
	truncate -s 69999 "$c/diff-cut"
	# The old bytes are still on the disk after these.
	fallocate -z -o 0 -l 70000 -n "$c/diff-zeroed" 2>/dev/null || put "$c/diff-zeroed" 3
	fallocate -p -o 8192 -l 32768 "$c/diff-punched" 2>/dev/null || put "$c/diff-punched" 3
	truncate -s 0 "$c/diff-emptied"
	truncate -s 70000 "$c/diff-emptied"
	head -c 70000 /dev/urandom >"$c/new"
	mv "$c/new" "$c/diff-renamed"
	cp "$c/same-renamed" "$c/new"
	mv "$c/new" "$c/same-renamed"
	reverse "$c/same-reversed"
	reverse "$c/same-large-reversed"
	reverse "$c/diff-reversed"
	put "$c/diff-reversed" 33333
	fallocate -n -l 400000 "$c/same-prealloc" 2>/dev/null || true
	dd if="$c/same-rewritten" of="$T/copy" status=none
	dd if="$T/copy" of="$c/same-rewritten" conv=notrunc,fsync status=none
	fallocate -d "$c/same-sparse"
	for f in unwritten beyond elsewhere size strange; do put "$c/diff-$f" 7; done
	chmod 4755 "$o/diff-mode"
	chown 5:6 "$o/diff-owner"
	xattr "$o/diff-xattr-new" user.note 20
	xattr "$o/diff-xattr-large" user.note 850
	xattr "$o/diff-xattr-gone" user.note ""
	xattr "$o/diff-xattr-other" user.note 21
	rm "$o/diff-gone" "$o/diff-linked" "$o/diff-folder" "$o/diff-link" "$o/diff-link-long" "$o/diff-fifo" "$o/diff-device"
	ln -s same-xattr-large "$o/diff-linked"
	mkdir "$o/diff-folder"
	ln -s other "$o/diff-link"
	ln -s "$(printf 'lang/%.0s' {1..40})" "$o/diff-link-long"
	echo >"$o/diff-fifo"
	mknod "$o/diff-device" c 1 5
	echo twice >"$o/diff-hard-too"
	chmod 700 "$1/diff-dir-mode"
	xattr "$1/diff-dir-xattr" user.note 20
	rmdir "$1/diff-dir-gone"
	chattr +i "$c/same-immutable"
}

fs_new() { # MKFS...
	umount "$TARGET" 2>/dev/null || true
	"$@" "$DISK" >"$T/mkfs" 2>&1 || fail "$*: $(cat "$T/mkfs")"
	mount "$DISK" "$TARGET"
}

# look: verify as it is when it finds the devices, or not.
look() { # OUT
	mount -o "ro,$UNREPLAYED" "$DISK" "$TARGET"
	run verify
	umount "$TARGET"
	cp "$T/out" "$1"
}
swept() { sed -n 's/.* \([0-9]*\) files of it as they lie.*/\1/p' "$1"; }
named() { sed -nE "s/^[^ ]*: ((changed|missing|unreadable) '.*)/\1/p" "$1"; }

# both WHAT MIN: with and without, of which the first has to sweep at least so many files.
both() {
	umount "$TARGET" 2>/dev/null || true
	look "$T/fast"
	mount -t tmpfs tmpfs /sys/dev/block
	look "$T/plain"
	umount /sys/dev/block
	[ "$(swept "$T/fast")" -ge "$2" ] || fail "$1: only $(swept "$T/fast") files were swept over"
	same "$(swept "$T/plain")" 0 "$1: swept without devices"
	named "$T/fast" >"$T/fast.named"
	named "$T/plain" >"$T/plain.named"
	diff "$T/plain.named" "$T/fast.named" >&2 || fail "$1: the two ways find different things"
	same "$(grep ^result "$T/fast")" "$(grep ^result "$T/plain")" "$1: the results"
}

# exactly WHAT: all that is to differ is named and nothing else.
exactly() {
	tar -tf "$T/tree.tar" | sed 's,^\./,/,; s,/$,,' | grep '/diff-[^/]*$' | sort >"$T/wanted"
	sed "s/^[a-z]* '//; s/'.*//" "$T/fast.named" | sort >"$T/found"
	diff "$T/wanted" "$T/found" >&2 || fail "$1: not what was changed"
	pass "$1: $(wc -l <"$T/found") differences both ways, $(swept "$T/fast") files swept over"
}

blob_line() { sed -n "s/^$2 //p" "$T/state/bases/tree.$1.blob"; }

disk_new 512M
UNREPLAYED=noload
fs_new mkfs.ext4 -F -b 4096
tree_make "$TARGET"
tar -C "$TARGET" --xattrs --xattrs-include='*' --exclude=./lost+found -cf "$T/tree.tar" .
zstd -q "$T/tree.tar"
"$TOP/out/host/bin/lucie" base add tree "$T/tree.tar.zst" --state "$T/state" >"$T/base.log"
MODULES="init mount verify" plan_new "blobs file:$T/state/blobs" "read_only yes"
section verify "base tree" "root $(blob_line tar.zst root)" "listing $(blob_line listing root) $(blob_line listing length)"

tree_test() { # WHAT MIN MKFS...
	local what=$1 min=$2
	shift 2
	fs_new "$@"
	tar -C "$TARGET" --xattrs --xattrs-include='*' -xpf "$T/tree.tar"
	both "$what" "$min"
	grep -q "no differences" "$T/fast" || fail "$what: differs when it is new: $(cat "$T/fast.named")"
	mount "$DISK" "$TARGET"
	tree_change "$TARGET"
	both "$what, changed" $((min - 20))
	exactly "$what"
}

tree_test "ext4" 480 mkfs.ext4 -F -b 4096
tree_test "ext4 of small blocks" 480 mkfs.ext4 -F -b 1024
tree_test "ext4 without extents" 400 mkfs.ext4 -F -b 4096 -O ^extent,^64bit,^metadata_csum
tree_test "ext4 with data in inodes" 300 mkfs.ext4 -F -b 4096 -O inline_data
tree_test "ext4 of clusters" 480 mkfs.ext4 -F -b 4096 -O bigalloc -C 65536
UNREPLAYED=norecovery tree_test "xfs" 480 mkfs.xfs -f

# What no kernel would write, in inodes whose checksums are right: extents that nobody wrote to, beyond the end, and of another file.
edit() { debugfs -w -R "set_inode_field /content/$1 $2 $3" "$DISK" 2>&1 | grep -v ^debugfs && fail "debugfs: $*"; true; }
fs_new mkfs.ext4 -F -b 4096
tar -C "$TARGET" --xattrs --xattrs-include='*' -xpf "$T/tree.tar"
find "$TARGET" -mindepth 1 -printf 'imap <%i>\n' | sort -u >"$T/inodes"
umount "$TARGET"
edit diff-unwritten 'block[4]' $((32768 + 18))
edit diff-beyond 'block[5]' 1000000
edit diff-elsewhere 'block[5]' "$(debugfs -R "blocks /content/same-rewritten" "$DISK" 2>/dev/null | awk '{ print $1 }')"
edit diff-size size 69000
edit diff-strange flags $((0x80000 + 0x800))
both "ext4, edited" 480
for f in unwritten beyond elsewhere size strange; do has "$T/fast.named" "'/content/diff-$f'"; done
same "$(wc -l <"$T/fast.named")" 5 "differences of what was edited"
pass "ext4, edited: $(sed 's,/content/,,' "$T/fast.named" | xargs -d '\n' printf '%s; ')"

# And what bad memory or a bad disk makes of inodes.
debugfs -f "$T/inodes" "$DISK" 2>/dev/null | sed -n 's/.*located at block \([0-9]*\), offset \(0x[0-9a-f]*\)/\1 \2/p' >"$T/places"
cp --sparse=always "$T/disk" "$T/whole"
for round in {1..12}; do
	python3 - "$T/places" "$T/disk" "$round" <<-'PY'
		import random, sys
		random.seed(int(sys.argv[3]))
		places = [line.split() for line in open(sys.argv[1])]
		with open(sys.argv[2], "r+b") as disk:
		    for block, offset in random.sample(places, 8):
		        at = int(block) * 4096 + int(offset, 16) + random.randrange(160)
		        disk.seek(at)
		        byte = disk.read(1)[0]
		        disk.seek(at)
		        disk.write(bytes([byte ^ 1 << random.randrange(8)]))
	PY
	blockdev --flushbufs "$DISK"
	both "ext4, bits flipped in round $round" 100
	[ "$(wc -l <"$T/fast.named")" -gt 5 ] || fail "round $round: what was flipped was not seen"
	cat "$T/fast.named" >>"$T/flipped"
	cp --sparse=always "$T/whole" "$T/disk"
done
pass "ext4 with flipped bits: the same both ways, $(grep -c ^unreadable "$T/flipped") times unreadable"
