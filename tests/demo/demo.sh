#!/usr/bin/env bash
# make demo: a virtual cluster from nothing. Two bare machines of QEMU boot over PXE from `lucie serve`, install a Debian base onto their
# disks, start again, are sent to their disks, and ask for a login under their own names.
#
#	tests/demo/demo.sh [--state DIR]      DIR holds the base system (out/demo; make demo-base)
#
# Everything runs in a network namespace of its own (as root, or unshare -Urn), so nothing of it is seen outside. What is started is ended by
# pid, at any exit. Every wait has a bound and says what it waits for.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
. "$TOP/tests/lib.sh" # is_there
STATE=$TOP/out/demo
[ "${1:-}" != --state ] || { STATE=$(realpath -m "$2"); shift 2; }
LUCIE=$TOP/out/host/bin/lucie
CONF=$TOP/docs/examples/demo.conf
BRIDGE=lucie0
NODES=(demo1 demo2)
MEMORY=${MEMORY:-512}
ASK_SECONDS=240      # from power on to the request for a plan; then one reset
INSTALL_SECONDS=1500 # to the report
BOOT_SECONDS=900     # from the report to the login prompt

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}
heading() { printf '\n== %s\n' "$*"; }

prepare() {
	local tool
	for tool in qemu-system-x86_64 dnsmasq ip unshare; do
		command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || die "'$tool' is missing: make deps"
	done
	[ -e "$STATE/bases/demo.tar.zst" ] || die "no base system in '$STATE': make demo-base"
	heading "definition"
	rm -rf "$STATE"/state.db* "$STATE/installs"
	"$LUCIE" setup --conf "$CONF" --state "$STATE" --images "$TOP/out"
}

# The rest in a network namespace of its own.
enter() {
	local how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_DEMO_INSIDE=1 exec "${how[@]}" -- "$0" --state "$STATE"
}

# --- inside ---------------------------------------------------------------------------------------------------------------------------

declare -A PID=() STARTED=()
SERVE=
TAIL=
T=

cleanup() {
	local status=$? pid
	trap - EXIT
	for pid in "${PID[@]}" $SERVE $TAIL; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	if [ $status -ne 0 ] && [ -n "$T" ]; then
		for node in "${NODES[@]}"; do
			printf -- '--- last lines of the console of %s\n' "$node"
			tail -n 20 "$T/$node.console" 2>/dev/null | tr -d '\r' || true
			cat "$T/$node.qemu" 2>/dev/null || true
		done
	fi
	rm -rf "$T"
	exit $status
}

# Never on a real network: the advertisements only spare virtual PXE ROMs the 13 s in which they wait for a router.
network() {
	[ -w /dev/net/tun ] || die "/dev/net/tun cannot be opened by this user; run it as root"
	ip link set lo up
	ip link add "$BRIDGE" type bridge
	ip address add 192.168.77.1/24 dev "$BRIDGE"
	ip -6 address add fd77::1/64 dev "$BRIDGE" nodad
	ip link set "$BRIDGE" up
	for node in "${NODES[@]}"; do
		ip tuntap add dev "tap-$node" mode tap
		ip link set "tap-$node" master "$BRIDGE" up
	done
	printf '%s\n' '' '# the demo alone' enable-ra 'dhcp-range=fd77::,ra-only' user=root >>"$STATE/key/dnsmasq.conf"
}

serve() {
	"$LUCIE" serve --state "$STATE" >"$T/serve.log" 2>&1 &
	SERVE=$!
	tail -n +1 -f --pid="$SERVE" "$T/serve.log" &
	TAIL=$!
	wait_for 20 "the server" 'HTTP on port' "$T/serve.log"
}

# wait_for SECONDS WHAT PATTERN FILE
wait_for() {
	local end=$((SECONDS + $1))
	until grep -aqE -- "$3" "$4"; do
		alive "$SERVE" || die "the server ended while waiting for $2"
		[ $SECONDS -lt $end ] || die "waited $1 s for $2"
		sleep 0.3
	done
}
alive() { kill -0 "$1" 2>/dev/null; }

# Under TCG some Debian guests stall with -cpu max; without a VGA card some disks say nothing on the serial line.
machine() {
	local node=$1 accel=tcg cpu=Nehalem number=${1//[!0-9]/}
	if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then accel=kvm cpu=host; fi
	truncate -s 4G "$T/$node.disk"
	: >"$T/$node.console"
	qemu-system-x86_64 -accel $accel -cpu $cpu -m "$MEMORY" -nodefaults -display none -device VGA -serial "file:$T/$node.console" \
		-monitor "unix:$T/$node.monitor,server,nowait" -boot order=n,reboot-timeout=1000 \
		-object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		-netdev "tap,id=n0,ifname=tap-$node,script=no,downscript=no" \
		-device "virtio-net-pci,netdev=n0,mac=52:54:00:77:00:0$number" \
		-drive "if=none,id=d0,file=$T/$node.disk,format=raw,cache=unsafe,discard=unmap" -device "virtio-blk-pci,drive=d0,serial=$node" 2>"$T/$node.qemu" &
	PID[$node]=$!
	STARTED[$node]=$SECONDS
}

# A PXE ROM that was starved of its processor may give up for good: the machine is started anew, once.
machine_again() {
	local node=$1
	printf 'demo: no request of %s within %s s; it is started anew\n' "$node" "$ASK_SECONDS"
	kill "${PID[$node]}" 2>/dev/null || true
	wait "${PID[$node]}" 2>/dev/null || true
	machine "$node"
}

said() { grep -aqE -- "  $1 .*$2" "$T/serve.log"; }

await_installations() {
	local node open=1 again=" "
	while [ $open -gt 0 ]; do
		sleep 1
		open=0
		alive "$SERVE" || die "the server ended"
		for node in "${NODES[@]}"; do
			said "$node" "INSTALLED" && continue
			open=$((open + 1))
			said "$node" "INSTALLATION FAILED" && die "$node was not installed"
			alive "${PID[$node]}" || die "the machine of $node ended"
			[ $((SECONDS - STARTED[$node])) -lt $INSTALL_SECONDS ] || die "waited $INSTALL_SECONDS s for the report of $node"
			if ! said "$node" "plan '" && [ $((SECONDS - STARTED[$node])) -ge $ASK_SECONDS ]; then
				case $again in *" $node "*) die "$node did not ask for a plan, twice" ;; esac
				again="$again$node "
				machine_again "$node"
			fi
		done
	done
}

login_prompt() { grep -aqE "^$1 login:" <(tr -d '\r' <"$T/$1.console"); } # no pipe: pipefail

await_logins() {
	local node end=$((SECONDS + BOOT_SECONDS))
	for node in "${NODES[@]}"; do
		until login_prompt "$node"; do
			alive "${PID[$node]}" || die "the machine of $node ended before it asked for a login"
			[ $SECONDS -lt $end ] || die "waited $BOOT_SECONDS s for the login prompt of $node"
			sleep 0.5
		done
		until is_there "192.168.77.1${node#demo}"; do
			[ $SECONDS -lt $end ] || die "$node asks for a login, but is not in the network"
			sleep 0.5
		done
		printf 'demo: %s is up from its own disk, and in the network\n' "$node"
	done
}

report() {
	local node
	heading "each node's console, from its own disk"
	for node in "${NODES[@]}"; do
		tr -d '\r' <"$T/$node.console" | grep -aE -B2 "^$node login:" | tail -n 3
		echo
	done
	heading "seconds of each module"
	for node in "${NODES[@]}"; do "$LUCIE" status --state "$STATE" --seconds "$node" | sed "s/^/$node /"; done | awk '
		!($2 in row) {row[$2] = ++rows; name[rows] = $2}
		!($1 in column) {column[$1] = ++columns; head[columns] = $1}
		{cell[row[$2], column[$1]] = $3; sum[column[$1]] += $3}
		END {
			printf "%-12s", ""; for (c = 1; c <= columns; c++) printf "%10s", head[c]; print ""
			for (r = 1; r <= rows; r++) {printf "%-12s", name[r]; for (c = 1; c <= columns; c++) printf "%10s", cell[r, c]; print ""}
			printf "%-12s", "all"; for (c = 1; c <= columns; c++) printf "%10.2f", sum[c]; print ""
		}'
}

inside() {
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-demo.XXXXXX")
	chmod 755 "$T" # the server has a user of its own
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	PATH=$PATH:/usr/sbin:/sbin
	network
	heading "server"
	serve
	"$LUCIE" install --state "$STATE" "${NODES[@]}"
	heading "two bare machines are powered on"
	for node in "${NODES[@]}"; do machine "$node"; done
	await_installations
	heading "both are installed; they start again and the network sends them to their disks"
	await_logins
	report
}

if [ -n "${LUCIE_DEMO_INSIDE:-}" ]; then
	inside
else
	prepare
	enter
fi
