#!/usr/bin/env bash
# image/fetch.sh against a mirror that is two stub programs: what in dl/ is taken as it is, what is asked for again, which newer revision is
# accepted, and what is refused.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
cp -r "$top/image" .
mkdir bin mirror
export LOCK=$T/lock PATH=$T/bin:$PATH MIRROR=$T/mirror CALLS=$T/calls

# mirror/VERSIONS has "NAME VERSION" lines, mirror/DEBS those of binary packages; mirror/NAME_* are the files of all versions.
# As apt-get itself, download leaves a file alone that is there.
cat >bin/apt-get <<'END'
#!/bin/sh
echo "apt-get $*" >>"$CALLS"
for last; do :; done
case "$*" in
*update*) exit 0 ;;
*--download-only*) cp "$MIRROR/${last%%=*}_${last#*=}".dsc "$MIRROR/${last%%=*}"_*.orig.tar.* . ;;
*) [ -f "${last%%=*}_${last#*=}_amd64.deb" ] || cp "$MIRROR/${last%%=*}_${last#*=}_amd64.deb" . ;;
esac
END
cat >bin/apt-cache <<'END'
#!/bin/sh
for last; do :; done
sed -n "s/^\($last\) \(.*\)/\1 | \2 | mirror Sources/p" "$MIRROR/VERSIONS"
sed -n "s/^\($last\) \(.*\)/\1 | \2 | mirror Packages/p" "$MIRROR/DEBS"
END
chmod +x bin/*

fail() { echo "FAILED: $*" >&2; [ ! -f out ] || cat out >&2; exit 1; }
sum() { sha256sum <"$1" | cut -d' ' -f1; }
publish() { # NAME VERSION ORIG-CONTENT
	local orig=$1_${2%-*}.orig.tar.gz
	echo "$3" >"mirror/$orig"
	printf 'Source: %s\nChecksums-Sha256:\n %s %s %s\nFiles:\n x\n' "$1" "$(sum "mirror/$orig")" 1 "$orig" >"mirror/$1_$2.dsc"
	echo "$1 $2" >>mirror/VERSIONS
}
pin() { # NAME VERSION
	echo "dsc $1 $2 $1_$2.dsc $(sum "mirror/$1_$2.dsc")"
	echo "orig $1 $2 $1_${2%-*}.orig.tar.gz $(sum "mirror/$1_${2%-*}.orig.tar.gz")"
}
fetch() { : >calls; sh image/fetch.sh "$@" >out 2>&1; }

: >mirror/DEBS
publish tool 1.0-1 upstream
pin tool 1.0-1 >lock

fetch tool || fail "the pinned version is not fetched"
grep -q '^dsc tool 1.0-1 ' dl/tool.used || fail "what is used is not recorded"
fetch tool || fail "a second fetch fails"
[ ! -s calls ] || fail "asks the mirror for what is here"

echo altered >dl/tool_1.0.orig.tar.gz
fetch tool || fail "an altered file is not fetched again"
grep -q 'apt-get' calls || fail "an altered file is taken as it is"
[ "$(cat dl/tool_1.0.orig.tar.gz)" = upstream ] || fail "the altered file stays"

# The mirror keeps the newest revision only.
rm -r dl mirror/tool_1.0-1.dsc mirror/VERSIONS
publish tool 1.0-2 upstream
fetch tool || fail "a newer revision is refused"
grep -q 'no longer has 1.0-1; using 1.0-2' out || fail "says nothing about the newer revision"
grep -q '^dsc tool 1.0-2 ' dl/tool.used || fail "the newer revision is not recorded"
fetch tool || fail "the newer revision is refused the second time"
[ ! -s calls ] || fail "asks the mirror for the newer revision that is here"

# Other bytes under the same upstream version, and another upstream version.
rm -r dl mirror/tool_* mirror/VERSIONS
publish tool 1.0-3 'something else'
publish tool 1.1-1 upstream
if fetch tool; then fail "takes an upstream tarball that is not the pinned one"; fi
grep -q "'tool' 1.0-1 cannot be fetched" out || fail "the reason is not said"
[ ! -f dl/tool.used ] || fail "records what was refused"

# A binary package: what lies in dl/ counts for nothing but its hash; other bytes under the pinned version are refused, a newer one is taken.
echo kernel >mirror/kernel_6.1-1_amd64.deb
echo "kernel 6.1-1" >mirror/DEBS
echo "deb kernel 6.1-1 kernel_6.1-1_amd64.deb $(sum mirror/kernel_6.1-1_amd64.deb)" >lock
echo KERNEL >dl/kernel_6.1-1_amd64.deb
fetch kernel || fail "a binary package is not fetched again"
[ "$(cat dl/kernel_6.1-1_amd64.deb)" = kernel ] || fail "an altered binary package stays"
grep -q "^deb kernel 6.1-1 .* $(sum mirror/kernel_6.1-1_amd64.deb)$" dl/kernel.used || fail "another hash than the pinned one is recorded"
rm dl/kernel*
echo KERNEL >mirror/kernel_6.1-1_amd64.deb
if fetch kernel; then fail "takes other bytes under the pinned version"; fi
[ ! -f dl/kernel.used ] || fail "records other bytes under the pinned version"
echo newer >mirror/kernel_6.1-2_amd64.deb
echo "kernel 6.1-2" >mirror/DEBS
fetch kernel || fail "a newer binary package is refused"
grep -q '^deb kernel 6.1-2 ' dl/kernel.used || fail "the newer binary package is not recorded"

if fetch unknown; then fail "fetches what is not pinned"; fi
grep -q "'unknown' is not in" out || fail "does not say what is not pinned"
echo "ok: fetch"
