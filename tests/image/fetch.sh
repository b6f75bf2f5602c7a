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

# mirror/VERSIONS has "NAME VERSION" lines; mirror/NAME_* are the files of all versions.
cat >bin/apt-get <<'END'
#!/bin/sh
echo "apt-get $*" >>"$CALLS"
for last; do :; done
case "$*" in
*update*) exit 0 ;;
*) cp "$MIRROR/${last%%=*}_${last#*=}".dsc "$MIRROR/${last%%=*}"_*.orig.tar.* . ;;
esac
END
cat >bin/apt-cache <<'END'
#!/bin/sh
for last; do :; done
sed -n "s/^\($last\) \(.*\)/\1 | \2 | mirror Sources/p" "$MIRROR/VERSIONS"
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

if fetch unknown; then fail "fetches what is not pinned"; fi
grep -q "'unknown' is not in" out || fail "does not say what is not pinned"
echo "ok: fetch"
