#!/bin/sh
# lock.sh source NAME... binary NAME... optional NAME...: writes the lock file of this host's release, with the newest versions that the
# distribution's mirror has. What is optional (firmware) may be missing there: a comment says so.
set -eu
. image/apt-private.sh

newest()
{
	versions "$1" "$2" | tail -n 1
}

hash_of()
{
	sha256sum <"$DL/$1" | cut -d' ' -f1
}

lock_source()
{
	version=$(newest dsc "$1")
	[ -n "$version" ] || die "the mirror has no source package '$1'"
	download dsc "$1" "$version"
	dsc=$(file_of dsc "$1" "$version")
	echo "dsc $1 $version $dsc $(hash_of "$dsc")"
	dsc_files "$DL/$dsc" | while read -r hash file; do
		case $file in
		*.asc | *.sig) ;;
		*.orig.tar.* | *.orig-*.tar.*) echo "orig $1 $version $file $hash" ;;
		esac
	done
}

lock_binary()
{
	package=$(deb_name "$1")
	version=$(newest deb "$package")
	[ -n "$version" ] || die "the mirror has no package '$1'"
	download deb "$package" "$version"
	file=$(file_of deb "$package" "$version")
	echo "deb $1 $version $file $(hash_of "$file")"
}

lock_optional()
{
	if [ -n "$(newest deb "$1")" ]; then
		lock_binary "$1"
	else
		echo "# $1: not in this host's package sources"
	fi
}

mkdir -p "$DL" "$(dirname "$LOCK")"
apt_update
kind=
{
	echo "# written by make lock on $HOST_RELEASE: KIND NAME VERSION FILE SHA256"
	for name in "$@"; do
		case $name in
		source | binary | optional) kind=$name ;;
		*) "lock_$kind" "$name" ;;
		esac
	done
} >"$LOCK.new"
mv "$LOCK.new" "$LOCK"
echo "$LOCK: $(grep -c -v '^#' "$LOCK") files pinned"
