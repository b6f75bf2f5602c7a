#!/usr/bin/env bash
# make bench-boot-storm: CLIENTS machines boot at once. Each fetches the boot loader by TFTP, then kernel and image by HTTP; from `lucie serve` (with
# the dnsmasq that it runs, configured by `lucie setup`) and, as far as they are installed, from tftpd-hpa, atftpd and nginx, on the same files in the
# same run. A table: who got everything, seconds of the median and of the slowest. In a network namespace of its own, on loopback.
set -euo pipefail
. "$(dirname "$0")/../server/lib.sh"
in_namespaces "--net --mount" "$@"
CLIENTS=${CLIENTS:-250}
TMPDIR=${TMPDIR:-/var/tmp} site_folder lucie-storm

bridge
ip address add 10.9.0.1/16 dev lucie0
for i in $(seq 0 249); do echo "address add 10.9.1.$i/16 dev lucie0"; done | ip -batch -
mkdir -p "$T/images/test/boot"
head -c 90000 /dev/urandom >"$T/images/test/boot/lpxelinux.0"
echo ldlinux >"$T/images/test/boot/ldlinux.c32"
head -c 5000000 /dev/urandom >"$T/images/test/vmlinuz"
head -c 1000000 /dev/urandom >"$T/images/test/initramfs.img"
{
	site_group "subnet 255.255.0.0" "server_address 10.9.0.1" "dhcp_interface lucie0"
	site_hosts 1
} | site_setup
serve_start
tftp_listens() { ss -Hlun 'sport = :69' | grep -q .; }
wait_until 10 "dnsmasq" tftp_listens
tree=$(readlink -f "$STATE/tftp")

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
