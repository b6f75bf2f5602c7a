#!/usr/bin/env bash
# Several http_servers: nodes are spread over the mirrors and the server; a fetch goes on when its mirror is killed, and comes back to one that is
# there again; one that takes connections and does not answer costs one wait, not one for each blob. The reader is that of the node; mirrors are copies of STATE/blobs behind a slow HTTP server. Loopback only, no root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
in_namespaces --mount "$@"
mount -t tmpfs none /run # what a node keeps until it boots again
mkdir /run/lucie
INIT=${INIT:-$TOP/out/node/init}
NODES=100
site_folder lucie-mirrors
declare -A PID=()

start() { # NAME PORT COMMAND...
	"${@:3}" >>"$T/$1.log" 2>&1 &
	PID[$1]=$!
	PIDS+=("$!")
	wait_until 10 "$1" port_listens "$2"
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
mkdir "$T/a" "$T/b"
images
base 100000000
for i in $(seq -f %03g $NODES); do printf 'n%s 52:54:00:00:00:%02x\n' "$i" "$((10#$i))"; done >"$T/macs"
{
	site_group "gateway 10.9.0.254" "http_port $S" "http_server $URL_A, $URL_B/"
	printf '%s\n' 'define host{' "host_name n[001-$NODES]" 'lucie_group site' "address 10.9.0.[1-$NODES]" 'mac_file macs' '}'
} | site_setup
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
PIDS+=("$!")
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

# --- a mirror that hangs: the kernel takes the connections
kill -STOP "${PID[a]}"
for i in 1 2 3; do "$INIT" --fetch-blob "$T/plan.abs" "$ROOT" "$T/hung.$i" 2>"$T/hung.$i.log" || break; done
crash a
for i in 1 2 3; do cmp "$T/hung.$i" "$T/base.tar.zst" || fail "with a mirror that hangs, fetch $i"; done
waits=$(grep -cF "cannot fetch '$URL_A/$ROOT'" "$T"/hung.*.log | cut -d: -f2 | tr '\n' ' ')
[ "$waits" = "1 0 0 " ] || fail "a mirror that hangs was waited for '$waits'times by three fetches, expected '1 0 0 '"
pass "a mirror that hangs is waited for once, by the first of three fetches"
