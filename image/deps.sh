#!/bin/sh
# deps.sh check|install build|use|all: what is wanted of the distribution, to build; to build, serve and try on virtual machines; and for the tests, too.
# `check` names what is missing and the one command that installs it; `install` runs that command, as root or by sudo.
set -eu

BUILD='
gcc libc6-dev linux-libc-dev binutils make dpkg-dev patch perl python3 nasm bison flex bzip2 xz-utils zstd kmod pkg-config git
libarchive-dev libext2fs-dev comerr-dev libblkid-dev libfdisk-dev uuid-dev libcurl4-gnutls-dev libsodium-dev libjansson-dev
libmicrohttpd-dev libsqlite3-dev liblzma-dev libzstd-dev zlib1g-dev'
USE='
dnsmasq-base mmdebstrap uidmap apt-utils gnupg qemu-system-x86 ovmf e2fsprogs dosfstools fdisk iproute2 procps curl cpio openssh-client'
TESTS='
libcmocka-dev clang libclang-rt-14-dev clang-format mandoc shellcheck mdadm openssl jq bc nfs-ganesha nfs-ganesha-vfs netbase chromium
btrfs-progs xfsprogs exfatprogs ntfs-3g f2fs-tools jfsutils reiserfsprogs nilfs-tools udftools genisoimage squashfs-tools erofs-utils lvm2 cryptsetup-bin
bcache-tools parted swtpm'

case $2 in
build) packages=$BUILD ;;
use) packages="$BUILD $USE" ;;
all) packages="$BUILD $USE $TESTS" ;;
*) echo "deps.sh: bad set '$2', expected build, use or all" >&2; exit 2 ;;
esac

missing=
for package in $packages; do
	case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
	*' installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

# The tests start their own NFS server: who had none is to get no new service, and who had rpcbind keeps it.
services=
case $missing in
*nfs-ganesha*)
	services=nfs-ganesha
	dpkg-query -W rpcbind >/dev/null 2>&1 || services="$services rpcbind.socket rpcbind"
	;;
esac

command="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
	root='env'
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	root='sudo'
else
	root=
fi
if [ "$1" != install ] || [ -z "$root" ]; then
	[ "$2" = all ] && target=deps-check || target=deps
	printf 'packages are missing (make %s); as root run:\n  %s\n' "$target" "$command" >&2
	exit 1
fi
$root DEBIAN_FRONTEND=noninteractive sh -c "$command"
[ -z "$services" ] || $root systemctl disable --now $services >/dev/null 2>&1 || true
