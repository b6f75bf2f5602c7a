#!/usr/bin/env bash
# lucie try as an ordinary user: installs a disk image and boots it; refuses a disk that holds another site's system and leaves every byte of
# it; overwrites it when told so, this time over PXE. Nothing is left behind.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BASE=$TOP/out/demo/bases/demo.tar.zst
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-try-test.XXXXXX")
trap 'rm -rf "$T"' EXIT
. "$TOP/tests/lib.sh"
[ -e "$BASE" ] || fail "no base system '$BASE': make demo-base"

mkdir "$T/temp"
user=()
if [ "$(id -u)" -eq 0 ]; then # root becomes one, with a copy of what it needs: the tree may lie where nobody else can go
	mkdir -p "$T/tree/docs" "$T/tree/out"
	cp -a "$TOP/docs/examples" "$T/tree/docs/"
	cp -a "$TOP/out/host" "$TOP/out/qemu-x86_64" "$TOP/out/demo" "$T/tree/out/"
	TOP=$T/tree
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chown 65534:65534 "$T" "$T/temp" # and not the tree: the key of its site stays root's
fi
# try CODE OPTION...
try() {
	local wanted=$1 got=0
	shift
	TMPDIR=$T/temp "${user[@]}" timeout -k 10 1800 "$TOP/out/host/bin/lucie" try demo1 --conf "$TOP/docs/examples/demo.conf" --state "$TOP/out/demo" \
		--images "$TOP/out" --disk "$T/disk" "$@" >"$T/out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] || { tail -n 60 "$T/out"; fail "lucie try $*: exit code $got, expected $wanted"; }
	[ -z "$(ls -A "$T/temp")" ] || fail "lucie try left $(ls -A "$T/temp") behind"
}

try 0 --boot
grep -q '^demo1 login:' "$T/out" || { tail -n 20 "$T/out"; fail "the login prompt is not shown"; }
e2fsck -fn "$T/disk?offset=1048576" >"$T/fsck" 2>&1 || { cat "$T/fsck"; fail "the file system that was installed"; }
pass "installed, and up from the disk"

before=$(sha256sum <"$T/disk")
try 1
grep -q 'stamp of another site' "$T/out" || { tail -n 20 "$T/out"; fail "the reason of the refusal is not shown"; }
[ "$before" = "$(sha256sum <"$T/disk")" ] || fail "a disk that was refused has changed"
pass "a foreign disk is refused, and has not changed"

try 0 --wipe --pxe
[ "$before" != "$(sha256sum <"$T/disk")" ] || fail "the disk has not changed"
pass "--wipe overwrites it, over PXE"
