#!/usr/bin/env bash
# make bench-boot-storm: CLIENTS machines boot at once. Each fetches the boot loader by TFTP, then kernel and image by HTTP; from `lucie serve` (with
# the dnsmasq that it runs, configured by `lucie setup`) and, as far as they are installed, from tftpd-hpa, atftpd and nginx, on the same files in the
# same run. A table: who got everything, seconds of the median and of the slowest. In a network namespace of its own, on loopback.
set -euo pipefail
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net --mount)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net --mount)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0"
fi
TOP=$(cd "$(dirname "$0")/../.." && pwd)
LUCIE=$TOP/out/host/bin/lucie
CLIENTS=${CLIENTS:-250}
PATH=$PATH:/usr/sbin:/sbin
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-storm.XXXXXX")
chmod 755 "$T" # the server has a user of its own
chmod 755 "$T" # dnsmasq reads as a user of its own
PIDS=()

cleanup() {
	local status=$?
	trap - EXIT
	for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	[ $status -eq 0 ] || { tail -n 10 "$T/serve.log" "$T/state/dnsmasq.log" || true; } 2>/dev/null
	rm -rf "$T"
	exit $status
}
trap cleanup EXIT
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

ip link set lo up
ip link add lucie0 type bridge
ip address add 10.9.0.1/16 dev lucie0
ip link set lucie0 up
for i in $(seq 0 249); do echo "address add 10.9.1.$i/16 dev lucie0"; done | ip -batch -
mkdir -p "$T/images/test/boot"
head -c 90000 /dev/urandom >"$T/images/test/boot/lpxelinux.0"
echo ldlinux >"$T/images/test/boot/ldlinux.c32"
head -c 5000000 /dev/urandom >"$T/images/test/vmlinuz"
head -c 1000000 /dev/urandom >"$T/images/test/initramfs.img"
cat >"$T/cluster.conf" <<-END
	define lucie_group{
	name site
	subnet 255.255.0.0
	domain_name example.test
	gateway 10.9.0.1
	dns1 10.9.0.1
	lucie_server server
	server_address 10.9.0.1
	dhcp_interface lucie0
	board test
	}
	define host{
	host_name n1
	lucie_group site
	address 10.9.0.2
	mac_address 52:54:00:00:01:01
	}
END
"$LUCIE" setup --conf "$T/cluster.conf" --state "$T/state" --images "$T/images" >"$T/setup.log" 2>&1 || { cat "$T/setup.log"; fail "lucie setup"; }
"$LUCIE" serve --state "$T/state" >"$T/serve.log" 2>&1 &
PIDS+=($!)
for _ in $(seq 100); do grep -q 'HTTP on port' "$T/serve.log" && ss -Hlun 'sport = :69' | grep -q . && break; sleep 0.1; done
tree=$(readlink -f "$T/state/tftp")

failed=0
row() { # WHO KIND PORT FILE BYTES: judged for ours only
	local got
	got=$("$TOP/tests/bench/storm.py" "$2" 10.9.0.1 "$3" "$4" "$5" "$CLIENTS")
	read -r ok bad median slowest why <<<"$got"
	printf '%-22s %-34s %4d whole, %3d failures, median %6.2f s, slowest %6.2f s %s\n' "$1" "${4##*/}" "$ok" "$bad" "$median" "$slowest" "$why"
	case $1 in lucie*) [ "$bad" -eq 0 ] || failed=1 ;; esac
}
have() { command -v "$1" >/dev/null || { echo "$1 is not installed: left out"; return 1; }; }

echo "$CLIENTS clients at once"
row "lucie (dnsmasq)" tftp 69 lpxelinux.0 90000
if have in.tftpd; then
	in.tftpd --foreground --listen --address 10.9.0.1:1069 --user "$(id -un)" --blocksize 1468 --secure "$tree" 2>"$T/tftpd.log" &
	PIDS+=($!)
	sleep 1
	row tftpd-hpa tftp 1069 lpxelinux.0 90000
fi
if have atftpd; then
	atftpd --daemon --no-fork --port 2069 --bind-address 10.9.0.1 --user "$(id -un)" --group "$(id -gn)" --logfile "$T/atftpd.log" --maxthread 1000 "$tree" 2>>"$T/atftpd.err" &
	PIDS+=($!)
	sleep 1
	row atftpd tftp 2069 lpxelinux.0 90000
fi
row "lucie serve" http 8077 /boot/vmlinuz-test 5000000
row "lucie serve" http 8077 /boot/initramfs-test.img 1000000
if have nginx; then
	mkdir -p "$T/nginx"
	cat >"$T/nginx.conf" <<-END
		daemon off;
		user $(id -un);
		worker_processes auto;
		pid $T/nginx/pid;
		error_log $T/nginx/error.log;
		events { worker_connections 2000; }
		http {
			access_log off; sendfile on; client_body_temp_path $T/nginx/a; proxy_temp_path $T/nginx/b; fastcgi_temp_path $T/nginx/c;
			uwsgi_temp_path $T/nginx/d; scgi_temp_path $T/nginx/e;
			server { listen 10.9.0.1:8080; location /boot/ { alias $tree/; } }
		}
	END
	nginx -p "$T/nginx" -c "$T/nginx.conf" 2>"$T/nginx.err" &
	PIDS+=($!)
	sleep 1
	row nginx http 8080 /boot/vmlinuz-test 5000000
	row nginx http 8080 /boot/initramfs-test.img 1000000
fi
[ "$failed" -eq 0 ] || fail "not everybody got everything from lucie"
