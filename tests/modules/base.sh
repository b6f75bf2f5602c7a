#!/usr/bin/env bash
# extrbase: everything arrives as it was packed, whatever the compression; faults are named and nothing leaves the target.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"

# blob FILE: makes its manifest and the plan's section for it.
blob() {
	local format=tar.${1##*.}
	plan_new
	section extrbase "base test" "blob $("$TOP/out/asan/make-blob" "$1")" "format $format" "source file:$1"
}

disk_new 1G
"$TOP/tests/modules/make-tar.py" honest "$T/honest.tar"
gzip -k "$T/honest.tar"
xz -k "$T/honest.tar"
zstd -q "$T/honest.tar"
for format in gz xz zst; do
	blob "$T/honest.tar.$format"
	run partition
	run mount
	mkdir -p "$TARGET/srv/data/old/tree" "$TARGET/old"
	touch "$TARGET/old/file" "$TARGET/srv/data/old/tree/file"
	run extrbase
	[ ! -e "$TARGET/old" ] && [ ! -e "$TARGET/srv/data/old" ] || fail "the earlier try was not removed"
	[ -d "$TARGET/srv/data/lost+found" ] || fail "lost+found is gone"
	same "$(stat -c '%a %u %g %Y %h' "$TARGET/dir/suid")" "4711 0 34 1000000000 2" "owner, mode and time"
	same "$(stat -c '%a %u %g %Y' "$TARGET/dir")" "2750 12 34 1000000000" "a directory's owner, mode and time"
	same "$(stat -c '%F %t %T %a' "$TARGET/null")" "character special file 1 3 666" "a device"
	same "$(stat -c '%F %t %T' "$TARGET/block")" "block special file 7 c8" "a block device"
	same "$(stat -c '%F' "$TARGET/fifo")" "fifo" "a fifo"
	same "$(stat -c '%u %g' "$TARGET/Főtanúsítvány")" "65534 3000000000" "a name in UTF-8, large ids"
	same "$(readlink "$TARGET/link")" "/dir/suid" "a link"
	python3 - "$TARGET/noted" <<-'PY'
		import os, sys
		path = sys.argv[1]
		assert os.getxattr(path, "user.note") == b"hello"
		assert os.getxattr(path, "security.capability")[:8] == b"\1\0\0\2\0\x20\0\0"
		acl = os.getxattr(path, "system.posix_acl_access")
		assert (1234).to_bytes(4, "little") in acl, acl
	PY
	pass "a base with everything, $format"
done

"$TOP/tests/modules/make-tar.py" hostile "$T/hostile.tar"
gzip "$T/hostile.tar"
blob "$T/hostile.tar.gz"
run partition # else the base stands, as the journal has it
run mount
refuses extrbase "cannot unpack './out/escaped': Cannot extract through symlink"
[ ! -e "$T/escaped" ] && [ ! -e "$T/../escaped" ] || fail "the archive got out"
pass "a hostile base: $LAST"

xz -9 -c "$T/honest.tar" >"$T/wide.tar.xz"
blob "$T/wide.tar.xz"
refuses extrbase "needs a window of 64.0 MiB"
pass "too large a window: $LAST"

blob "$T/honest.tar.gz"
printf 'XXXX' | dd of="$T/honest.tar.gz" bs=1 seek=300 conv=notrunc status=none
refuses extrbase "honest.tar.gz"
[ ! -e "$TARGET/dir" ] || fail "bytes of a wrong chunk were unpacked"
pass "an altered blob: $LAST"

plan_new
section extrbase "base test" "blob $(printf 'ab%.0s' {1..32}) 1000" "format tar.gz" "source file:$T/none.tar.gz"
refuses extrbase "none.tar.gz"
pass "a blob that is not there: $LAST"

head -c 900M /dev/zero >"$T/zeros"
tar -C "$T" --zstd -cf "$T/full.tar.zst" zeros
rm "$T/zeros"
blob "$T/full.tar.zst"
refuses extrbase "cannot unpack 'zeros': Write failed: No space left on device"
pass "a full disk: $LAST"

umount -R "$TARGET"
blob "$T/full.tar.zst"
refuses extrbase "nothing is mounted at"
pass "no target: $LAST"
