#!/usr/bin/env bash
# kernel-deb.sh FILE: a package that comes and goes like a distribution's kernel, with its calls of /etc/kernel; what it brings is a copy of
# the kernel that runs, under the version 99.0-test.
set -euo pipefail
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
mkdir "$T/DEBIAN"
cat >"$T/DEBIAN/control" <<'END'
Package: linux-image-99.0-test
Version: 1
Architecture: amd64
Maintainer: nobody <nobody@example.test>
Description: a copy of the kernel that runs
END
cat >"$T/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
for name in vmlinuz initrd.img; do cp "/boot/$name-$(uname -r)" "/boot/$name-99.0-test"; done
INITRD=No run-parts --arg=99.0-test --arg=/boot/vmlinuz-99.0-test /etc/kernel/postinst.d
END
cat >"$T/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
rm -f /boot/vmlinuz-99.0-test /boot/initrd.img-99.0-test
INITRD=No run-parts --arg=99.0-test --arg=/boot/vmlinuz-99.0-test /etc/kernel/postrm.d
END
chmod 755 "$T/DEBIAN/postinst" "$T/DEBIAN/postrm"
dpkg-deb --root-owner-group --build "$T" "$1" >/dev/null
