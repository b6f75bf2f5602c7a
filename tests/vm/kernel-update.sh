#!/bin/sh
# Runs in the installed system at its first boot: a kernel package comes, goes, and comes again; after each step the console shows the
# kernels that extlinux / GRUB boot, in their order.
[ -e /root/kernel.deb ] || exit 0
exec >/dev/console 2>&1

kernels() {
	echo "kernels $1: $(sed -n 's,^\tLINUX .*/vmlinuz-,,p' /boot/extlinux/extlinux.conf | tr '\n' ' ')/ $(sed -n 's,^\tlinux [^ ]*/vmlinuz-\([^ ]*\) .*,\1,p' /boot/lucie/grub.cfg | tr '\n' ' ');"
}

kernels before
dpkg -i /root/kernel.deb
kernels 'with a new one'
dpkg -r linux-image-99.0-test
kernels 'without it'
dpkg -i /root/kernel.deb
rm /root/kernel.deb
sync
kernels 'at the end'
