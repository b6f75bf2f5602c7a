#!/usr/bin/env bash
# make check: builds what each part needs, then runs the parts, two at a time, and those in machines last and alone, as they use all processors.
# What a part says is shown as a whole when it has ended. A table at the end, and exit 1 if one failed. PARTS="lint unit" runs some.
set -u
cd "$(dirname "$0")/.." || exit 2
unset MAKEFLAGS MFLAGS MAKELEVEL # each part is a make of its own
parts=${PARTS:-lint netns modules init server security unit cli board fuzz image vm}
results=$(mktemp)
trap 'rm -f "$results"' EXIT

alone='' others=''
for part in $parts; do
	printf '\n=== build-%s\n' "$part"
	start=$SECONDS
	if ! make --no-print-directory "build-$part"; then
		echo "$part 2 $((SECONDS - start))" >>"$results"
	elif [ "$part" = vm ]; then
		alone=vm
	else
		others="$others $part"
	fi
done
built=$SECONDS
[ -z "$others" ] || for part in $others; do echo "$part make --no-print-directory check-$part"; done | tests/lanes.sh 2 "$results"
if [ -n "$alone" ]; then
	printf '\n=== check-%s\n' "$alone"
	start=$SECONDS status=0
	make --no-print-directory "check-$alone" || status=$?
	echo "$alone $status $((SECONDS - start))" >>"$results"
fi

printf '\n%-12s %-8s %4d s\n' build '' "$built"
passed=0 failed=0
while read -r part status seconds; do
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1)) result=passed
	else
		failed=$((failed + 1)) result=FAILED
	fi
	printf '%-12s %-8s %4d s\n' "$part" "$result" "$seconds"
done <"$results"
printf '%-12s %-8s %4d s\n\n' all '' "$SECONDS"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
