#!/usr/bin/env bash
# docs/tutorial.md, run as it is written: the commands of each block `sh` in one bash, in order; a block `sh fails` must not end with 0; each line of
# a block `text` must stand in what the block before it printed. HOME is a new folder. Wants no root; the base system wants the network.
#
#	tests/docs/tutorial.sh [--list]      --list: only print what would be run
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/lib.sh"
[ -n "${TUTORIAL_INSIDE:-}" ] || TUTORIAL_INSIDE=1 exec timeout --foreground 3600 "$0" "$@" # some of its loops wait for ever
unset MAKEFLAGS MFLAGS MAKELEVEL # its makes are of their own
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-tutorial.XXXXXX")

cleanup() {
	local status=$?
	trap - EXIT
	# shellcheck disable=SC2046 # one word a process
	kill $(jobs -p) 2>/dev/null || true
	wait 2>/dev/null || true
	[ $status -eq 0 ] || tail -n 15 "$HOME"/cluster/*.console "$HOME"/cluster/serve.log 2>/dev/null || true
	rm -rf "$T"
	exit $status
}
trap cleanup EXIT

awk -v folder="$T" '
	/^```/ && !inside {inside = 1; split($0, word); kind = word[1]; n++
		file = sprintf("%s/%03d.%s", folder, n, kind == "```text" ? "text" : word[2] == "fails" ? "fails" : kind == "```sh" ? "sh" : "other")
		next}
	/^```/ {inside = 0; close(file); next}
	inside {print >file}' "$TOP/docs/tutorial.md"
[ -e "$T/001.sh" ] || fail "the tutorial begins with no commands"
if [ "${1:-}" = --list ]; then
	cat "$T"/*.sh "$T"/*.fails
	exit
fi

export HOME=$T/home
mkdir "$HOME"
cd "$TOP"
OUT=$T/out
for block in "$T"/[0-9]*; do
	case $block in
	*.text)
		while read -r line; do
			grep -qF -- "$line" "$OUT" || { cat "$OUT"; fail "the block above it did not print '$line'"; }
		done <"$block"
		continue
		;;
	esac
	echo "== $(head -n 1 "$block")"
	begin=$SECONDS
	result=0
	set +euo pipefail
	if [ "${block##*.}" = fails ]; then
		# shellcheck disable=SC1090 # written above
		. "$block" >"$OUT" 2>&1 </dev/null
		result=$?
	else
		set -e
		# shellcheck disable=SC1090 # written above
		. "$block" >"$OUT" 2>&1 </dev/null
	fi
	set -euo pipefail
	[ "${block##*.}" != fails ] || [ $result -ne 0 ] || { cat "$OUT"; fail "it did not fail"; }
	sed 's/^/   /' "$OUT" | tail -n 25
	echo "   ($((SECONDS - begin)) s)"
done
pass "the tutorial does what it says"
