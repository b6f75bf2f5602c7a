#!/usr/bin/env bash
# Several http_servers: nodes are spread over the mirrors and the server; a fetch goes on when its mirror is killed, and comes back to one that is
# there again. The reader is that of the node; mirrors are copies of STATE/blobs behind a slow HTTP server. Loopback only, no root.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/lib.sh"
LUCIE=$TOP/out/host/bin/lucie
INIT=${INIT:-$TOP/out/node/init}
NODES=100
T=$(mktemp -d "${TMPDIR:-/tmp}/lucie-mirrors.XXXXXX")
chmod 755 "$T" # the server has a user of its own
STATE=$T/state
declare -A PID=()

cleanup() {
	local status=$?
	trap - EXIT
	{ [ ${#PID[@]} -eq 0 ] || kill -9 "${PID[@]}"; wait; } 2>/dev/null || true
	[ $status -eq 0 ] || tail -n 20 "$T"/*.log
	rm -rf "$T"
	exit $status
}
trap cleanup EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
start() { # NAME PORT COMMAND...
	"${@:3}" >>"$T/$1.log" 2>&1 &
	PID[$1]=$!
	for _ in $(seq 100); do listening "$2" && return; sleep 0.1; done
	fail "$1 did not come up within 10 s"
}
crash() { # NAME: and nobody listens any more
	{ kill -9 "${PID[$1]}"; wait "${PID[$1]}"; } 2>/dev/null || true
	unset "PID[$1]"
}
start_a() { start a "$A" "$TOP/tests/server/mirror.py" "$A" "$T/a"; }
start_b() { start b "$B" "$TOP/tests/server/mirror.py" "$B" "$T/b"; }
start_server() { start server "$S" "$LUCIE" serve --state "$STATE" --no-dhcp --bind 127.0.0.1; }
fetched() { # MEGABYTES: waits until so many of them have come
	for _ in $(seq 300); do
		[ "$(stat -c %s "$T/copy.part" 2>/dev/null || echo 0)" -lt $(($1 << 20)) ] || return 0
		sleep 0.1
	done
	fail "$1 MB did not come within 30 s"
}

A=$(free_port) B=$(free_port) S=$(free_port)
URL_A=http://127.0.0.1:$A/lucie URL_B=http://127.0.0.1:$B/lucie URL_S=http://127.0.0.1:$S/blob
mkdir -p "$T/images/test/boot" "$T/base/sbin" "$T/a" "$T/b"
touch "$T/base/sbin/init"
for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32; do echo "$f" >"$T/images/test/$f"; done
head -c 100000000 /dev/urandom >"$T/base/data"
tar -C "$T/base" -cf - . | zstd -q -1 -o "$T/base.tar.zst"
cat >"$T/cluster.conf" <<END
define lucie_group{
name site
subnet 255.255.255.0
domain_name example.test
lucie_server server
server_address 127.0.0.1
http_port $S
http_server $URL_A, $URL_B/
board test
}
define host{
host_name n[001-$NODES]
lucie_group site
address 10.9.0.[1-$NODES]
mac_file macs
}
END
for i in $(seq -f %03g $NODES); do printf 'n%s 52:54:00:00:00:%02x\n' "$i" "$((10#$i))"; done >"$T/macs"
"$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images" >"$T/setup.log" 2>&1 || { cat "$T/setup.log"; fail "lucie setup"; }
"$LUCIE" base add default "$T/base.tar.zst" --state "$STATE" >"$T/base.log" 2>&1 || { cat "$T/base.log"; fail "lucie base add"; }
cp -a "$STATE/blobs" "$T/a/lucie"
cp -a "$STATE/blobs" "$T/b/lucie"

# --- the order of each node
NODE=
: >"$T/first"
for i in $(seq -f n%03g $NODES); do
	"$LUCIE" plan "$i" --state "$STATE" >"$T/plan"
	mapfile -t order < <(sed -n 's/^blobs //p' "$T/plan")
	[ "$(printf '%s\n' "${order[@]}" | sort)" = "$(printf '%s\n' "$URL_A" "$URL_B" "$URL_S" | sort)" ] || fail "sources of $i: ${order[*]}"
	echo "${order[0]}" >>"$T/first"
	[ "${order[*]}" != "$URL_A $URL_B $URL_S" ] || { NODE=$i; cp "$T/plan" "$T/plan.abs"; }
done
for url in "$URL_A" "$URL_B" "$URL_S"; do
	n=$(grep -cxF "$url" "$T/first" || true)
	[ "$n" -ge 10 ] || fail "only $n of $NODES nodes go to '$url' first"
done
[ -n "$NODE" ] || fail "no node tries them in the order a, b, server"
pass "$NODES nodes are spread over the server and two mirrors"

# --- killed in the middle of a fetch
ROOT=$(sed -n 's/^blob \([0-9a-f]*\) .*/\1/p' "$T/plan.abs")
start_a
start_b
"$INIT" --fetch-blob "$T/plan.abs" "$ROOT" "$T/copy" 2>"$T/fetch.log" &
PID[fetch]=$!
fetched 12
crash a
fetched 36
start_a
crash b
wait "${PID[fetch]}" || fail "the fetch failed"
unset "PID[fetch]"
cmp "$T/copy" "$T/base.tar.zst" || fail "what was fetched is not the base"
lost() { grep -q "cannot fetch '$1/$ROOT'.*trying the next source" "$T/fetch.log" || fail "the end of '$1' was not said"; }
lost "$URL_A"
lost "$URL_B"
lost "$URL_S"
pass "a mirror that is killed is followed by the next one; the first is used again when it is back"

# --- the server alone, and a mirror that has not got the blob
crash a
start_server
"$INIT" --fetch-blob "$T/plan.abs" "$ROOT" "$T/alone" 2>"$T/fetch.log" || fail "without mirrors"
cmp "$T/alone" "$T/base.tar.zst"
rm -r "$T/a/lucie"
mkdir "$T/a/lucie"
start_a
"$INIT" --fetch-blob "$T/plan.abs" "$ROOT" "$T/alone" 2>"$T/fetch.log" || fail "with an empty mirror"
cmp "$T/alone" "$T/base.tar.zst"
lost "$URL_A"
pass "without mirrors, or with one that lacks the blob, the server is enough"
