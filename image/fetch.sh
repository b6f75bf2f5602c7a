#!/bin/sh
# fetch.sh PACKAGE...: the distribution's source packages and a few binary ones, as the lock file of this host's release pins them.
#
# A file that lies in dl/ already is used if its hash is right; only what is missing is asked from the distribution's mirror. A lock line is
# KIND NAME VERSION FILE SHA256: `orig` (an upstream tarball) is a hard pin; `dsc` (Debian's revision) and `deb` are floors, because a
# mirror keeps only the newest revision: a newer one of the same upstream version is taken, and said so. What is used is written to
# dl/NAME.used (KIND NAME VERSION FILE SHA256), which is touched only when it changes.
set -eu
. image/apt-private.sh

[ -f "$LOCK" ] || die "no lock file for this release: '$LOCK' (make lock writes one)"
mkdir -p "$DL"
exec 9>"$DL/.lock"
flock 9

updated=
update_once()
{
	[ -n "$updated" ] || apt_update
	updated=1
}

pin() # NAME KIND: the lock's lines
{
	awk -v n="$1" -v k="$2" '$1 == k && $2 == n' "$LOCK"
}

# source_is_good NAME DSC: has all pinned tarballs, and every file that it names is here and right
source_is_good()
{
	[ -f "$DL/$2" ] || return 1
	dsc_files "$DL/$2" >"$DL/.files"
	pin "$1" orig | while read -r _ _ _ part_file part_hash; do
		grep -qx "$part_hash $part_file" "$DL/.files" || exit 1
	done || return 1
	while read -r part_hash part_file; do
		sha256_is "$DL/$part_file" "$part_hash" || return 1
	done <"$DL/.files"
}

is_good() # KIND NAME FILE SHA256
{
	sha256_is "$DL/$3" "$4" || return 1
	[ "$1" = deb ] || source_is_good "$2" "$3"
}

record() # KIND NAME VERSION FILE SHA256
{
	echo "$*" >"$DL/.used"
	cmp -s "$DL/.used" "$DL/$2.used" || mv "$DL/.used" "$DL/$2.used"
}

# newer_versions KIND NAME FLOOR: what the mirror has, newest first
newer_versions()
{
	versions "$1" "$2" | sort -V -r | while read -r v; do
		if dpkg --compare-versions "$v" gt "$3"; then echo "$v"; fi
	done
}

# take KIND NAME PACKAGE VERSION [SHA256]: downloads a version, checks and records it. PACKAGE is NAME but for a kernel's meta package.
# apt-get download keeps a file that has the right size, whatever is in it.
take()
{
	[ "$1" = dsc ] || rm -f "$DL/$(file_of "$1" "$3" "$4")"
	download "$1" "$3" "$4" || return 1
	file=$(file_of "$1" "$3" "$4")
	hash=$(sha256sum <"$DL/$file") || return 1
	hash=${hash%% *}
	[ "$hash" = "${5:-$hash}" ] || return 1
	is_good "$1" "$2" "$file" "$hash" || return 1
	record "$1" "$2" "$4" "$file" "$hash"
}

fetch()
{
	line=$(awk -v n="$1" '$2 == n && $1 != "orig"' "$LOCK")
	[ -n "$line" ] || die "'$1' is not in '$LOCK' (make lock)"
	read -r kind name version file hash <<-END
		$line
	END
	if is_good "$kind" "$name" "$file" "$hash"; then
		record "$kind" "$name" "$version" "$file" "$hash"
		return
	fi
	if [ -f "$DL/$name.used" ]; then
		read -r _ _ used ufile uhash <"$DL/$name.used"
		if dpkg --compare-versions "$used" ge "$version" && is_good "$kind" "$name" "$ufile" "$uhash"; then
			return
		fi
	fi
	update_once
	echo "fetching $name $version" >&2
	if take "$kind" "$name" "${file%%_*}" "$version" "$hash" 2>/dev/null; then
		return
	fi
	package=$name
	[ "$kind" = dsc ] || package=$(deb_name "$name")
	for v in $(newer_versions "$kind" "$package" "$version"); do
		if take "$kind" "$name" "$package" "$v"; then
			echo "$name: the mirror no longer has $version; using $v" >&2
			return
		fi
	done
	die "'$name' $version cannot be fetched as it is pinned, nor a newer revision of the same upstream version"
}

for name in "$@"; do
	fetch "$name"
done
