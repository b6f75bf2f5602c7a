#!/bin/sh
# nfsroot.sh KERNEL WORK FOLDER LIST...: the root file system over NFS, an ordinary folder: all that the lists for mkinitramfs name (no device
# nodes: devtmpfs has them), and every module of the kernel of unpack-kernel.sh. FOLDER.list says what it wrote, sorted by path:
#	file PATH MODE SHA256      link PATH TARGET      dir PATH MODE
# Any module can be loaded by its name; by themselves only those come that the board selects (WORK/modules.dep), for an installer has no use
# for graphics and sound. What the kernel asks for (file systems, ciphers) it gets from all of them.
set -eu

kernel=$1
work=$2
out=$3
shift 3
version=$(cat "$kernel/version")
new=$out.new
umask 022

rm -rf "$new"
mkdir -p "$new/lib/modules"
cat "$@" | while read -r type path mode source; do
	mkdir -p "$new${path%/*}"
	case $type in
	dir) mkdir -p "$new$path" && chmod "$mode" "$new$path" ;;
	link) ln -s "$mode" "$new$path" ;;
	file) cp -L "$source" "$new$path" && chmod "$mode" "$new$path" ;;
	node) ;;
	esac
done
chmod 0755 "$new/root" # a server that squashes root must be able to look into it

cp -R "$kernel/lib/modules/$version" "$new/lib/modules/"
modules=$new/lib/modules/$version
rm -f "$modules"/*.bin "$modules/modules.symbols" "$modules/modules.softdep" "$modules/modules.devname"
mkdir "$modules/extra"
awk '
FILENAME ~ /modules\.dep$/ { sub(/:$/, "", $1); sub(/.*\//, "", $1); sub(/\.ko(\.xz)?$/, "", $1); gsub(/-/, "_", $1); chosen[$1] = 1; next }
$1 == "alias" && ($3 in chosen || $2 !~ /:/)' "$work/modules.dep" "$kernel/lib/modules/$version/modules.alias" >"$modules/modules.alias"
find "$modules" -type d -exec chmod 0755 {} + -o -exec chmod 0644 {} +

(
	cd "$new"
	find . -mindepth 1 -type d -printf 'dir /%P 0%m\n'
	find . -type l -printf 'link /%P %l\n'
	find . -type f -printf '/%P 0%m\n' | LC_ALL=C sort >"../${out##*/}.modes"
	find . -type f -printf '%P\0' | xargs -0 sha256sum | awk '{ print "/" $2, $1 }' | LC_ALL=C sort |
		LC_ALL=C join "../${out##*/}.modes" - | sed 's/^/file /'
	rm "../${out##*/}.modes"
) | LC_ALL=C sort -k2,2 >"$out.list.new"
rm -rf "$out"
mv "$new" "$out"
mv "$out.list.new" "$out.list"
