#!/usr/bin/env bash
# An order (lucie install) that is killed between the state and the boot files: the server, which runs on, gives the nodes that were armed their
# files. Loopback only, no root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
NODES=240 # fewer than one commit takes
site_folder lucie-arm-killed
PORT=$(free_port)
images
base
{
	site_group "http_port $PORT"
	site_hosts $NODES
} | site_setup
serve_start --no-dhcp --bind lo

files() { find "$STATE/tftp/pxelinux.cfg/" -name '01-*' ! -name '*~' | wc -l; }
armed() { "$LUCIE" status --state "$STATE" --json | jq '[.[] | select(.installer)] | length'; }
# begun: the order is killed when the first boot file is there.
begun() {
	"$LUCIE" install --state "$STATE" "n[1-$NODES]" >/dev/null 2>&1 &
	local pid=$!
	until [ "$(files)" -gt 0 ] || ! kill -0 "$pid" 2>/dev/null; do :; done
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

for _ in $(seq 10); do
	begun
	FILES=$(files) ARMED=$(armed)
	[ "$FILES" -eq "$ARMED" ] || break
	quietly "$LUCIE" boot --state "$STATE" "n[1-$NODES]" # it had come to its end, or the server was faster
done
[ "$FILES" -lt "$ARMED" ] || fail "an order was never killed in the middle: $FILES boot files of $ARMED armed nodes"
all_there() { [ "$(files)" -eq "$ARMED" ]; }
wait_until 30 "the boot files of $ARMED armed nodes, of which $FILES were there" all_there
pass "an order was killed with $FILES boot files of $ARMED armed nodes; the server made the others"
