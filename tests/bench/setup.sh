#!/usr/bin/env bash
# lucie check and lucie setup of a large cluster: from nothing, with nothing changed, with one host changed. Files of an image are stand-ins of
# its size. The best of three.
#
#	tests/bench/setup.sh [HOSTS]
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
LUCIE=$TOP/out/host/bin/lucie
HOSTS=${1:-10000}
T=$(mktemp -d "${TMPDIR:-/tmp}/lucie-bench.XXXXXX")
trap 'rm -rf "$T"' EXIT

awk -v n="$HOSTS" 'BEGIN {
	print "define lucie_group{\nname site\nsubnet 255.255.0.0\ndomain_name bench.test\ngateway 10.9.255.254\ndns1 10.9.255.254"
	print "lucie_server s\nserver_address 10.9.255.253\nboard test\n}"
	for (i = 0; i < n; i++)
		printf "define host{\nhost_name n%d\nlucie_group site\naddress 10.9.%d.%d\nmac_address 52:54:00:%02x:%02x:01\n}\n", i, i / 250, i % 250 + 1, i / 256, i % 256
}' >"$T/cluster.conf"
sed 's/^address 10.9.1.7$/address 10.9.254.7/' "$T/cluster.conf" >"$T/changed.conf"
mkdir -p "$T/images/test/boot"
for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32 boot/shimx64.efi boot/grubx64.efi; do head -c 4000000 /dev/urandom >"$T/images/test/$f"; done

seconds() { # COMMAND...: wall and CPU
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >"$T/log" 2>&1 || { cat "$T/log"; exit 1; }; } 2>&1 | awk '{print $1, $2 + $3}'
}
setup() { "$LUCIE" setup --conf "$1" --state "$T/state" --images "$T/images"; }
for _ in 1 2 3; do
	rm -rf "$T/state"
	printf 'check %s\n' "$(seconds "$LUCIE" check "$T/cluster.conf")"
	printf 'first %s\n' "$(seconds setup "$T/cluster.conf")"
	printf 'again %s\n' "$(seconds setup "$T/cluster.conf")"
	printf 'one-changed %s\n' "$(seconds setup "$T/changed.conf")"
	grep -q 'host: 1 changed' "$T/log" || { cat "$T/log"; exit 1; }
done | awk -v n="$HOSTS" '!($1 in best) || $2 < best[$1] {best[$1] = $2; cpu[$1] = $3} END {
	split("check first again one-changed", what, " ")
	for (i = 1; i <= 4; i++)
		printf "%d hosts, %-12s %.2f s, CPU %.2f s\n", n, what[i], best[what[i]], cpu[what[i]]
}'
