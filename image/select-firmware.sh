#!/bin/sh
# select-firmware.sh WORK SITE-FOLDER PACKAGE...: the list for mkinitramfs of the firmware that the board's kernel modules may ask for, as far
# as the site's folder or the distribution's packages have it; the site's folder wins. What is not found is in WORK/firmware.missing.
set -eu

work=$1
site=$2
shift 2
unpacked=$work/firmware
rm -rf "$unpacked"
mkdir -p "$unpacked"
for package in "$@"; do
	read -r _ _ _ file _ <"dl/$package.used"
	dpkg-deb --fsys-tarfile "dl/$file" | tar -x -C "$unpacked" --wildcards './lib/firmware/*' './usr/lib/firmware/*' 2>/dev/null || :
done

: >"$work/firmware.missing"
sed 's|.* ||' "$work/modules.list" | PATH=$PATH:/usr/sbin:/sbin xargs -r modinfo -F firmware |
	LC_ALL=C sort -u | while read -r name; do
	for dir in ${site:+"$site"} "$unpacked/lib/firmware" "$unpacked/usr/lib/firmware"; do
		if [ -f "$dir/$name" ]; then
			echo "file /lib/firmware/$name 0644 $dir/$name"
			continue 2
		fi
	done
	echo "$name" >>"$work/firmware.missing"
done
