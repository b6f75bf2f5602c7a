#!/usr/bin/env bash
# All modules one after the other, on a small real base and a repository of three packages that do what packages do.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # MODULES, TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"

BASE=$TOP/out/tests/modules-base.tar.zst
if [ ! -e "$BASE" ]; then
	mkdir -p "${BASE%/*}"
	mmdebstrap --quiet --variant=apt \
		--customize-hook='touch "$1/boot/vmlinuz-6.1.9" "$1/boot/vmlinuz-6.1.10" "$1/boot/initrd.img-6.1.10"' \
		--customize-hook='echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"' \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$T/base.tar.zst"
	mv "$T/base.tar.zst" "$BASE"
fi

# The boot loader's files lie where the image has them: in an overlay of /usr, which /lib and /sbin have to be a part of.
[ -L /lib ] && [ -L /sbin ] || fail "/lib and /sbin of this machine are no links into /usr"
mkdir "$T/usr" && mount -t tmpfs tmpfs "$T/usr" && mkdir "$T/usr/upper" "$T/usr/work"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$T/usr/upper,workdir=$T/usr/work" /usr
umount -l "$T/usr"
mkdir -p /lib/lucie
cp "$TOP/out/syslinux/mbr.bin" "$TOP/out/syslinux/gptmbr.bin" /lib/lucie/
cp "$TOP/out/syslinux/extlinux" /sbin/extlinux

# package NAME [POSTINST LINE...]: into the repository; files from $T/NAME.files
package() {
	local name=$1 root=$T/packages/$1
	shift
	mkdir -p "$root/DEBIAN"
	[ ! -d "$T/$name.files" ] || cp -a "$T/$name.files/." "$root/"
	printf '%s\n' "Package: $name" "Version: 1" "Architecture: all" "Maintainer: nobody <nobody@example.org>" \
		"Description: test" >"$root/DEBIAN/control"
	printf '%s\n' "#!/bin/sh" "set -e" "$@" >"$root/DEBIAN/postinst"
	chmod 755 "$root/DEBIAN/postinst"
	dpkg-deb --root-owner-group -b "$root" "$T/repository/$name.deb" >/dev/null
}
mkdir -p "$T/repository" "$T/generator.files/usr/sbin"
printf '%s\n' '#!/bin/sh' 'echo "$@" >>/var/log/initramfs-calls' 'touch "/boot/initrd.img-$3"' \
	>"$T/generator.files/usr/sbin/update-initramfs"
chmod 755 "$T/generator.files/usr/sbin/update-initramfs"
package generator
package daemon 'invoke-rc.d --quiet daemon start || true' '[ ! -x /usr/sbin/policy-rc.d ] || touch /var/log/policy-was-there' \
	'update-initramfs -u' 'sleep 300 >/dev/null 2>&1 &'
package asks 'read answer || true; echo "answer=$answer" >/var/log/answer'
package broken 'echo "this package is broken" >&2' 'exit 3'
(cd "$T/repository" && apt-ftparchive packages . >Packages)

mkdir -p "$T/overlay/etc"
echo "welcome to the cluster" >"$T/overlay/etc/motd"
tar -C "$T/overlay" --zstd -cf "$T/files.tar.zst" .
FILES=$("$TOP/out/asan/make-blob" "$T/files.tar.zst")
mkdir -p "$T/www/blob"
cp "$T/files.tar.zst" "$T/www/blob/${FILES% *}"
cp "$T/files.tar.zst.blob" "$T/www/blob/${FILES% *}.blob"
PORT=$((20000 + RANDOM % 10000))
(cd "$T/www" && exec python3 -m http.server --bind 127.0.0.1 $PORT >/dev/null 2>&1) &
SERVER=$!

whole_plan() {
	plan_new "server http://127.0.0.1:$PORT"
	section extrbase "base test" "blob $("$TOP/out/asan/make-blob" "$BASE")" "format tar.zst" "source file:$BASE"
	section install "repository file:$T/repository ./" "trusted yes" "package generator" "package daemon" "package asks"
	section configure "hostname cnode00" "domain example" "address 10.1.2.3" "netmask 255.255.255.0" "gateway 10.1.2.1" \
		"dns 10.1.2.1" "mac 52:54:00:00:00:01" "interface auto" 'root_password $6$salt$hash' \
		"ssh_key ssh-ed25519 AAAA someone" "files $FILES default"
	section finalize "kernel_args console=ttyS0,115200 quote='x y'"
}

for TABLE in gpt msdos; do
	disk_new 2G
	whole_plan
	for module in partition mount extrbase; do run $module; done
	before=$(cat "$TARGET/etc/resolv.conf" 2>&1)

	run install
	same "$(chroot "$TARGET" dpkg-query -W -f '${Package} ${Status}\n' generator daemon asks | sort | tr '\n' ';')" \
		"asks install ok installed;daemon install ok installed;generator install ok installed;" "the packages"
	[ -e "$TARGET/var/log/policy-was-there" ] || fail "services could have started"
	[ ! -e "$TARGET/usr/sbin/policy-rc.d" ] || fail "policy-rc.d is left"
	same "$(cat "$TARGET/var/log/answer")" "answer=" "the answer to a question"
	same "$(sort "$TARGET/var/log/initramfs-calls" | tr '\n' ';')" "-c -k 6.1.10;-c -k 6.1.9;" "initramfs generations"
	same "$(chroot "$TARGET" dpkg -V)" "" "dpkg -V"
	same "$(chroot "$TARGET" dpkg-divert --list '*.lucie-aside')" "" "diversions"
	[ ! -e "$TARGET/run/lucie" ] || fail "something of ours is left in /run"
	same "$(grep -c " $TARGET" /proc/self/mounts)" 2 "mounts after install"
	same "$(cat "$TARGET/etc/resolv.conf" 2>&1)" "$before" "resolv.conf"
	pass "install, $TABLE"

	run configure
	same "$(cat "$TARGET/etc/hostname")" cnode00 "host name"
	same "$(cat "$TARGET/etc/motd")" "welcome to the cluster" "a file of the site"
	grep -q '^root:$6$salt$hash:19675:' "$TARGET/etc/shadow" || fail "root's password"
	same "$(stat -c '%a %G' "$TARGET/etc/shadow")" "640 shadow" "mode of the shadow file"
	has "$TARGET/etc/fstab" "UUID=$(blkid -p -o value -s UUID "${DISK}p2") / ext4 errors=remount-ro 0 1"
	has "$TARGET/etc/fstab" "UUID=$(blkid -p -o value -s UUID "${DISK}p3") /srv/data ext4 noatime,nodev 0 2"
	has "$TARGET/etc/fstab" "UUID=$(blkid -p -o value -s UUID "${DISK}p1") none swap sw 0 0"
	! grep -q 0123456789abcdef0123456789abcdef "$TARGET/etc/machine-id" || fail "the machine-id is the base's"
	pass "configure, $TABLE"

	run finalize
	! grep -q "$DISK" /proc/swaps /proc/self/mounts || fail "something of the disk is still in use"
	sfdisk --verify "$DISK" >/dev/null 2>&1 || fail "sfdisk finds faults"
	for p in "$DISK"p2 "$DISK"p3; do
		e2fsck -fn "$p" >"$T/fsck" 2>&1 || { cat "$T/fsck"; fail "e2fsck of $p"; }
	done
	mount -o ro "${DISK}p2" "$TARGET"
	has "$TARGET/boot/extlinux/extlinux.conf" "LINUX /boot/vmlinuz-6.1.10"
	has "$TARGET/boot/extlinux/extlinux.conf" "APPEND root=UUID=$(blkid -p -o value -s UUID "${DISK}p2") ro console=ttyS0,115200 quote='x y'"
	has "$TARGET/boot/lucie/grub.cfg" "linux /boot/vmlinuz-6.1.10 root=UUID=$(blkid -p -o value -s UUID "${DISK}p2") ro console=ttyS0,115200 quote=\\'x y\\'"
	[ "$(grep -n 'vmlinuz-6.1.10' "$TARGET/boot/extlinux/extlinux.conf" | cut -d: -f1)" -lt \
		"$(grep -n 'vmlinuz-6.1.9' "$TARGET/boot/extlinux/extlinux.conf" | cut -d: -f1)" ] || fail "the newest kernel is not the first"
	[ -e "$TARGET/boot/extlinux/ldlinux.sys" ] || fail "no boot loader"
	same "$(stat -c %a "$TARGET/var/log/lucie/plan")" 600 "mode of the answer file"
	has "$TARGET/var/log/lucie/plan" "hostname cnode00"
	! grep -q '^token' "$TARGET/var/log/lucie/plan" || fail "the token is in the answer file"
	umount "$TARGET"
	pass "finalize, $TABLE"
done

# a repair keeps what is the node's own
mount "${DISK}p2" "$TARGET"
id=$(cat "$TARGET/etc/machine-id")
rm "$TARGET/etc/hostname"
umount "$TARGET"
MODULES="init mount configure finalize"
whole_plan
for module in mount configure finalize; do run $module; done
mount -o ro "${DISK}p2" "$TARGET"
same "$(cat "$TARGET/etc/machine-id")" "$id" "the machine-id after a repair"
same "$(cat "$TARGET/etc/hostname")" cnode00 "the host name after a repair"
umount "$TARGET"
MODULES=
pass "a repair"

# a failure names the package, and leaves the target without our makeshifts
disk_new 2G
whole_plan
for module in partition mount extrbase; do run $module; done
sed -i 's/^package asks/package nowhere/' "$T/plan"
refuses install "Unable to locate package nowhere"
pass "a package that is not there: $LAST"
sed -i 's/^package nowhere/package broken/' "$T/plan"
refuses install "'/usr/bin/apt-get' in the target failed \(exit code 100\): broken: installed broken package post-installation"
pass "a broken package: $LAST"
[ ! -e "$TARGET/usr/sbin/policy-rc.d" ] || fail "policy-rc.d is left"
same "$(chroot "$TARGET" dpkg-divert --list '*.lucie-aside')" "" "diversions after a failure"
same "$(grep -c " $TARGET" /proc/self/mounts)" 2 "mounts after a failure"
# an installation that never came to its end cannot be repaired
umount -R "$TARGET"
MODULES="init mount configure finalize"
whole_plan
refuses mount "was never finished"
pass "a repair of half an installation: $LAST"

# and no kernel is no success
MODULES=
whole_plan
run mount
rm "$TARGET"/boot/vmlinuz-*
run configure
refuses finalize "no kernel in '/boot'"
pass "no kernel: $LAST"

# a /boot of its own; and the power goes while a finished installation is made anew
disk_new 640M
LAYOUT="disk sys $DISK
partition /boot 64M ext4
partition / 256M- ext4"
whole_plan
sed -i '/^package/d' "$T/plan"
for module in partition mount extrbase configure finalize; do run $module; done
mount -o ro "${DISK}p1" "$TARGET"
has "$TARGET/extlinux/extlinux.conf" "LINUX /vmlinuz-6.1.10"
[ -e "$TARGET/extlinux/ldlinux.sys" ] || fail "no boot loader on /boot"
umount "$TARGET"
pass "a /boot of its own"
disk_drop
cuts "a finished installation" 97
