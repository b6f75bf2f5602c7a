#!/usr/bin/env bash
# make check: every part in order, each with its time; a table at the end, and exit 1 if one failed. PARTS="lint unit" runs some.
set -u
cd "$(dirname "$0")/.." || exit 2
unset MAKEFLAGS MFLAGS MAKELEVEL # each part is a make of its own
parts=${PARTS:-lint unit fuzz cli image init server security board modules netns vm}
passed=0 failed=0 table=
for part in $parts; do
	printf '\n=== check-%s\n' "$part"
	start=$SECONDS result=passed
	if make --no-print-directory "check-$part"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)) result=FAILED
	fi
	table+=$(printf '%-12s %-8s %4d s' "$part" "$result" $((SECONDS - start)))$'\n'
done
printf '\n%s' "$table"
printf '%-12s %-8s %4d s\n\n' all '' "$SECONDS"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
