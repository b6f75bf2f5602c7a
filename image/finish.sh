#!/bin/sh
# finish.sh WORK BOARD-OUT OUT MKINITRAMFS ADDON...: the firmware archive, if there is any firmware, and boot/, the folder for a TFTP server.
set -eu

work=$1
b=$2
out=$3
mkinitramfs=$4
shift 4

rm -rf "${b:?}/firmware.img" "${b:?}/boot"
mkdir -p "$b/boot/pxelinux.cfg"
initrd=initramfs.img
for addon in "$@"; do
	cp "$b/$addon.img" "$b/boot/"
	initrd=$initrd,$addon.img
done
if [ -s "$work/firmware.list" ]; then
	$mkinitramfs "$work/firmware.cpio" "$work/firmware.list"
	zstd -q -c -T2 -19 --no-check "$work/firmware.cpio" >"$b/firmware.img"
	truncate -s %4 "$b/firmware.img" # as image.mk's ALIGN: what follows is not compressed
	cp "$b/firmware.img" "$b/boot/"
	initrd=$initrd,firmware.img
fi
mkdir "$b/boot/grub"
cp "$out/efi/shimx64.efi" "$out/efi/grubx64.efi" "$b/boot/"
cp "$out/syslinux/lpxelinux.0" "$out/syslinux/ldlinux.c32" "$b/vmlinuz" "$b/initramfs.img" "$b/boot/"
cat >"$b/boot/pxelinux.cfg/default" <<END
# The default is the local disk: a node installs only where lucie setup wrote a file of its own for it.
DEFAULT local

LABEL local
	LOCALBOOT 0

LABEL lucie
	KERNEL vmlinuz
	INITRD $initrd
	APPEND rootfstype=ramfs panic=30 console=tty0 console=ttyS0,115200
	SYSAPPEND 3
END
cat >"$b/boot/grub/grub.cfg" <<'END'
# The same for machines with UEFI.
set timeout=5
menuentry local {
	search --no-floppy --file --set=root /EFI/BOOT/BOOTX64.EFI
	chainloader /EFI/BOOT/BOOTX64.EFI
}
menuentry lucie {
END
{
	printf '\tlinux /vmlinuz rootfstype=ramfs panic=30 console=tty0 console=ttyS0,115200\n'
	printf '\tinitrd%s\n}\n' "$(echo ",$initrd" | sed 's,\,, /,g')"
} >>"$b/boot/grub/grub.cfg"
