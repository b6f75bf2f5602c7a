#!/bin/sh
# reproducible.sh [BOARD]: builds the committed tree in two folders, from nothing but the fetched sources, and compares every file of
# out/BOARD. Different lengths of the folders' names and different umasks show what a path or a mode of this machine would change.
# KEEP=1 leaves the folders where they are.
set -eu

board=${1:-qemu-x86_64}
top=$(git rev-parse --show-toplevel)
commit=$(git rev-parse HEAD)
work=$(mktemp -d)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT

build() # FOLDER UMASK
{
	mkdir -p "$1"
	git -C "$top" archive "$commit" | tar -x -C "$1"
	mkdir -p "$1/dl"
	find "$top/dl" -maxdepth 1 -type f ! -name '.*' -exec cp {} "$1/dl/" \;
	(umask "$2" && make -C "$1" image BOARD="$board" FORMAT=nfsroot >"$1.log" 2>&1) || { tail -n 40 "$1.log"; exit 1; }
}

build "$work/a" 022
build "$work/a-much-longer/name/of/a/folder" 002

diff -r --no-dereference "$work/a/out/$board" "$work/a-much-longer/name/of/a/folder/out/$board"
echo "$board: two builds, the same bits ($(sha256sum <"$work/a/out/$board/initramfs.img" | cut -c1-16))"
