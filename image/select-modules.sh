#!/bin/sh
# select-modules.sh KERNEL OUT MODULE...: the kernel modules named and all that they depend on, from a folder of unpack-kernel.sh.
# Writes into OUT: modules.list (for mkinitramfs), and modules.dep and modules.alias reduced to what is chosen.
# A name that the kernel has neither as a module nor built in is an error.
set -eu

kernel=$1
out=$2
shift 2
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

{
	for f in modules.dep modules.alias; do echo "file /lib/modules/$version/$f 0644 $out/$f"; done
	echo "file /lib/modules/$version/modules.builtin 0644 $from/modules.builtin"
	sed "s|^\([^:]*\):.*|file /lib/modules/$version/\1 0644 $from/\1|" "$out/modules.dep"
} >"$out/modules.list"
