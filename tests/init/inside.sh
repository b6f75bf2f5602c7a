#!/usr/bin/env bash
# Inside the namespaces of tests/init/run.sh: network and server, then /init as process 1. inside.sh DIR MODE STOP-PATTERN
set -eu
D=$1 MODE=$2 STOP=$3
TOP=$(cd "$(dirname "$0")/../.." && pwd)

ip link set lo up
ip link add eth0 address 52:54:00:12:34:56 type veth peer name peer0
ip link set peer0 up
"$TOP/tests/init/fake-server.py" 127.0.0.1 8077 "$D" "$MODE" &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 100); do
	[ -s "$D/site.pub" ] && break
	sleep 0.1
done
[ -n "${NO_KEY:-}" ] || cp "$D/site.pub" "$D/root/etc/lucie/site.pub"
: >"$D/init.console"
mount --bind /dev/null "$D/root/dev/null"
unshare -pf --uts --kill-child sh -c '
	mount -t proc proc "$1/root/proc"
	mount --bind "$1/cmdline" "$1/root/proc/cmdline"
	exec chroot "$1/root" /init' sh "$D" >"$D/init.console" 2>&1 &
outer=$!
if [ -n "$STOP" ]; then
	for _ in $(seq 300); do
		grep -q "$STOP" "$D/init.console" && break
		sleep 0.1
	done
	kill -TERM "$(cat "/proc/$outer/task/$outer/children")"
fi
wait "$outer" || true
cat "$D/init.console"
