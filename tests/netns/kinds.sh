#!/usr/bin/env bash
# What can be sent and by which way: devices, trees, IPv6, a card of its own for the data, the older dolly's configuration, a node that is
# started again. Needs root for the loop devices, which are made before the namespaces are entered.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/ring.sh
. tests/netns/ring.sh
export RING_DOLLY=${RING_DOLLY:-$PWD/out/host/bin/dolly}

# Four devices of 20, 24, 24 and 8 MB, the last three full of what is not zero, around everything else.
with_devices() {
	local folder status sizes=(20 24 24 8) i
	folder=$(mktemp -d "${TMPDIR:-/var/tmp}/ring-devices.XXXXXX")
	DEVICES=()
	for i in 0 1 2 3; do
		head -c "${sizes[i]}M" /dev/zero | tr '\0' 'x' >"$folder/$i"
		DEVICES+=("$(losetup --find --show "$folder/$i")") || break
	done
	if [ "${#DEVICES[@]}" = 4 ]; then
		(DEVICES="${DEVICES[*]}" lab_enter "$@")
		status=$?
	else
		echo "no loop devices" >&2
		status=1
	fi
	for i in "${DEVICES[@]}"; do losetup -d "$i"; done
	rm -rf "$folder"
	return "$status"
}

if [ "${LAB_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "tests/netns/kinds.sh needs root, for loop devices" >&2; exit 1; }
	export DEVICES
	with_devices "$@"
	exit
fi
lab_enter "$@"
read -r -a DEVICES <<<"$DEVICES"

failed=0
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok    $name"
	else
		echo "WRONG $name"
		sed 's/^/      /' "$LAB"/send.log "$LAB"/recv*.log
		failed=$((failed + 1))
	fi
}

# send OPTION... SOURCE, then recv I OPTION... MASTER DEST for each node, then finish: the codes are in RC.
send() {
	RC=() PIDS=()
	lab_exec 0 "$RING_DOLLY" send -q --json --wait 5 "$@" >"$LAB/json" 2>"$LAB/send.log" &
	PIDS[0]=$!
	for _ in $(seq 100); do
		grep -q listening "$LAB/json" && break
		sleep 0.02
	done
}
recv() {
	local i=$1
	shift
	lab_exec "$i" "$RING_DOLLY" recv -q --name "n$i" "$@" 2>"$LAB/recv$i.log" &
	PIDS[i]=$!
}
finish() {
	local i
	for i in "${!PIDS[@]}"; do
		wait "${PIDS[i]}"
		RC[i]=$?
	done
}
codes() { [ "${RC[*]}" = "$1" ]; }
bytes_in() { lab_in "$1" cat "/sys/class/net/$2/statistics/rx_bytes"; } # NODE CARD

master=$(lab_address 0)
lab_up 3 400mbit
ring_source 20

devices() {
	dd if="$LAB/source" of="${DEVICES[0]}" bs=1M status=none
	send -n 3 "${DEVICES[0]}"
	recv 1 "$master" "${DEVICES[1]}"
	recv 2 "$master" "$LAB/image"
	recv 3 "$master" "${DEVICES[2]}"
	finish
	codes "0 0 0 0" && cmp -n $((20 << 20)) "$LAB/source" "${DEVICES[1]}" && cmp "$LAB/source" "$LAB/image" &&
		cmp -n $((20 << 20)) "$LAB/source" "${DEVICES[2]}" && [ "$(tail -c 4M "${DEVICES[1]}" | tr -d x | wc -c)" = 0 ]
}
check "device to devices and a file; zeros are cleared, what lies behind stays" devices

# Somebody who looks at all disks of the machine may have it for a moment.
hold='
import os, sys, time
while True:
	try:
		os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)
		break
	except OSError:
		time.sleep(0.1)
open(sys.argv[2], "w").close()
time.sleep(60)'

unfit_devices() {
	python3 -c "$hold" "${DEVICES[1]}" "$LAB/held" &
	local holder=$! i
	for i in $(seq 100); do
		[ ! -e "$LAB/held" ] || break
		sleep 0.1
	done
	send -n 3 "$LAB/source"
	recv 1 "$master" "${DEVICES[1]}"
	recv 2 "$master" "${DEVICES[3]}"
	recv 3 "$master" "$LAB/copy"
	finish
	kill "$holder" && wait "$holder" 2>/dev/null
	codes "1 1 1 0" && cmp "$LAB/source" "$LAB/copy" && grep -q busy "$LAB/recv1.log" && grep -q "${DEVICES[3]}" "$LAB/recv2.log" &&
		[ "$(head -c 8M "${DEVICES[3]}" | tr -d x | wc -c)" = 0 ]
}
check "a device in use, one that is too small: refused, untouched, the third node is served" unfit_devices

tree() {
	mkdir -p "$LAB/tree/a b/c" "$LAB/tree/empty"
	for i in $(seq 300); do echo "$i" >"$LAB/tree/a b/c/f$i"; done
	: >"$LAB/tree/nothing"
	cp "$LAB/source" "$LAB/tree/large"
	truncate -s 30M "$LAB/tree/hole"
	ln -s ../nowhere "$LAB/tree/link"
	chmod 750 "$LAB/tree/empty" && chmod 4711 "$LAB/tree/nothing" && touch -d 2001-02-03 "$LAB/tree/large"
	send -n 2 "$LAB/tree" "$LAB/source"
	recv 1 "$master" "$LAB/t1"
	recv 2 "$master" "$LAB/t2"
	finish
	(cd "$LAB" && find tree source -printf '%p %y %m %T@ %l\n' | sort) | sed 's/\.[0-9]* / /' >"$LAB/expected"
	(cd "$LAB/t2" && find tree source -printf '%p %y %m %T@ %l\n' | sort) | sed 's/\.[0-9]* / /' >"$LAB/got"
	codes "0 0 0" && diff -r --no-dereference "$LAB/tree" "$LAB/t1/tree" && diff "$LAB/expected" "$LAB/got" &&
		[ "$(stat -c %b "$LAB/t2/tree/hole")" = 0 ] && [ ! -e "$LAB/t2/.dolly-part" ]
}
check "a tree and a file: content, modes, times, links, holes" tree

ipv6() {
	for i in 0 1 2; do ip -n "n$i" addr add "fd77::$((i + 1))/64" dev eth0 nodad; done
	send -n 2 "$LAB/source"
	recv 1 "[fd77::1]:9998" "$LAB/v1"
	recv 2 "fd77::1" "$LAB/v2"
	finish
	codes "0 0 0" && cmp "$LAB/source" "$LAB/v1" && cmp "$LAB/source" "$LAB/v2"
}
check "IPv6" ipv6

# A second card; the master is asked over the first one.
interface() {
	local i before after
	ip link add name br1 type bridge && ip link set br1 up
	for i in 0 1 2; do
		ip link add name "w$i" type veth peer name eth1 netns "n$i"
		ip link set "w$i" master br1 up
		ip -n "n$i" addr add "10.78.0.$((i + 1))/24" dev eth1
		ip -n "n$i" link set eth1 up
	done
	before=$(bytes_in 2 eth0)
	send -n 2 --interface eth1 "$LAB/source"
	recv 1 --interface eth1 "$master" "$LAB/i1"
	recv 2 --interface 10.78.0.3 "$master" "$LAB/i2"
	finish
	after=$(bytes_in 2 eth0)
	codes "0 0 0" && cmp "$LAB/source" "$LAB/i2" && [ $((after - before)) -lt 200000 ] && [ "$(bytes_in 2 eth1)" -gt $((19 << 20)) ]
}
check "--interface: the data take the other card" interface

config() {
	printf 'infile %s\noutfile %s\nserver %s\nfirstclient n1\nlastclient n2\nclients 2\nn1\nn2\nendconfig\n' \
		"$LAB/source" "$LAB/out/file" "$master" >"$LAB/config"
	mkdir -p "$LAB/out"
	send --config "$LAB/config"
	recv 1 --config "$LAB/config"
	recv 2 "$master" "$LAB/out/second"
	finish
	codes "0 0 0" && cmp "$LAB/source" "$LAB/out/file" && cmp "$LAB/source" "$LAB/out/second"
}
check "--config of the older dolly" config

# Killed at about half and started again: it takes what is missing only.
resume() {
	local before after have i
	for i in 0 1 2; do lab_shape "$i" 60mbit; done
	send -n 2 "$LAB/source"
	recv 1 "$master" "$LAB/r1"
	recv 2 "$master" "$LAB/r2"
	for _ in $(seq 200); do
		have=$(stat -c %b "$LAB/.r2.dolly-part" 2>/dev/null || echo 0)
		[ "$have" -gt $((8 << 11)) ] && break
		sleep 0.02
	done
	kill -KILL "${PIDS[2]}"
	wait "${PIDS[2]}" 2>/dev/null
	before=$(bytes_in 2 eth0)
	recv 2 "$master" "$LAB/r2"
	finish
	after=$(bytes_in 2 eth0)
	codes "0 0 0" && cmp "$LAB/source" "$LAB/r2" && grep -q '"returned"' "$LAB/json" && [ $((after - before)) -lt $((15 << 20)) ]
}
check "killed, started again, resumed" resume 2>/dev/null

echo "$failed wrong"
[ "$failed" = 0 ]
