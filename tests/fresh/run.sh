#!/usr/bin/env bash
# Proves the README's claim: on a fresh Debian, `make demo` and `make check` work as the first command.
#
#	tests/fresh/run.sh demo|check|image [FOLDER]
#
# Makes a minimal root (mmdebstrap minbase plus make and git) in FOLDER (default: a new one under /var/tmp), clones HEAD into it and runs the
# command there as root, in a mount and PID namespace of its own. The package sources and apt settings are the host's. Needs root.
set -euo pipefail

target=${1:?usage: tests/fresh/run.sh demo|check|image [FOLDER]}
case $target in demo | check | image) ;; *) echo "tests/fresh: unknown command '$target', expected demo, check or image" >&2; exit 2 ;; esac
[ "$(id -u)" = 0 ] || { echo "tests/fresh: needs root (mmdebstrap and chroot)" >&2; exit 2; }
command -v mmdebstrap >/dev/null || { echo "tests/fresh: mmdebstrap is missing (make deps)" >&2; exit 2; }

top=$(cd "$(dirname "$0")/../.." && pwd)
folder=${2:-$(mktemp -d /var/tmp/lucie-fresh.XXXXXX)}
root=$folder/root
mkdir -p "$folder"
[ ! -e "$root" ] || { echo "tests/fresh: '$root' exists already, expected a new folder" >&2; exit 2; }

. /etc/os-release
apt_options=$(mktemp)
apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)[^ ]* ' >"$apt_options" || true
sources=()
for f in /etc/apt/sources.list.d/"$ID".sources /etc/apt/sources.list; do
	[ ! -s "$f" ] || { sources+=("$f"); break; }
done
[ "${#sources[@]}" -gt 0 ] || { echo "tests/fresh: the host's apt has no source of its distribution" >&2; exit 2; }

echo "== minimal root in $root"
mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates --aptopt="$apt_options" \
	"$VERSION_CODENAME" "$root" "${sources[@]}"
rm -f "$apt_options"
# mmdebstrap writes what it was given; the chroot resolves names as the host does.
cp /etc/resolv.conf "$root/etc/resolv.conf"
git clone --quiet "$top" "$root/root/lucie"

echo "== make $target, as the first command"
start=$(date +%s)
status=0
# Not a mere chroot: the tests make user namespaces, which the kernel allows only where the root is that of the mount namespace.
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --propagation private bash -ec '
	root=$1 target=$2
	mount --bind "$root" "$root"
	mount --bind /dev "$root/dev"
	mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666 2>/dev/null || true
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
	cd "$root" && pivot_root . mnt && umount -l mnt
	exec chroot . /usr/bin/env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 CI="${CI:-}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		make -C /root/lucie "$target"
' fresh "$root" "$target" || status=$?
echo "== make $target in a minimal root: exit $status after $(($(date +%s) - start)) s"
if [ -z "${2:-}" ] && [ $status -eq 0 ]; then
	rm -rf --one-file-system "$folder"
else
	echo "== kept: $folder"
fi
exit $status
