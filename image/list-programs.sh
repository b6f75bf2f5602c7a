#!/bin/sh
# list-programs.sh INIT MODULES-LOAD OUT SHELL-MODULE... -- TREE...: the list for mkinitramfs of all that the image holds besides kernel
# modules: the node's program, busybox and its links, shell modules, and the trees of files as they are.
set -eu

init=$1
load=$2
out=$3
shift 3

cat <<END
dir /dev 0755
node /dev/console 0600 c 5 1
dir /proc 0555
dir /sys 0555
dir /run 0755
dir /tmp 1777
dir /root 0700
dir /target 0755
file /init 0755 $init
file /bin/busybox 0755 $out/busybox/busybox
file /etc/lucie/modules-load 0644 $load
END
sed 's|.*|link & /bin/busybox|' "$out/busybox/busybox.links"

while [ "$1" != -- ]; do
	echo "file /lib/lucie/modules/${1##*/} 0755 $1"
	shift
done
shift

for tree in "$@"; do
	[ -d "$tree" ] || continue
	find "$tree" -type f -perm -u+x -printf "file /%P 0755 %p\n" -o -type f -printf "file /%P 0644 %p\n"
done
