#!/usr/bin/env bash
# `lucie` on the command line against golden output.
#
#	tests/cli/run.sh [LUCIE]           every fixture; prints the difference of each that fails
#	UPDATE=1 tests/cli/run.sh [LUCIE]  writes the golden files anew: read the diff before you commit it
#
# check/NAME.conf, or check/NAME/cluster.conf, is checked; check/NAME.golden is what it says and its exit code.
# plan/NAME.conf: the plan of its host n1. fmt/NAME.conf: its canonical form. docs/examples are right. fmt.sh: what fmt keeps and
# writes. verbs.sh: setup, base and the exit codes.
set -u
cd "$(dirname "$0")" || exit 2
lucie=$(realpath "${1:-../../out/host/bin/lucie}")
[ -x "$lucie" ] || { echo "no program '$lucie' (run make first)" >&2; exit 2; }
count=0 failed=0

# lucie FOLDER ARGUMENT...: what it says there, without the time of day and what images are built, and its exit code
run() {
	(cd "$1" && shift && timeout 10 "$lucie" "$@" 2>&1; echo "exit $?") | sed 's/^time [0-9]*$/time NOW/; /^note: no image of board /d'
}

golden() { # FILE TEXT
	count=$((count + 1))
	if [ -n "${UPDATE:-}" ]; then
		printf '%s\n' "$2" > "$1"
	elif ! diff -u "$1" <(printf '%s\n' "$2"); then
		echo "FAIL $1" >&2
		failed=$((failed + 1))
	fi
}

fixtures() { # FOLDER: its definitions
	(cd "$1" && ls -- *.conf */cluster.conf 2>/dev/null)
}

for conf in $(fixtures check); do
	name=${conf%/cluster.conf}
	golden "check/${name%.conf}.golden" "$(run check check "$conf")"
done
for conf in $(fixtures plan); do
	name=${conf%/cluster.conf}
	golden "plan/${name%.conf}.golden" "$(run plan plan n1 --conf "$conf")"
done
for conf in $(fixtures fmt); do
	golden "fmt/${conf%.conf}.golden" "$(run fmt fmt "$conf")"
done
for conf in ../../docs/examples/*.conf; do
	"$lucie" check "$conf" > /dev/null || { echo "FAIL $conf" >&2; failed=$((failed + 1)); }
done
./fmt.sh "$lucie" || failed=$((failed + 1))
./verbs.sh "$lucie" || failed=$((failed + 1))
./power.sh "$lucie" || failed=$((failed + 1))

echo "cli: $count fixtures, $failed failed"
[ "$failed" -eq 0 ]
