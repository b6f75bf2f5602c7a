#!/bin/sh
# lock.sh SOURCE... -- BINARY...: writes the lock file of this host's release: the newest versions that the distribution's mirror has.
set -eu
. image/apt-private.sh

mkdir -p "$DL" "$(dirname "$LOCK")"
apt_update

newest()
{
	versions "$1" "$2" | tail -n 1
}

lock_source()
{
	version=$(newest dsc "$1")
	[ -n "$version" ] || die "the mirror has no source package '$1'"
	(cd "$DL" && apt_private apt-get source --download-only "$1=$version" >/dev/null)
	dsc=$1_${version#*:}.dsc
	echo "dsc $1 $version $dsc $(sha256sum <"$DL/$dsc" | cut -d' ' -f1)"
	dsc_files "$DL/$dsc" | while read -r hash file; do
		case $file in
		*.orig.tar.*.asc | *.orig-*.tar.*.asc | *.sig) ;;
		*.orig.tar.* | *.orig-*.tar.*) echo "orig $1 $version $file $hash" ;;
		esac
	done
}

lock_binary()
{
	package=$(deb_name "$1")
	version=$(newest deb "$package")
	[ -n "$version" ] || die "the mirror has no package '$1'"
	(cd "$DL" && apt_private apt-get download "$package=$version" >/dev/null)
	file=$(cd "$DL" && set -- "${package}_$(echo "$version" | sed 's/:/%3a/')"_*.deb && echo "$1")
	echo "deb $1 $version $file $(sha256sum <"$DL/$file" | cut -d' ' -f1)"
}

kind=source
{
	echo "# written by make lock on $HOST_RELEASE: KIND NAME VERSION FILE SHA256"
	for name in "$@"; do
		case $name in
		--) kind=binary ;;
		*) lock_$kind "$name" ;;
		esac
	done
} >"$LOCK.new"
mv "$LOCK.new" "$LOCK"
echo "$LOCK: $(grep -c -v '^#' "$LOCK") files pinned"
