#!/bin/sh
# PID 1 of the yardstick machine of `make bench-install`: mke2fs, then curl | zstd -d | tar -x, then sync; all tools are the distribution's.
# Its phases appear on the console as "baseline: NAME MILLISECONDS".
export PATH=/yard/bin:/bin:/sbin LD_LIBRARY_PATH=/yard/lib
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
modules=/lib/modules/$(uname -r)
# load NAME: with what modules.dep says that it needs, the last one first
load() {
	reversed=
	for file in $(sed -n "s|^\(.*/$1\.ko\):|\1|p" "$modules/modules.dep"); do reversed="$file $reversed"; done
	for file in $reversed; do insmod "$modules/$file" 2>/dev/null; done
}
for m in virtio_pci virtio_blk virtio_net; do load "$m"; done
now() { awk '{printf "%d", $1 * 1000}' /proc/uptime; }
for word in $(cat /proc/cmdline); do
	case $word in yard.url=*) url=${word#yard.url=} ;; esac
done
tries=100
until [ -b /dev/vda ] && [ -e /sys/class/net/eth0 ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.1; done
[ -b /dev/vda ] || echo "baseline: no disk"
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
mkdir -p /mnt
t0=$(now)
mke2fs -q -t ext4 -F /dev/vda
t1=$(now)
mount -t ext4 /dev/vda /mnt
curl -sSf "$url" | zstd -dc | tar -x --numeric-owner --xattrs --acls -p -C /mnt
status=$?
t2=$(now)
umount /mnt
sync
t3=$(now)
echo "baseline: status $status"
echo "baseline: mke2fs $((t1 - t0))"
echo "baseline: unpack $((t2 - t1))"
echo "baseline: sync $((t3 - t2))"
echo "baseline: total $((t3 - t0))"
poweroff -f
