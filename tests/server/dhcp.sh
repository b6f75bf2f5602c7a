#!/usr/bin/env bash
# The server's children: dnsmasq is started again when it dies or when setup changed its configuration, and nothing is left when the server
# ends, whatever ended it. In a network namespace of its own; no root needed where user namespaces are allowed.
set -euo pipefail
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0"
fi
TOP=$(cd "$(dirname "$0")/../.." && pwd)
LUCIE=$TOP/out/host/bin/lucie
T=$(mktemp -d "${TMPDIR:-/tmp}/lucie-dhcp.XXXXXX")
chmod 755 "$T" # the server has a user of its own
chmod 755 "$T" # dnsmasq reads as a user of its own
SERVE=
PATH=$PATH:/usr/sbin:/sbin

cleanup() {
	local status=$?
	trap - EXIT
	[ -z "$SERVE" ] || kill "$SERVE" 2>/dev/null || true
	wait 2>/dev/null || true
	[ $status -eq 0 ] || { echo '--- the server said'; tail -n 20 "$T/serve.log"; echo '--- dnsmasq said'; tail -n 5 "$T/state/dnsmasq.log"; } 2>/dev/null
	rm -rf "$T"
	exit $status
}
trap cleanup EXIT
. "$TOP/tests/lib.sh"
# until_true WHAT COMMAND...: within 10 s
until_true() {
	local what=$1
	shift
	for _ in $(seq 100); do "$@" && return; sleep 0.1; done
	fail "waited 10 s for $what"
}
children() { pgrep -P "$SERVE" -x "$1" || true; }
dnsmasq_runs() { [ -n "$(children dnsmasq)" ]; }
dnsmasq_is_new() { local now; now=$(children dnsmasq); [ -n "$now" ] && [ "$now" != "$DNSMASQ" ]; }
gone() { local pid; for pid in "$@"; do ! kill -0 "$pid" 2>/dev/null || return 1; done; }

setup() { # HOSTS
	{
		cat <<-END
			define lucie_group{
			name site
			subnet 255.255.255.0
			domain_name example.test
			gateway 10.9.0.1
			dns1 10.9.0.1
			lucie_server server
			server_address 10.9.0.1
			dhcp_interface lucie0
			board test
			}
		END
		for i in $(seq "$1"); do
			printf 'define host{\nhost_name n%d\nlucie_group site\naddress 10.9.0.%d\nmac_address 52:54:00:00:01:%02x\n}\n' "$i" $((i + 1)) "$i"
		done
	} >"$T/cluster.conf"
	"$LUCIE" setup --conf "$T/cluster.conf" --state "$T/state" --images "$T/images" >"$T/setup.log" 2>&1 || { cat "$T/setup.log"; fail "lucie setup"; }
}
serve_start() {
	"$LUCIE" serve --state "$T/state" >>"$T/serve.log" 2>&1 &
	SERVE=$!
	until_true "dnsmasq" dnsmasq_runs
	until_true "the web process" grep -q 'HTTP on port' "$T/serve.log"
}

ip link set lo up
ip link add lucie0 type bridge
ip address add 10.9.0.1/24 dev lucie0
ip link set lucie0 up
mkdir -p "$T/images/test/boot"
for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32; do echo "$f" >"$T/images/test/$f"; done
setup 1
serve_start

DNSMASQ=$(children dnsmasq)
kill -9 "$DNSMASQ"
until_true "a new dnsmasq" dnsmasq_is_new
grep -q 'dnsmasq .*ended with signal 9' "$T/serve.log" || fail "the end of dnsmasq was not said"
pass "dnsmasq is started again, and its end is said"

DNSMASQ=$(children dnsmasq)
setup 2
until_true "a dnsmasq with the new configuration" dnsmasq_is_new
pass "a changed configuration is taken"

mapfile -t all < <(children lucie; children dnsmasq)
[ ${#all[@]} -eq 3 ] || fail "the server has ${#all[@]} children, expected signer, web and dnsmasq"
kill -TERM "$SERVE"
wait "$SERVE" || fail "exit code $? after SIGTERM"
gone "${all[@]}" || fail "a child outlived the server"
pass "SIGTERM ends everything"

for victim in 1 2; do
	serve_start
	mapfile -t all < <(children lucie; children dnsmasq)
	kill -9 "${all[$((victim - 1))]}"
	code=0
	wait "$SERVE" || code=$?
	[ "$code" -eq 1 ] || fail "exit code $code after the death of a child, expected 1"
	gone "${all[@]}" || fail "a child outlived the server"
	rm "$T/serve.log"
done
pass "without signer or web process the server ends, with everything"
