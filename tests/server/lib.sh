# Vocabulary of the tests of a server: a made-up site in $T, its state in $STATE, and `lucie serve` on it. Files of an image are stand-ins.
# shellcheck shell=bash
#
#	site_folder lucie-server; images; base; { site_group "http_port $PORT"; site_hosts 3; } | site_setup; serve_start --no-dhcp; arm n1; said 'n1 .*INSTALLED'; serve_stop

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$TOP/tests/lib.sh"
LUCIE=$TOP/out/host/bin/lucie
SIM=$TOP/out/host/bin/sim-nodes
SERVE=

site_folder() { # NAME
	work_folder "$1"
	STATE=$T/state
}

# quietly COMMAND...: it must succeed; what it says is shown if it does not.
quietly() { "$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "${1##*/} ${2:-}"; }; }

images() { # [FILE...]: of the board `test`
	local f
	mkdir -p "$T/images/test/boot"
	for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32 "$@"; do echo "$f" >"$T/images/test/$f"; done
}

# bridge [NAME ADDRESS]: a network of a site at the server, in a namespace
bridge() {
	local name=${1:-lucie0}
	ip link set lo up
	ip link add "$name" type bridge
	ip address add "${2:-10.9.0.1}/24" dev "$name"
	ip link set "$name" up
}
# namespace NAME BRIDGE [ADDRESS]: with an interface NAME-end at the bridge; its process is PIDS's last.
namespace() {
	unshare --net sleep 600 &
	PIDS+=($!)
	until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
	ip link add "$1" type veth peer name "$1-end" netns "$!"
	ip link set "$1" master "$2" up
	[ $# -lt 3 ] || nsenter -t "$!" -n ip address add "$3/24" dev "$1-end"
	nsenter -t "$!" -n ip link set "$1-end" up
}

# base [BYTES]: the base system `default`, with so much noise in it
base() {
	mkdir -p "$T/base/sbin"
	touch "$T/base/sbin/init"
	[ $# -eq 0 ] || head -c "$1" /dev/urandom >"$T/base/data"
	tar -C "$T/base" -cf - . | zstd -q -1 -o "$T/base.tar.zst"
	quietly "$LUCIE" base add default "$T/base.tar.zst" --state "$STATE"
}

# site_group [LINE...]: the group of all hosts; a line with the same key comes in the place of one here.
site_group() {
	echo 'define lucie_group{'
	printf '%s\n' 'name site' 'subnet 255.255.255.0' 'domain_name example.test' 'gateway 10.9.0.1' 'dns1 10.9.0.1' 'lucie_server server' \
		'server_address 127.0.0.1' 'board test' "$@" | awk '{if (!($1 in at)) {at[$1] = ++n} line[at[$1]] = $0} END {for (i = 1; i <= n; i++) print line[i]}'
	echo '}'
}
mac() { printf '52:54:00:00:01:%02x' "$1"; }
site_hosts() { # COUNT [FORMAT]: n1 to nCOUNT; the format, with the MAC, adds a line to each
	local i
	for i in $(seq "$1"); do
		printf 'define host{\nhost_name n%d\nlucie_group site\naddress 10.9.0.%d\nmac_address %s\n' "$i" $((i + 1)) "$(mac "$i")"
		# shellcheck disable=SC2059 # it is a format
		[ -z "${2:-}" ] || printf "$2\n" "$(mac "$i")"
		echo '}'
	done
}
# installer LINE...: `test`, which all hosts of the site may name
site_installer() { printf '%s\n' 'define installer{' 'name test' "$@" '}'; }

# site_setup [OPTION...]: sets up the definition on its input.
site_setup() {
	cat >"$T/cluster.conf"
	setup_again "$@"
}
setup_again() { quietly "$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images" "$@"; }

serve_start() { # [OPTION...]
	local times
	: >>"$T/serve.log"
	times=$(times_up)
	"$LUCIE" serve --state "$STATE" "$@" >>"$T/serve.log" 2>&1 &
	SERVE=$!
	PIDS+=("$SERVE")
	wait_until 20 "the server" is_up_again "$times"
	kill -0 "$SERVE" 2>/dev/null || fail "the server ended"
}
times_up() { grep -c 'HTTP on port' "$T/serve.log" || true; }
is_up_again() { [ "$(times_up)" != "$1" ] || ! kill -0 "$SERVE" 2>/dev/null; }
serve_stop() {
	ends "$SERVE" || fail "the server's exit code after SIGTERM is $?"
	SERVE=
}
said() { wait_until 10 "'$1' of the server" grep -qE -- "$1" "$T/serve.log"; }

dnsmasq_is_new() { local now; now=$(pgrep -P "$SERVE" -x dnsmasq || true); [ -n "$now" ] && [ "$now" != "$1" ]; } # OLD-PID

arm() { quietly "$LUCIE" install --state "$STATE" "$@"; }
status() { "$LUCIE" status --state "$STATE" "$1"; }
sim() { "$SIM" --server "$URL" --site-key "$STATE/key/site.pub" --mac "$(mac "$1")" "${@:2}"; }
# node_post TOKEN PATH [CURL-ARGUMENT...]: what is on its input, as a node of the installation with this token
node_post() {
	cat >"$T/body-of-node"
	curl -s -m 10 -H "Authorization: $("$TOP/tests/request_code.py" "$1" "$2" <"$T/body-of-node")" --data-binary @"$T/body-of-node" "${@:3}" "$URL$2"
}
# Of the server's children the web process is the one with threads.
web_process() {
	local pid
	for pid in $(pgrep -P "$SERVE"); do [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || echo "$pid"; done
}
