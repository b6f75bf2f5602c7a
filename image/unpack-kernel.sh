#!/bin/sh
# unpack-kernel.sh PACKAGE FOLDER: the kernel and its modules from the distribution's package, with modules.dep and modules.alias made by
# depmod (the package has none). Leaves FOLDER/vmlinuz, FOLDER/version and FOLDER/lib/modules/VERSION/.
# Modules are not stripped: their signatures are what Secure Boot asks for. Only a compression around them is taken off, because the
# initramfs is compressed as a whole.
set -eu

package=$1
out=$2
read -r _ _ _ file _ <"dl/$package.used"
rm -rf "$out"
mkdir -p "$out"
dpkg-deb --fsys-tarfile "dl/$file" | tar -x -C "$out" --wildcards './boot/vmlinuz-*' './lib/modules/*' --exclude ./lib/modules/*/build
version=$(ls "$out/lib/modules")
mv "$out/boot/vmlinuz-$version" "$out/vmlinuz"
rmdir "$out/boot"
find "$out/lib/modules" -name '*.ko.xz' -exec xz -d {} +
find "$out/lib/modules" -name '*.ko.zst' -exec zstd -q -d --rm {} +
PATH=$PATH:/usr/sbin:/sbin depmod -b "$out" "$version"
echo "$version" >"$out/version"
