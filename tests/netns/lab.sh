# A star of network namespaces on one bridge, every link shaped both ways with tbf: the vocabulary of the ring's tests.
# Sourced. Everything lives in a user, mount, network and process namespace of its own (lab_enter), without root where the kernel allows it, and
# ends with it; nothing of the machine's own network is seen or touched.
#
#	lab_enter "$@"           first: runs the script again inside of the namespaces
#	lab_up N RATE            namespaces n0 (the master's) to nN, 10.77.x.y; RATE as tc's, 0: not shaped
#				CONGESTION=cubic: TCP's congestion control there, else this machine's
#	lab_shape I RATE         another rate for node I, both ways
#	lab_cut I, lab_join I    takes the port off the bridge (carrier stays), and back
#	lab_port I up|down       carrier
#	lab_address I            its address
#	lab_in I COMMAND...      runs there; lab_exec: in place of this shell
# shellcheck shell=bash

lab_enter() {
	[ "${LAB_INSIDE:-}" = 1 ] && { lab_prepare; return; }
	LAB_INSIDE=1 exec unshare -Urnmp --fork --mount-proc --kill-child "$0" "$@"
}

# As process 1 of its namespace this shell has no default action for a signal: without a trap a time-out that is set on a test ends
# what the test has just called (a sum), and the test goes on and judges by that.
lab_prepare() {
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mount -t tmpfs tmpfs /run && mkdir /run/netns
	LAB=$(mktemp -d /run/lab.XXXXXX)
	mount -t tmpfs -o size=60% tmpfs "$LAB"
	ip link set lo up
}

lab_address() { echo "10.77.$(($1 / 250)).$(($1 % 250 + 1))"; }

lab_tbf() { # DEVICE RATE [NAMESPACE-ARGUMENTS]
	local device=$1 rate=$2
	shift 2
	if [ "$rate" = 0 ]; then
		tc "$@" qdisc del dev "$device" root 2>/dev/null
	else
		tc "$@" qdisc replace dev "$device" root tbf rate "$rate" burst 64kb latency 50ms
	fi
	return 0
}

lab_shape() {
	lab_tbf "v$1" "$2"
	lab_tbf eth0 "$2" -n "n$1"
}

lab_up() {
	local n=$1 rate=$2 i
	ip link add name br0 type bridge && ip link set br0 up
	for i in $(seq 0 "$n"); do
		ip netns add "n$i"
		ip link add name "v$i" type veth peer name eth0 netns "n$i"
		ip link set "v$i" master br0 up
		ip -n "n$i" link set lo up
		ip -n "n$i" addr add "$(lab_address "$i")/16" brd + dev eth0
		ip -n "n$i" link set eth0 up
		[ -z "${CONGESTION:-}" ] || lab_in "$i" sh -c "echo $CONGESTION >/proc/sys/net/ipv4/tcp_congestion_control" ||
			{ echo "'$CONGESTION' is not in net.ipv4.tcp_allowed_congestion_control of this machine" >&2; exit 1; }
		[ "$rate" = 0 ] || lab_shape "$i" "$rate"
	done
}

lab_down() {
	local i
	for i in $(ip netns list | awk '{print $1}'); do
		ip link del "v${i#n}" 2>/dev/null # now; what is left to the namespace goes when the kernel has time
		ip netns del "$i"
	done
	ip link del br0 2>/dev/null
	return 0
}

lab_cut() { ip link set "v$1" nomaster; }
lab_join() { ip link set "v$1" master br0; }
lab_port() {
	local i
	ip link set "v$1" "$2"
	[ "$2" = up ] || return 0
	for i in $(seq 100); do # the kernel may take a second to say that there is a carrier again, and until then nothing is sent
		! ip -n "n$1" link show dev eth0 | grep -q 'state UP' || return 0
		sleep 0.05
	done
	echo "n$1: no carrier" >&2
	return 1
}

lab_in() {
	local i=$1
	shift
	ip netns exec "n$i" "$@"
}

lab_exec() { # the same in place of this shell: `lab_exec ... &` leaves the program's own pid in $!
	local i=$1
	shift
	exec ip netns exec "n$i" "$@"
}
