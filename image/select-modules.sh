#!/bin/sh
# select-modules.sh KERNEL OUT PACK MODULE...: the kernel modules named and all that they depend on, from a folder of unpack-kernel.sh.
# Writes into OUT modules.dep and modules.alias, reduced to what is chosen, and two lists for mkinitramfs: modules.list and index.list.
# PACK `each`: the modules are .ko.xz in the image. A name that the kernel has neither as a module nor built in is an error.
set -eu

kernel=$1
out=$2
pack=$3
shift 3
version=$(cat "$kernel/version")
from=$kernel/lib/modules/$version

mkdir -p "$out"
for name in "$@"; do echo "$name"; done >"$out/modules.wanted"

awk -F': *' '
function name_of(path) {
	sub(/.*\//, "", path)
	sub(/\.ko$/, "", path)
	gsub(/-/, "_", path)
	return path
}
function choose(path,    n, i, needed) {
	if (path in chosen)
		return
	chosen[path] = 1
	n = split(needs[path], needed, " ")
	for (i = 1; i <= n; i++)
		choose(needed[i])
}
FILENAME ~ /modules\.builtin$/ { builtin[name_of($1)] = 1; next }
FILENAME ~ /modules\.dep$/ { path_of[name_of($1)] = $1; needs[$1] = $2; line[$1] = $0; next }
{
	name = name_of($1)
	if (name in path_of) {
		choose(path_of[name])
	} else if (!(name in builtin)) {
		print "select-modules.sh: this kernel has no module \047" $1 "\047" | "cat >&2"
		bad = 1
	}
}
END {
	for (path in chosen)
		print line[path]
	exit bad
}' "$from/modules.builtin" "$from/modules.dep" "$out/modules.wanted" >"$out/modules.dep.new"
LC_ALL=C sort "$out/modules.dep.new" >"$out/modules.dep"
rm "$out/modules.dep.new" "$out/modules.wanted"

awk '
FILENAME ~ /modules\.dep$/ { sub(/:$/, "", $1); sub(/.*\//, "", $1); sub(/\.ko$/, "", $1); gsub(/-/, "_", $1); chosen[$1] = 1; next }
$1 == "alias" && $3 in chosen' "$out/modules.dep" "$from/modules.alias" >"$out/modules.alias"

modules=$(sed 's/:.*//' "$out/modules.dep")
suffix=
rm -rf "$out/packed"
if [ "$pack" = each ]; then
	suffix=.xz
	for f in $modules; do
		mkdir -p "$out/packed/${f%/*}"
		echo "$f"
	done | xargs -P "$(nproc)" -I '{}' sh -c 'xz -c --check=crc32 --lzma2=preset=9e,dict=4MiB "$1/$3" >"$2/$3.xz"' - "$from" "$out/packed" '{}'
	sed -i 's/\.ko\>/.ko.xz/g' "$out/modules.dep"
	from=$out/packed
fi

for f in $modules; do
	echo "file /lib/modules/$version/$f$suffix 0644 $from/$f$suffix"
done >"$out/modules.list"
for f in "$out/modules.dep" "$out/modules.alias" "$kernel/lib/modules/$version/modules.builtin"; do
	echo "file /lib/modules/$version/${f##*/} 0644 $f"
done >"$out/index.list"
