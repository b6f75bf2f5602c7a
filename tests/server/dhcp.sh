#!/usr/bin/env bash
# The server's children: dnsmasq is started again when it dies or when setup changed its configuration, and nothing is left when the server
# ends, whatever ended it. In a network namespace of its own; no root needed where user namespaces are allowed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
in_namespaces --net "$@"
site_folder lucie-dhcp

children() { pgrep -P "$SERVE" -x "$1" || true; }
dnsmasq_runs() { [ -n "$(children dnsmasq)" ]; }
gone() { local pid; for pid in "$@"; do ! kill -0 "$pid" 2>/dev/null || return 1; done; }

setup() { { site_group "server_address 10.9.0.1" "dhcp_interface lucie0"; site_hosts "$1"; } | site_setup; } # HOSTS
start() {
	serve_start
	wait_until 10 "dnsmasq" dnsmasq_runs
}

bridge
images
setup 1
start

DNSMASQ=$(children dnsmasq)
kill -9 "$DNSMASQ"
wait_until 10 "a new dnsmasq" dnsmasq_is_new "$DNSMASQ"
grep -q 'dnsmasq .*ended with signal 9' "$T/serve.log" || fail "the end of dnsmasq was not said"
pass "dnsmasq is started again, and its end is said"

DNSMASQ=$(children dnsmasq)
setup 2
wait_until 10 "a dnsmasq with the new configuration" dnsmasq_is_new "$DNSMASQ"
pass "a changed configuration is taken"

mapfile -t all < <(children lucie; children dnsmasq)
[ ${#all[@]} -eq 3 ] || fail "the server has ${#all[@]} children, expected signer, web and dnsmasq"
serve_stop
gone "${all[@]}" || fail "a child outlived the server"
pass "SIGTERM ends everything"

for victim in 1 2; do
	start
	mapfile -t all < <(children lucie; children dnsmasq)
	kill -9 "${all[$((victim - 1))]}"
	code=0
	wait "$SERVE" || code=$?
	[ "$code" -eq 1 ] || fail "exit code $code after the death of a child, expected 1"
	gone "${all[@]}" || fail "a child outlived the server"
	rm "$T/serve.log"
done
pass "without signer or web process the server ends, with everything"
