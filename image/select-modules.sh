#!/bin/sh
# select-modules.sh KERNEL OUT COMMON... -- MODULE... -- UEFI...: the kernel modules named and all that they depend on, from a folder of
# unpack-kernel.sh. Writes into OUT modules.dep and modules.alias, reduced to what is chosen, and three lists for mkinitramfs: modules.list,
# index.list and, of what only machines with UEFI need, uefi-modules.list.
# A name that the kernel has neither as a module nor built in is an error.
#
# What is not common is .ko.xz in the image: of many drivers a node loads a few, and the others cost it neither the time to unpack them
# before PID 1 nor the RAM.
set -eu

kernel=$1
out=$2
shift 2
version=$(cat "$kernel/version")
from=$kernel/lib/modules/$version

mkdir -p "$out"
how=.ko list=modules
for name in "$@"; do
	if [ "$name" != -- ]; then
		echo "$name: $how $list"
	else
		[ $how = .ko ] || list=uefi-modules
		how=.ko.xz
	fi
done >"$out/modules.wanted"

rm -f "$out"/*.chosen
touch "$out/uefi-modules.chosen"
awk -F': *' -v out="$out" '
function name_of(path) {
	sub(/.*\//, "", path)
	sub(/\.ko$/, "", path)
	gsub(/-/, "_", path)
	return path
}
function choose(path, suffix, list,    n, i, needed) {
	if (path in chosen)
		return
	chosen[path] = suffix
	list_of[path] = list
	n = split(needs[path], needed, " ")
	for (i = 1; i <= n; i++)
		choose(needed[i], suffix, list)
}
function in_image(path) {
	return substr(path, 1, length(path) - 3) chosen[path]
}
function dep_line(path,    n, i, needed, line) {
	line = in_image(path) ":"
	n = split(needs[path], needed, " ")
	for (i = 1; i <= n; i++)
		line = line " " in_image(needed[i])
	return line
}
FILENAME ~ /modules\.builtin$/ { builtin[name_of($1)] = 1; next }
FILENAME ~ /modules\.dep$/ { path_of[name_of($1)] = $1; needs[$1] = $2; next }
{
	name = name_of($1)
	split($2, how, " ")
	if (name in path_of) {
		choose(path_of[name], how[1], how[2])
	} else if (!(name in builtin)) {
		print "select-modules.sh: this kernel has no module \047" $1 "\047" | "cat >&2"
		bad = 1
	}
}
END {
	for (path in chosen) {
		print dep_line(path)
		print in_image(path) | "LC_ALL=C sort >" out "/" list_of[path] ".chosen"
	}
	exit bad
}' "$from/modules.builtin" "$from/modules.dep" "$out/modules.wanted" >"$out/modules.dep.new"
LC_ALL=C sort "$out/modules.dep.new" >"$out/modules.dep"
rm "$out/modules.dep.new" "$out/modules.wanted"

awk '
FILENAME ~ /modules\.dep$/ { sub(/:$/, "", $1); sub(/.*\//, "", $1); sub(/\.ko(\.xz)?$/, "", $1); gsub(/-/, "_", $1); chosen[$1] = 1; next }
$1 == "alias" && $3 in chosen' "$out/modules.dep" "$from/modules.alias" >"$out/modules.alias"

modules=$(sed 's/:.*//' "$out/modules.dep")
rm -rf "$out/packed"
for f in $modules; do
	case $f in
	*.xz)
		mkdir -p "$out/packed/${f%/*}"
		echo "${f%.xz}"
		;;
	esac
done | xargs -r -P "$(nproc)" -I '{}' sh -c 'xz -c --check=crc32 --lzma2=preset=9e,dict=4MiB "$1/$3" >"$2/$3.xz"' - "$from" "$out/packed" '{}'

for list in modules uefi-modules; do
	while read -r f; do
		case $f in
		*.xz) echo "file /lib/modules/$version/$f 0644 $out/packed/$f" ;;
		*) echo "file /lib/modules/$version/$f 0644 $from/$f" ;;
		esac
	done <"$out/$list.chosen" >"$out/$list.list"
done
for f in "$out/modules.dep" "$out/modules.alias" "$kernel/lib/modules/$version/modules.builtin"; do
	echo "file /lib/modules/$version/${f##*/} 0644 $f"
done >"$out/index.list"
