#!/usr/bin/env bash
# What does not belong into a ring: each ends in a clear error within bounded time and disturbs nothing else.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/ring.sh
. tests/netns/ring.sh
export RING_DOLLY=${RING_DOLLY:-$PWD/out/host/bin/dolly}
lab_enter "$@"

failed=0
expect() { # NAME TEXT FILE CODE: the file says TEXT and the code is not 0
	if [ "$4" != 0 ] && grep -q "$2" "$3"; then
		echo "ok    $1"
	else
		echo "WRONG $1: code $4, $(tail -1 "$3")"
		failed=$((failed + 1))
	fi
}
passes() { # NAME CODE
	[ "$2" = 0 ] && { echo "ok    $1"; return; }
	echo "WRONG $1"
	failed=$((failed + 1))
}

garbage() {
	local i
	for i in 1 2 3; do
		lab_in 2 timeout 3 bash -c "head -c 5000 /dev/urandom >/dev/tcp/$(lab_address 0)/9998" 2>/dev/null
		lab_in 2 timeout 1 bash -c "exec 3<>/dev/tcp/$(lab_address 0)/9998; sleep 0.5" 2>/dev/null
	done
}

lab_up 3 100mbit
ring_source 16
echo 'a key that nobody else has' >"$LAB/key"
echo 'another key, just as long as it' >"$LAB/other"
master=$(lab_address 0)

# The right key works, and the wrong one, none, and garbage do not disturb it.
RING_RECV="-k $LAB/key" RING_ORDER=0 RING_ABSENT=2
export RING_RECV RING_ORDER RING_ABSENT
ring_start 2 -k "$LAB/key"
lab_in 2 timeout 20 "$RING_DOLLY" recv -q --wait 300 -k "$LAB/other" "$master" "$LAB/x" 2>"$LAB/e"
expect "wrong key, known long before the end of --wait" "it has another key" "$LAB/e" $?
lab_in 2 timeout 20 "$RING_DOLLY" recv -q --wait 300 "$master" "$LAB/x" 2>"$LAB/e"
expect "no key" "it has another key" "$LAB/e" $?
garbage
RING_ABSENT='' ring_node 2
ring_finish
RING_BAD=0 ring_judge
passes "keyed ring with strangers at the door" $?
RING_RECV=''

ring_start 2
lab_in 2 timeout 20 "$RING_DOLLY" recv -q --wait 300 -k "$LAB/key" "$master" "$LAB/x" 2>"$LAB/e"
expect "a key where none is used" "it has another key" "$LAB/e" $?
lab_in 2 "$RING_DOLLY" recv -q --wait 1 --root "$(printf '%064d' 7)" "$master" "$LAB/x" 2>"$LAB/e"
expect "another content than asked for" "not those of the content" "$LAB/e" $?
kill "$(ring_pid 0)"
ring_finish

lab_in 2 "$RING_DOLLY" recv -q --wait 0.5 "$master" "$LAB/x" 2>"$LAB/e"
expect "no master" "cannot join" "$LAB/e" $?
lab_in 0 "$RING_DOLLY" send -q -n 1 "$LAB/nothing" 2>"$LAB/e"
expect "no source" "nothing" "$LAB/e" $?
lab_in 0 "$RING_DOLLY" send -q -n 1 "$LAB/.." 2>"$LAB/e"
expect "a path that ends in .." "last component" "$LAB/e" $?

# A source that becomes shorter while it is sent is a read error.  Longer than what is read ahead.
RING_ABSENT=''
ring_source 120
ring_start 1
sleep 0.4
truncate -s 5M "$LAB/source"
ring_finish
expect "read error at the source" "has become shorter" "$LAB/master.log" "${RC[0]}"
expect "read error at the source, node" "cannot read the source" "$LAB/node1.log" "${RC[1]}"
[ ! -e "$LAB/node1/file" ]
passes "no partial file" $?

echo "$failed wrong"
[ "$failed" = 0 ]
