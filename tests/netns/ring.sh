# One distribution over the lab's star, with a fault in it, and the judgement of it. Sourced after lab.sh.
#
#	ring_source MB               a new source of random bytes with a hole in it
#	ring_start N [SEND-OPTIONS]  master in n0, nodes 1..N in this order (RING_ORDER=0: as they come; RING_ABSENT: not these;
#	                             RING_PREPARE: a command that is given each I first)
#	ring_at SECONDS              waits until so long after the start
#	ring_connected               waits until every node is connected to the master, joined or not
#	ring_pid I                   process of node I (0: the master)
#	ring_finish [VICTIM...]      waits for all, then ends the victims; fills RC[0..N]
#	ring_judge VICTIM...         exit codes = master's log = SHA-256, for victims and survivors. A victim may have got everything when it was
#	                             cut off, and have had no way to say so: then it has its file
#
# RING_DOLLY: the program; RING_RECV: more options for nodes. Every wait is bounded by RING_LIMIT seconds.
# shellcheck shell=bash

RING_LIMIT=${RING_LIMIT:-90}

ring_source() {
	head -c "$1M" /dev/urandom >"$LAB/source"
	dd if=/dev/zero of="$LAB/source" bs=64K count=5 seek=7 conv=notrunc status=none
	RING_SUM=$(sha256sum <"$LAB/source")
}

ring_pid() { echo "${RING_PIDS[$1]}"; }

ring_node() { # I
	local i=$1
	mkdir -p "$LAB/node$i"
	[ -z "${RING_PREPARE:-}" ] || $RING_PREPARE "$i"
	# shellcheck disable=SC2086
	lab_exec "$i" env LD_PRELOAD="${RING_PRELOAD[i]:-}" HANG_AT="${HANG_AT:-}" "$RING_DOLLY" recv -q --name "n$i" ${RING_RECV:-} "$(lab_address 0)" "$LAB/node$i/file" 2>"$LAB/node$i.log" &
	RING_PIDS[i]=$!
}

ring_start() {
	local n=$1 i order=()
	shift
	RING_N=$n
	RC=() RING_PIDS=()
	[ -n "${KEEP:-}" ] || rm -rf "$LAB"/node*
	for i in $(seq "$n"); do echo "n$i"; done >"$LAB/hosts"
	[ "${RING_ORDER:-1}" = 0 ] || order=(--hosts "$LAB/hosts")
	lab_exec 0 "$RING_DOLLY" send -q --json -n "$n" "${order[@]}" "$@" "$LAB/source" >"$LAB/json" 2>"$LAB/master.log" &
	RING_PIDS[0]=$!
	for i in $(seq 100); do
		grep -q listening "$LAB/json" && break
		sleep 0.02
	done
	for i in $(seq "$n"); do
		case " ${RING_ABSENT:-} " in *" $i "*) continue ;; esac
		ring_node "$i"
	done
	ring_guard "${RING_PIDS[@]}" &
	RING_GUARD=$!
	RING_T=$(date +%s%N)
}

ring_at() {
	local left=$((RING_T + $(printf '%.0f' "$(echo "$1 * 1000000000" | bc)") - $(date +%s%N)))
	[ "$left" -le 0 ] || sleep "$(printf '%d.%09d' $((left / 1000000000)) $((left % 1000000000)))"
}

# Until the master's kernel has a connection of every node, for at most 2 s.
ring_connected() {
	local i
	for i in $(seq 100); do
		[ "$(lab_in 0 ss -tnH state established 'sport = :9998' | awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | sort -u | wc -l)" -ge "$RING_N" ] && return
		sleep 0.02
	done
}

# Whoever still runs after the limit is ended: that shows as an exit code.
ring_guard() {
	sleep "$RING_LIMIT"
	kill -KILL "$@"
} 2>/dev/null

ring_finish() { # VICTIM...: these are ended when all others have
	local i
	for i in "${!RING_PIDS[@]}"; do
		case " $* " in *" $i "*) continue ;; esac
		wait "${RING_PIDS[i]}"
		RC[i]=$?
	done
	for i in "$@"; do
		[ -n "${RING_PIDS[i]:-}" ] || continue
		kill -KILL "${RING_PIDS[i]}" 2>/dev/null
		wait "${RING_PIDS[i]}"
		RC[i]=$?
	done
	kill "$RING_GUARD" && wait "$RING_GUARD"
	return 0
} 2>/dev/null

ring_complain() {
	RING_BAD=1
	echo "    WRONG: $*"
}

# The last word of the master's log about a node: done, dropped, failed, or nothing.
ring_verdict() {
	grep -oE "\"event\":\"(done|dropped|failed|returned)\",\"seconds\":[0-9.]+,\"node\":\"n$1\"" "$LAB/json" | tail -1 | cut -d'"' -f4
}

ring_seconds() { # the slowest survivor's, by its own clock; without node $1
	grep '"event":"done"' "$LAB/json" | grep -v "\"node\":\"n${1:-0}\"" | grep -oE '"millis":[0-9]+' | cut -d: -f2 | sort -n | tail -1 | awk '{printf "%.2f", $1 / 1000}'
}

ring_same() { # I
	local sum
	sum=$(sha256sum <"$LAB/node$1/file") || ring_complain "n$1: cannot be summed"
	[ "$sum" = "$RING_SUM" ]
}

ring_judge() {
	local victims=" $* " i expected=0 verdict
	for i in $(seq "$RING_N"); do
		verdict=$(ring_verdict "$i")
		case "$victims" in *" $i "*)
			expected=1
			[ "${RC[i]:-1}" != 0 ] || ring_complain "n$i: exit code 0 of a victim"
			[ "$verdict" != 'done' ] || ring_complain "n$i: the master calls a victim done"
			[ ! -e "$LAB/node$i/file" ] || ring_same "$i" || ring_complain "n$i: a partial file under the final name"
			continue
			;;
		esac
		[ "${RC[i]:-1}" = 0 ] || ring_complain "n$i: exit code ${RC[i]} ($(tail -1 "$LAB/node$i.log"))"
		[ "$verdict" = 'done' ] || ring_complain "n$i: the master says '$verdict'"
		ring_same "$i" || ring_complain "n$i: not the same content"
	done
	[ "${RC[0]}" = "$expected" ] || ring_complain "the master's exit code is ${RC[0]}, expected $expected"
	return "${RING_BAD:-0}"
}
