#!/usr/bin/env bash
# mkinitramfs: what lists become, that their order does not matter, and what is refused. Reads the archives with cpio(1), not with our own code.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
tool=$top/out/host/bin/mkinitramfs
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
export SOURCE_DATE_EPOCH=1704067200 TZ=UTC

fail() { echo "FAILED: $*" >&2; exit 1; }
refused() { # TEXT EXPECTED-MESSAGE
	printf '%s\n' "$1" >bad
	if "$tool" bad.cpio bad 2>message; then fail "accepted: $1"; fi
	grep -qF -- "$2" message || fail "'$1': expected '$2', got '$(cat message)'"
}

echo content >source
cat >one <<'END'
# a comment
dir /tmp 1777
file /etc/lucie/a-file 0640 source   # behind an entry
link /bin/sh /bin/busybox
node /dev/console 0600 c 5 1
node /dev/vda 0660 b 254 0
END
"$tool" one.cpio one
cpio --quiet -tvn <one.cpio | tr -s ' ' >list
cat >expected <<'END'
drwxr-xr-x 2 0 0 0 Jan 1 2024 bin
lrwxrwxrwx 1 0 0 12 Jan 1 2024 bin/sh -> /bin/busybox
drwxr-xr-x 2 0 0 0 Jan 1 2024 dev
crw------- 1 0 0 5, 1 Jan 1 2024 dev/console
brw-rw---- 1 0 0 254, 0 Jan 1 2024 dev/vda
drwxr-xr-x 2 0 0 0 Jan 1 2024 etc
drwxr-xr-x 2 0 0 0 Jan 1 2024 etc/lucie
-rw-r----- 1 0 0 8 Jan 1 2024 etc/lucie/a-file
drwxrwxrwt 2 0 0 0 Jan 1 2024 tmp
END
diff -u expected list

grep '^[a-z]' one | tac >reversed
head -n 3 reversed >part1
tail -n +4 reversed >part2
"$tool" two.cpio part1 part2
cmp one.cpio two.cpio || fail "the order of lists changes the archive"

refused 'file a 0644 source' "bad:1: expected 'dir PATH MODE'"
refused $'dir /ok 0755\ndir /a/../b 0755' 'bad:2: expected'
refused 'dir /a//b 0755' 'bad:1:'
refused 'dir / 0755' 'bad:1:'
refused 'dir /a 0999' 'bad:1:'
refused 'dir /a 0755 more' 'bad:1:'
refused 'link /a' 'bad:1:'
refused 'node /a 0600 x 1 2' 'bad:1:'
refused 'file /a 0644 not-there' "cannot read 'not-there'"
refused $'dir /a 0755\nlink /a b' "'/a' is in the lists twice"
refused $'link /a b\nfile /a/c 0644 source' "'/a': Not a directory"
echo "ok: mkinitramfs"
