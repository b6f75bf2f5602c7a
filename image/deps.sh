#!/bin/sh
# deps.sh check|install [build]: what building, the demo and the tests need from the distribution; with `build`, only what building needs.
# `check` names what is missing and the one command that installs it; `install` runs that command, as root or by sudo.
set -eu

BUILD='
gcc libc6-dev linux-libc-dev binutils make dpkg-dev patch perl python3 nasm bison flex bzip2 xz-utils zstd kmod pkg-config git
libarchive-dev libext2fs-dev comerr-dev libblkid-dev libfdisk-dev uuid-dev libcurl4-gnutls-dev libsodium-dev libjansson-dev
libmicrohttpd-dev libsqlite3-dev liblzma-dev libzstd-dev zlib1g-dev'
OTHER='
libcmocka-dev clang libclang-rt-14-dev clang-format mandoc shellcheck dnsmasq-base mmdebstrap qemu-system-x86 e2fsprogs dosfstools mdadm ovmf fdisk iproute2 procps curl cpio apt-utils
gnupg openssl openssh-client jq bc nfs-ganesha nfs-ganesha-vfs netbase chromium
btrfs-progs xfsprogs exfatprogs ntfs-3g f2fs-tools jfsutils reiserfsprogs nilfs-tools udftools genisoimage squashfs-tools erofs-utils lvm2 cryptsetup-bin
bcache-tools parted swtpm'

packages=$BUILD
[ "${2:-}" = build ] || packages="$BUILD $OTHER"

missing=
for package in $packages; do
	case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
	*' installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

command="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$1" = install ] && [ "$(id -u)" = 0 ]; then
	export DEBIAN_FRONTEND=noninteractive
	sh -c "$command"
elif [ "$1" = install ] && command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	sudo DEBIAN_FRONTEND=noninteractive sh -c "$command"
else
	printf 'packages are missing (make deps); as root run:\n  %s\n' "$command" >&2
	exit 1
fi
