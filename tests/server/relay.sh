#!/usr/bin/env bash
# One server for three networks: two at its own interfaces, and one behind a router with a DHCP relay. What boots are the node's busybox and its
# script, in a namespace and a root folder of their own: a host of the definition gets what its own network has, loads over TFTP and is installed
# over HTTP; a machine that no host is gets nothing, or with a discover_range waits to be named.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
in_namespaces --net "$@"
site_folder lucie-relay
BUSYBOX=$TOP/out/busybox/busybox
declare -A NS=()

# boots NAME MAC [OPTION...]: the machine in namespace NAME asks for an address as init does; $T/NAME/said is what it was told.
boots() {
	local ns=${NS[$1]} root=$T/$1
	rm -f "$root/said"
	nsenter -t "$ns" -n ip address flush dev "$1-end"
	nsenter -t "$ns" -n ip link set "$1-end" address "$2"
	nsenter -t "$ns" -n chroot "$root" /bin/busybox udhcpc -f -q -i "$1-end" -t "${TRIES:-20}" -T 2 -n -s /said.sh "${@:3}" >>"$T/$1.log" 2>&1
}
told() { sed -n "s/^$2='\(.*\)'$/\1/p" "$T/$1/said"; }
is_told() { # NAME KEY VALUE
	[ "$(told "$1" "$2")" = "$3" ] || fail "$1 was told $2 '$(told "$1" "$2")', expected '$3'"
}
within() { nsenter -t "${NS[$1]}" -n "${@:2}"; }
loads() { within "$1" curl -sSf -m 10 "tftp://$(told "$1" siaddr)/$2"; } # NAME FILE: over TFTP, from where it was told to
servers() { grep -o 'lucie.server=[^ ]*' | sed 's/lucie.server=//'; }

# all FUNCTION: of the three networks at once, each with its number and its server
all() {
	local pid pids=()
	"$1" near 0 10.9.0.1 &
	pids+=($!)
	"$1" second 1 10.9.1.1 &
	pids+=($!)
	"$1" far 2 10.9.0.1 &
	pids+=($!)
	for pid in "${pids[@]}"; do wait "$pid" || FAILED=1; done
	[ -z "${FAILED:-}" ] || fail "not so in every network"
}

# network NAME NUMBER [LINE...]: its lucie_group and its one host
network() {
	site_group "name $1" "gateway 10.9.$2.254" "dns1 10.9.$2.254" "domain_name $1.test" "${@:3}"
	printf '%s\n' 'define host{' "host_name n$2" "lucie_group $1" "address 10.9.$2.7" "mac_address $(mac "$2")" '}'
}
# site [LINE...]: in all three groups
site() {
	{
		network near 0 "server_address 10.9.0.1" "dhcp_interface lucie0" ${1:+"discover_range 10.9.0.200-10.9.0.210"}
		network second 1 "server_address 10.9.1.1" "dhcp_interface lucie1" ${1:+"discover_range 10.9.1.200-10.9.1.210"}
		network far 2 "server_address 10.9.0.1" ${1:+"discover_range 10.9.2.200-10.9.2.210"}
	} | site_setup
}

machine() { # NAME BRIDGE
	namespace "$1" "$2"
	NS[$1]=${PIDS[-1]}
	mkdir -p "$T/$1/bin" "$T/$1/dev" "$T/$1/etc" "$T/$1/run/lucie"
	cp "$BUSYBOX" "$T/$1/bin/busybox"
	for a in $("$BUSYBOX" --list); do [ "$a" = busybox ] || ln -s busybox "$T/$1/bin/$a"; done
	cp "$TOP/image/skel/usr/share/udhcpc/default.script" "$T/$1/"
	printf '%s\n' '#!/bin/sh' '[ "$1" = deconfig ] || set >/said' '. /default.script' >"$T/$1/said.sh"
	chmod 755 "$T/$1"/*.s*
}

# --- the networks: the far one is behind the router
bridge
bridge lucie1 10.9.1.1
namespace router lucie0 10.9.0.254
ROUTER=${PIDS[-1]}
ip link add lucie2 type bridge
ip link set lucie2 up
ip link add relay netns "$ROUTER" type veth peer name relay-far
ip link set relay-far master lucie2 up
nsenter -t "$ROUTER" -n ip address add 10.9.2.254/24 dev relay
nsenter -t "$ROUTER" -n ip link set relay up
nsenter -t "$ROUTER" -n sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip route add 10.9.2.0/24 via 10.9.0.254
printf '%s\n' port=0 interface=relay bind-interfaces dhcp-relay=10.9.2.254,10.9.0.1 >"$T/relay.conf"
nsenter -t "$ROUTER" -n dnsmasq --no-daemon --log-facility=- --pid-file= --conf-file="$T/relay.conf" >"$T/relay.log" 2>&1 &
PIDS+=($!)
machine near lucie0
machine second lucie1
machine far lucie2

images boot/shimx64.efi boot/grubx64.efi
base 5000000
site
serve_start

# --- hosts of the definition
host() { # NAME NUMBER SERVER
	local file url
	file=01-$(mac "$2" | tr : -)
	boots "$1" "$(mac "$2")" || fail "n$2 got no address"
	is_told "$1" ip "10.9.$2.7"
	is_told "$1" subnet 255.255.255.0
	is_told "$1" router "10.9.$2.254"
	is_told "$1" dns "10.9.$2.254"
	is_told "$1" domain "$1.test"
	is_told "$1" siaddr "$3"
	is_told "$1" boot_file lpxelinux.0
	loads "$1" "$(told "$1" boot_file)" | grep -qx boot/lpxelinux.0 || fail "n$2 cannot load its boot loader"
	loads "$1" "pxelinux.cfg/$file" >"$T/$1/pxelinux" || fail "n$2 has no boot file"
	url=$(servers <"$T/$1/pxelinux")
	[ "$url" = "http://$3:8077" ] || fail "the boot file of n$2 names the server '$url'"
	within "$1" "$SIM" --server "$url" --site-key "$STATE/key/site.pub" --mac "$(mac "$2")" >>"$T/$1.log" 2>&1 || fail "n$2 was not installed"
	said "n$2 .*INSTALLED"
	boots "$1" "$(mac "$2")" -x 0x5d:0007 || fail "n$2 got no address as an UEFI machine"
	is_told "$1" ip "10.9.$2.7"
	is_told "$1" boot_file shimx64.efi
}
arm n0 n1 n2
all host
pass "a host of each network has the address, gateway and server of its own, and is installed; one of them through a router"

nsenter -t "${NS[far]}" -n chroot "$T/far" /bin/busybox udhcpc -f -i far-end -n -R -s /said.sh >>"$T/far.log" 2>&1 &
RENEWS=$!
PIDS+=("$RENEWS")
rm "$T/far/said"
wait_until 20 "a lease" test -s "$T/far/said"
rm "$T/far/said"
kill -USR1 "$RENEWS"
wait_until 20 "the lease to be renewed" test -s "$T/far/said"
is_told far ip 10.9.2.7
ends "$RENEWS" || true
pass "a lease is renewed through the router"

# --- machines that no host is
stranger() { printf '52:54:00:00:02:%02x' "$1"; }
unanswered() { ! TRIES=2 boots "$1" "$(stranger "$2")" || fail "a stranger in the network '$1' got the address $(told "$1" ip)"; }
all unanswered
pass "without a discover_range no stranger is answered in any of the networks"

waits() { # NAME NUMBER SERVER
	local mac url code=
	mac=$(stranger "$2")
	boots "$1" "$mac" || fail "a stranger in the network '$1' got no address"
	[[ $(told "$1" ip) =~ ^10\.9\.$2\.2(0[0-9]|10)$ ]] || fail "a stranger in the network '$1' got the address $(told "$1" ip)"
	is_told "$1" router "10.9.$2.254"
	is_told "$1" siaddr "$3"
	is_told "$1" boot_file lpxelinux.0
	loads "$1" pxelinux.cfg/default >"$T/$1/pxelinux" || fail "a stranger in the network '$1' cannot load its boot file"
	grep -q lucie.discover "$T/$1/pxelinux" || fail "a stranger in the network '$1' does not wait to be named"
	for url in $(servers <"$T/$1/pxelinux"); do
		code=$(within "$1" curl -s -m 5 -o /dev/null -w '%{http_code}' "$url/v1/plan" -H 'Content-Type: application/json' -d '{"mac": "'"$mac"'",
			"nonce": "'"$ZEROS"'", "key": "'"09${ZEROS:2}"'", "discover": true, "inventory": {}}' || true)
		[ "$code" = 000 ] || break
	done
	[ "$code" = 404 ] || fail "a stranger in the network '$1' reaches none of its servers: $(servers <"$T/$1/pxelinux" | tr '\n' ' ')($code)"
	"$LUCIE" discover --state "$STATE" | grep -q "$mac" || fail "lucie discover does not show the stranger in the network '$1'"
}
ZEROS=$(printf '0%.0s' {1..64})
before=$(pgrep -P "$SERVE" -x dnsmasq)
site discovering
wait_until 20 "a dnsmasq with the new configuration" dnsmasq_is_new "$before"
all waits
boots far "$(mac 2)" || fail "with a discover_range n2 got no address"
is_told far ip 10.9.2.7
pass "with a discover_range strangers get addresses of their own network and wait to be named, also behind the router"
