#!/usr/bin/env bash
# A node runs only the plan that its site signed for this very boot. Altered, replayed, another node's, another nonce's and another key's
# plan: each is refused with its own reason on the console and on the server, and not one byte of the disk changes. Where two machines claim to be
# one, both say so, and the server.
. "$(dirname "$0")/lib.sh"
SIM=$TOP/out/host/bin/sim-nodes

site_new
site_small
host n1 "installer base-only" "disk_layout one" "base random"
host n2 "installer base-only" "disk_layout one" "base random"
tar_random "$T/random.tar.zst" 8
base_add random "$T/random.tar.zst"
site_setup
site_serve
disk_new "$T/n1.img" 300M
BEFORE=$(disk_hash "$T/n1.img")

proxy_start() { # MODE [ARGUMENT]
	NODE_PORT=$(free_port)
	python3 "$TOP/tests/vm/tamper.py" "$NODE_PORT" "$PORT" "$@" &
	PROXY_PID=$!
	wait_until 10 "the proxy" port_listens "$NODE_PORT"
}
proxy_stop() {
	kill "$PROXY_PID"
	wait "$PROXY_PID" 2>/dev/null || true
	PROXY_PID=
	NODE_PORT=
}

# refused WHAT REASON: an armed n1 must say REASON, on its console and as an alarm to the server.
refused() {
	: >"$T/serve.log"
	machine_start n1 "$T/n1.img"
	machine_wait n1 "$2" 180
	serve_wait "ALARM.*$2" 60
	machine_kill n1
	[ "$(disk_hash "$T/n1.img")" = "$BEFORE" ] || fail "$1: the disk was written"
	! serve_has ' INSTALLED' || fail "$1: reported as installed"
	pass "$1: refused, disk untouched"
}

echo "== altered on the way"
arm n1
proxy_start flip
refused "one bit flipped" "altered"
proxy_stop

echo "== replayed"
arm n1
proxy_start keep "$T/kept.plan"
machine_start n1 "$T/n1.img"
wait_until 120 "a plan to replay" test -s "$T/kept.plan"
machine_kill n1
proxy_stop
proxy_start replay "$T/kept.plan"
refused "a plan of an earlier boot" "another boot|replayed"
proxy_stop

echo "== with another nonce"
arm n1
proxy_start nonce
refused "an answer to another request" "answers another request"
proxy_stop

echo "== another node's"
arm n1
arm n2
proxy_start other "$(machine_mac n2)"
refused "the plan of n2" "$(machine_mac n2)"
proxy_stop

echo "== two machines that claim to be one"
disk_new "$T/n2.img" 300M
arm --retries 99 --break mount n2
: >"$T/serve.log"
while :; do
	"$SIM" --server "http://127.0.0.1:$PORT" --site-key "$T/state/key/site.pub" --mac "$(machine_mac n2)" --plan-only >/dev/null 2>&1 || true
	sleep 2
done &
SERVERS+=($!)
machine_start n2 "$T/n2.img"
machine_wait n2 'ALARM: .* asks for a plan while installation .* was alive' 180
machine_wait n2 'ALARM: another boot has got' 60
serve_wait 'ALARM: .* asks for a plan while installation .* was alive' 5
machine_kill n2
kill "${SERVERS[-1]}"
pass "the one that came first, the one that came second, and the server say so"

echo "== signed by another key"
arm n1
cp "$T/state/tftp/site.img" "$T/first-site.img"
site_stop
rm -r "$T/state/key"
site_setup
arm n1
cp "$T/first-site.img" "$T/state/tftp/site.img"
site_serve
refused "a plan of another site's key" "not signed by this site's key"
