#!/usr/bin/env bash
# Runs the tests of a list, some at a time, in its order. The output of each is shown as a whole when it has ended, so that those of two do not
# mix; the names of those that failed are shown at the end, and the exit code is 1. When it is told to end, so is all that it has started.
#
#	tests/lanes.sh LANES [RESULTS] <LIST      LIST has lines NAME COMMAND...; RESULTS is written: NAME EXIT-CODE SECONDS
set -um # a process group for each test
lanes=$1 results=${2:-}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'stop; exit 130' INT TERM HUP

one() { # NAME COMMAND...: leaves NAME.out and, when it is over, NAME.end
	local name=$1 start=$SECONDS status=0
	shift
	"$@" >"$T/$name.out" 2>&1 </dev/null || status=$?
	echo "$status $((SECONDS - start))" >"$T/$name.ends"
	mv "$T/$name.ends" "$T/$name.end"
}

stop() {
	local group
	for group in $(jobs -rp); do kill -TERM -- "-$group"; done
	wait
} 2>/dev/null

failed=
# What has ended, and was not shown.
show() {
	local file name status seconds
	for file in "$T"/*.end; do
		[ -e "$file" ] || return 0
		name=${file##*/} name=${name%.end}
		read -r status seconds <"$file"
		printf '\n--- %s: exit %d, %d s\n' "$name" "$status" "$seconds"
		cat "$T/$name.out"
		[ -z "$results" ] || echo "$name $status $seconds" >>"$results"
		[ "$status" -eq 0 ] || failed="$failed $name"
		rm "$file" "$T/$name.out"
	done
}

count=0
while read -r -a words; do
	while [ "$(jobs -rp | wc -l)" -ge "$lanes" ]; do
		wait -n
		show
	done
	one "${words[@]}" &
	count=$((count + 1))
done
while [ -n "$(jobs -rp)" ]; do
	wait -n
	show
done
show
[ "$count" -gt 0 ] || { echo "no tests in the list" >&2; exit 2; }
[ -z "$failed" ] || { printf '\nFAILED:%s\n' "$failed"; exit 1; }
