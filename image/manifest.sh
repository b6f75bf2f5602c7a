#!/bin/sh
# manifest.sh BOARD WORK BOARD-OUT 'ADDON...' KERNEL FIRMWARE-PACKAGE...: what the image is made of, one line each:
#	output BYTES SHA256 FILE                    file BYTES SHA256 MODE PATH, link PATH TARGET, ...: the archives' content
#	nfsroot file PATH MODE SHA256, nfsroot link PATH TARGET, ...: the root over NFS, where there is one
#	source NAME VERSION SHA256 LICENSE          tool PACKAGE VERSION: the host's, which have a say in the bits
set -eu

board=$1
work=$2
b=$3
addons=$4
kernel=$5
shift 5

sum_of()
{
	sha256sum <"$1" | cut -d' ' -f1
}

used() # PACKAGE LICENSE
{
	read -r _ name version _ hash <"dl/$1.used"
	echo "source $name $version $hash $2"
}

echo "board $board"
echo "kernel $(cat "$work/kernel/version")"
echo "source-date-epoch $SOURCE_DATE_EPOCH"

(cd "$b" && find . -path ./nfsroot -prune -o -type f ! -name manifest -printf '%P\n' | LC_ALL=C sort) | while read -r f; do
	echo "output $(stat -c %s "$b/$f") $(sum_of "$b/$f") $f"
done

{
	cat "$work/modules.list" "$work/index.list" "$work/programs.list" "$work/firmware.list"
	for addon in $addons; do cat "$work/$addon.list"; done
} | LC_ALL=C sort -k2,2 | while read -r type path mode source rest; do
	case $type in
	file) echo "file $(stat -L -c %s "$source") $(sum_of "$source") $mode $path" ;;
	link) echo "link $path $mode" ;;
	*) echo "$type $path $mode${source:+ $source}${rest:+ $rest}" ;;
	esac
done

[ ! -e "$b/nfsroot.list" ] || sed 's/^/nfsroot /' "$b/nfsroot.list"

for recipe in image/packages/*.mk; do
	name=$(basename "$recipe" .mk)
	used "$(sed -n "s/^${name}_\(SOURCE\|BINARY\) *:= *//p" "$recipe")" "$(sed -n "s/^${name}_LICENSE *:= *//p" "$recipe")"
done
used "$kernel" "GPL-2.0-only"
for package in "$@"; do
	used "$package" "see the package's copyright file"
done

dpkg-query -W -f='tool ${Package} ${Version}\n' gcc-"$(gcc -dumpversion)" binutils linux-libc-dev nasm xz-utils zstd 2>/dev/null
