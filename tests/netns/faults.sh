#!/usr/bin/env bash
# The fault matrix of the ring (docs/ring-protocol.md): each fault at several moments, judged by exit codes = the master's log = SHA-256 of what
# lies on disk. Times are shown, and asserted only with STRICT=1.
#	faults.sh [MOMENTS [NAME-REGEX]]      MOMENTS: "connect 5 50 99" in percent of the clean time; connect: as soon as the master's
#	                                      kernel has every node's connection
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/ring.sh
. tests/netns/ring.sh
export RING_DOLLY=${RING_DOLLY:-$PWD/out/host/bin/dolly}
lab_enter "$@"

MOMENTS=${1:-connect 5 50 99}
ONLY=${2:-.}
MB=${MB:-24} RATE=${RATE:-40mbit} N=${N:-6} D=2
failed=0 cases=0

signal() { # SIGNAL NODE...
	local s=$1 i
	shift
	for i in "$@"; do kill "-$s" "$(ring_pid "$i")" 2>/dev/null; done
}

late() { # seconds over the clean time that this case may cost
	awk -v t="$(ring_seconds "${EXCEPT:-}")" -v z="$T0" -v b="$1" 'BEGIN { printf "%+.2f s", t - z; exit !(t - z > b) }'
}

# case NAME BUDGET "VICTIMS" FAULT-COMMAND...; the fault happens at each moment
fault() {
	local name=$1 budget=$2 victims=$3 moment over own
	shift 3
	[[ $name =~ $ONLY ]] || return 0
	for moment in $MOMENTS; do
		# shellcheck disable=SC2086
		RING_BAD=0
		ring_start "$N" ${SEND:-}
		if [ "$moment" = connect ]; then ring_connected; else ring_at "$(echo "$moment * $T0 / 100" | bc -l)"; fi
		"$@"
		# shellcheck disable=SC2086
		ring_finish $victims
		[ -z "${HEAL:-}" ] || $HEAL
		victims_now=$victims
		if [ "$moment" = 99 ]; then
			# shellcheck disable=SC2086
			killed_after_report $victims
			# shellcheck disable=SC2086
			victims_now=$(ring_unfinished $victims ${LATE_VICTIM:-})
		fi
		ring_judge $victims_now
		over=$(late "$budget") && { over="$over (more than $budget)"; [ "${STRICT:-0}" = 0 ] || RING_BAD=1; }
		own=${EXCEPT:+"; itself $(awk -v t="$(ring_seconds)" -v z="$T0" 'BEGIN { printf "%+.2f s", t - z }')"}
		cases=$((cases + 1))
		[ "$RING_BAD" = 0 ] || { failed=$((failed + 1)); sed 's/^/      /' "$LAB/master.log"; }
		printf '%-34s %-8s %s  %s%s\n' "$name" "$moment" "$([ "$RING_BAD" = 0 ] && echo ok || echo WRONG)" "$over" "$own"
	done
}

# At 99 % a victim may have been done before the fault came: then it is no victim.
ring_unfinished() {
	local i
	for i in "$@"; do [ "$(ring_verdict "$i")" = 'done' ] || printf '%s ' "$i"; done
}

# Between its report and its exit: the kill is in its exit code, and what it reported is judged as of any other.
killed_after_report() {
	local i
	for i in "$@"; do
		[ "$(ring_verdict "$i")" != 'done' ] || [ "${RC[i]:-1}" != 137 ] || RC[i]=0
	done
}

stop_for() { # SECONDS NODE
	signal STOP "$2"
	sleep "$1"
	signal CONT "$2"
}

small_disk() { # I: node 3 has room for a third
	[ "$1" != 3 ] || mount -t tmpfs -o "size=$((MB / 3))M" tmpfs "$LAB/node3"
}
# It is let go as soon as it has been dropped, so that it is back while the others are still at it.
return_later() {
	local i
	signal STOP 3
	for i in $(seq 100); do
		[ "$(ring_verdict 3)" != dropped ] || break
		sleep 0.1
	done
	signal CONT 3
}
# The moments, each so early that the others are still at it when it has been dropped (D) and comes back; what is over at 99 % is judged as that.
while_others_work() {
	local m
	for m in $MOMENTS; do
		case $m in connect | 99) echo "$m" ;; *) awk -v m="$m" -v t="$T0" -v d="$D" 'BEGIN {
			last = int(100 * (t - d - 0.5) / t); print(m <= last ? m : (last > 5 ? last : 5)) }' ;; esac
	done
}
flip_on() { [ "$1" != 3 ] || RING_PRELOAD[3]=$LAB/flip.so; }

says() { # FILE TEXT: a log of the last run has it
	grep -q "$2" "$LAB/$1" || { echo "WRONG: $1 does not say '$2'"; failed=$((failed + 1)); }
}
hang_on() { case $1 in 2 | 5) RING_PRELOAD[$1]=$LAB/hang.so ;; esac; }

slow_down() { lab_shape 3 "$((${RATE%mbit} / 4))mbit"; }
restore_rate() { lab_shape 3 "$RATE"; }

# The master dies: everybody ends with an error, within D, and keeps what it has; the same again goes on from there.
master_dies() {
	local i begin
	signal KILL 0
	begin=$(date +%s%N)
	for i in $(seq "$N"); do
		wait "$(ring_pid "$i")" && ring_complain "n$i: exit code 0 without its master"
	done
	[ $((($(date +%s%N) - begin) / 1000000)) -lt $((D * 1000 + 1500)) ] || ring_complain "the nodes took too long to notice"
	[ ! -e "$LAB/node1/file" ] || ring_complain "a partial file under the final name"
	[ -s "$LAB/node1/.file.dolly-part" ] || ring_complain "nothing was kept"
	kill "$RING_GUARD"
	KEEP=1 ring_start "$N"
}

lab_up "$N" "$RATE"
for lib in flip hang; do gcc -shared -fPIC -O1 -D_GNU_SOURCE -o "$LAB/$lib.so" "tests/netns/$lib.c" -ldl || exit 1; done
ring_source "$MB"
ring_start "$N"
ring_finish
ring_judge || exit 1
T0=$(ring_seconds)
echo "clean: $T0 s, $N nodes, $MB MB, $RATE"

fault "kill first" 0.5 "1" signal KILL 1
fault "kill middle" 0.5 "3" signal KILL 3
fault "kill last" 0.5 "$N" signal KILL "$N"
fault "kill two adjacent" 1 "3 4" signal KILL 3 4
fault "kill three adjacent" 1 "2 3 4" signal KILL 2 3 4
fault "kill five adjacent" 1 "1 2 3 4 5" signal KILL 1 2 3 4 5
fault "kill two distant" 0.5 "2 5" signal KILL 2 5
fault "stop one" 2.5 "3" signal STOP 3
fault "stop two distant" 3 "2 5" signal STOP 2 5
fault "stop for less than D" 2 "" stop_for 1.3 3
MOMENTS=$(while_others_work) EXCEPT=3 LATE_VICTIM=3 fault "stop for more than D" 2.5 "" return_later
HEAL="lab_join 3" fault "black hole" 2.5 "3" lab_cut 3
HEAL="lab_port 3 up" fault "carrier loss" 2.5 "3" lab_port 3 down
HEAL=restore_rate EXCEPT=3 fault "slow link" "$(echo "$T0 * 0.05" | bc -l)" "" slow_down
MOMENTS=0
RING_PREPARE=small_disk HEAL="umount $LAB/node3" fault "disk full" 0.5 "3" true
RING_ABSENT=3 SEND="--wait 1" fault "never started" 1.5 "3" true
RING_PREPARE=flip_on fault "bit flip" 0.5 "" true
RING_PRELOAD=()
[[ "bit flip" =~ $ONLY ]] && says node3.log "damaged data"
# In the handshake: the others wait for their order, but not for longer than D.
HANG_AT=1 RING_PREPARE=hang_on SEND="--wait 4" fault "two hang before they say a word" 3 "2 5" true
HANG_AT=2 RING_PREPARE=hang_on SEND="--wait 4" fault "two hang before they join" 3 "2 5" true
RING_PRELOAD=()
[[ "two hang before they join" =~ $ONLY ]] && says master.log "hung while they joined"
MOMENTS=50
fault "master killed, started again" 999 "" master_dies

echo "$cases cases, $failed wrong"
[ "$cases" -gt 0 ] && [ "$failed" = 0 ]
