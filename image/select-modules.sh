#!/bin/sh
# select-modules.sh KERNEL OUT COMMON... -- MODULE... [-- ADDON MODULE...]...: the kernel modules named and all that they depend on, from a
# folder of unpack-kernel.sh. Writes into OUT modules.dep and modules.alias, reduced to what is chosen, and lists for mkinitramfs: modules.list,
# index.list and, for each add-on archive, ADDON-modules.list with what modules.list has not. What lies in an add-on is loaded by its name only.
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
rm -f "$out"/*.chosen
how=.ko list=modules
for name in "$@"; do
	if [ "$name" = -- ]; then
		[ $how = .ko ] || list=
		how=.ko.xz
	elif [ -z "$list" ]; then
		list=$name-modules
		touch "$out/$list.chosen"
	else
		echo "$name: $how $list"
	fi
done >"$out/modules.wanted"

awk -F': *' -v out="$out" '
function name_of(path) {
	sub(/.*\//, "", path)
	sub(/\.ko$/, "", path)
	gsub(/-/, "_", path)
	return path
}
# A module of the image itself (the list "modules", which is complete first) is in no add-on; others may be in several.
function choose(path, suffix, list,    n, i, needed) {
	if (lists_of[path] ~ "(^| )(modules|" list ")( |$)")
		return
	chosen[path] = suffix
	lists_of[path] = lists_of[path] " " list
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
		n = split(lists_of[path], list, " ")
		for (i = 1; i <= n; i++)
			print in_image(path) | "LC_ALL=C sort >" out "/" list[i] ".chosen"
	}
	exit bad
}' "$from/modules.builtin" "$from/modules.dep" "$out/modules.wanted" >"$out/modules.dep.new"
LC_ALL=C sort "$out/modules.dep.new" >"$out/modules.dep"
rm "$out/modules.dep.new" "$out/modules.wanted"

awk '
FILENAME ~ /\.chosen$/ { sub(/.*\//, "", $1); sub(/\.ko(\.xz)?$/, "", $1); gsub(/-/, "_", $1); chosen[$1] = 1; next }
$1 == "alias" && $3 in chosen' "$out/modules.chosen" "$from/modules.alias" >"$out/modules.alias"

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

for list in "$out"/*.chosen; do
	list=$(basename "$list" .chosen)
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
