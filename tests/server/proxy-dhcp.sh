#!/usr/bin/env bash
# Beside a site's own DHCP server (another dnsmasq, in a network namespace of its own) the server gives out no address, only what there is to
# boot: for a BIOS and for UEFI, to the hosts of the definition and to nobody else.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
in_namespaces --net "$@"
site_folder lucie-proxy
CLIENT=$TOP/tests/server/pxe-client.py

bridge
namespace site lucie0 10.9.0.2
SITE=${PIDS[-1]}
namespace node lucie0 10.9.0.77
NODE=${PIDS[-1]}
cat >"$T/site.conf" <<END
port=0
interface=site-end
bind-interfaces
dhcp-range=10.9.0.70,10.9.0.120
dhcp-host=52:54:00:00:01:01,10.9.0.77
dhcp-leasefile=$T/site.leases
END
nsenter -t "$SITE" -n dnsmasq --keep-in-foreground --log-facility=- --pid-file= --conf-file="$T/site.conf" >"$T/site.log" 2>&1 &
PIDS+=($!)

images boot/shimx64.efi boot/grubx64.efi
{
	site_group "gateway 10.9.0.2" "dns1 10.9.0.2" "server_address 10.9.0.1" "dhcp_server dhcp1" "dhcp_interface lucie0"
	printf '%s\n' 'define host{' 'host_name n1' 'lucie_group site' 'address 10.9.0.77' 'mac_address 52:54:00:00:01:01' '}'
} | site_setup
"$LUCIE" setup --state "$STATE" --print kea-dhcp4.conf | jq -e '.Dhcp4.reservations[0]["ip-address"] == "10.9.0.77"' >/dev/null || fail "the fragment for Kea"
"$LUCIE" setup --state "$STATE" --print dhcpd.conf | grep -q 'hardware ethernet 52:54:00:00:01:01; fixed-address 10.9.0.77;' || fail "the fragment for ISC"
serve_start

ask() { nsenter -t "$NODE" -n "$CLIENT" node-end "$1" "$2" 2>&1; }
for machine in "0 lpxelinux.0" "7 shimx64.efi"; do
	answer=$(ask 52:54:00:00:01:01 "${machine% *}" || true)
	grep -qx 'address 10.9.0.77 from 10.9.0.2' <<<"$answer" || fail "the address is not the site's: $answer"
	grep -qx "loader ${machine#* } from 10.9.0.1" <<<"$answer" || fail "the loader: $answer"
done
pass "the address is of the site, the loader is ours, for BIOS and UEFI"
! ask 52:54:00:00:01:99 0 >"$T/stranger.log" || fail "a stranger was offered a loader: $(cat "$T/stranger.log")"
grep -q 'no offer of a loader' "$T/stranger.log" || fail "a stranger: $(cat "$T/stranger.log")"
pass "a machine that the definition does not know is offered nothing to boot"
