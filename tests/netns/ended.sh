#!/usr/bin/env bash
# A test of the ring that is ended from outside, by a time limit for instance, ends with all that it has started, and does not call that a wrong
# outcome of the ring: here while it sums what a node has, which is a pipe that nobody writes to.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/ring.sh
. tests/netns/ring.sh

judged() { # runs in the lab
	RING_N=1 RING_SUM=none RC=(0 0)
	mkdir "$LAB/node1" && mkfifo "$LAB/node1/file"
	echo '{"event":"done","seconds":1,"node":"n1"}' >"$LAB/json"
	echo judging
	ring_judge
	echo judged
}

[ "${1:-}" != judged ] || { lab_enter "$@"; judged; exit; }

out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
setsid "$0" judged >"$out" 2>&1 &
for i in $(seq 250); do
	! grep -q judging "$out" || break
	sleep 0.02
done
sleep 0.1
kill -TERM -- -$!
wait $!
rc=$?
[ "$rc" = 143 ] && [ "$(cat "$out")" = judging ] && { echo "a test that is ended says nothing else"; exit 0; }
echo "WRONG: exit code $rc, and it said:"
cat "$out"
exit 1
