#!/usr/bin/env bash
# Random fault schedules for the ring: nodes are killed, stopped and let go again, cut off and slowed down at random moments. Whatever happens,
# exit codes = the master's log = SHA-256, no survivor fails, and everything ends in time.
#	soak.sh SEED RUNS      prints each run's schedule; run K of SEED is run 1 of SEED + K - 1
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/ring.sh
. tests/netns/ring.sh
export RING_DOLLY=${RING_DOLLY:-$PWD/out/host/bin/dolly}
lab_enter "$@"

SEED=${1:-1} RUNS=${2:-20}
MB=${MB:-16} RATE=${RATE:-60mbit} N=${N:-7}
T0=$(echo "$MB * 8.9 / ${RATE%mbit}" | bc -l)
failed=0

event() { # KIND NODE
	case $1 in
	kill) kill -KILL "$(ring_pid "$2")" 2>/dev/null ;;
	stop)
		STOPPED[$2]=$(date +%s%N)
		kill -STOP "$(ring_pid "$2")" 2>/dev/null
		;;
	cont)
		kill -CONT "$(ring_pid "$2")" 2>/dev/null
		late_cont "$2"
		;;
	cut) lab_cut "$2" ;;
	slow) lab_shape "$2" "$((${RATE%mbit} / 5))mbit" ;;
	esac
}

# A hiccup is shorter than the detection time-out (2 s); on a busy machine, where `cut` waits for the kernel's lock of all networks, it may become
# longer. Then the node may be dropped, or not.
late_cont() { # NODE
	local ms=$((($(date +%s%N) - STOPPED[$1]) / 1000000))
	[ "$ms" -lt 1800 ] && return
	echo "  node $1 was stopped for $ms ms, as this machine was late"
	doubtful+=("$1")
}

# Lines "TIME KIND NODE"; every node has at most one fault, node 1 to N - 1 of them in all.
schedule() {
	awk -v seed="$1" -v n="$N" -v t="$T0" 'BEGIN {
		srand(seed)
		split("kill kill stop hiccup cut slow", kinds)
		for (i = 1; i <= n; i++) order[i] = i
		for (i = n; i > 1; i--) { j = 1 + int(rand() * i); x = order[i]; order[i] = order[j]; order[j] = x }
		count = 1 + int(rand() * (n - 1))
		for (i = 1; i <= count; i++) {
			kind = kinds[1 + int(rand() * 6)]; at = rand() * t * 1.1
			if (kind == "hiccup") { printf "%.2f stop %d\n%.2f cont %d\n", at, order[i], at + rand() * 1.5, order[i] }
			else printf "%.2f %s %d\n", at, kind, order[i]
		}
	}' | sort -n
}

one_run() {
	local seed=$1 plan victims at kind node doubtful=() sure=() STOPPED=()
	plan=$(schedule "$seed")
	echo "seed $seed: $(tr '\n' ';' <<<"$plan")"
	ring_start "$N" --wait 2
	while read -r at kind node; do
		ring_at "$at"
		event "$kind" "$node"
	done <<<"$plan"
	mapfile -t -O ${#doubtful[@]} doubtful < <(awk '$2 == "kill" || $2 == "cut" { print $3 }
		$2 == "stop" { s[$3] = 1 } $2 == "cont" { delete s[$3] } END { for (i in s) print i }' <<<"$plan")
	ring_finish "${doubtful[@]}"
	# Who was done before its fault came is no victim; but it may have been ended while it still served the others.
	for node in "${doubtful[@]}"; do
		if [ "$(ring_verdict "$node")" = 'done' ]; then RC[node]=0; else sure+=("$node"); fi
	done
	RING_BAD=0
	ring_judge "${sure[@]}"
	victims=$(awk '{ print $3 }' <<<"$plan" | sort -u)
	for node in $victims; do lab_join "$node"; lab_shape "$node" "$RATE"; done
	[ "$RING_BAD" = 0 ] && return
	failed=$((failed + 1))
	sed 's/^/      /' "$LAB/master.log"
	mkdir -p "/tmp/soak-ring-$seed" && cp "$LAB"/json "$LAB"/*.log "/tmp/soak-ring-$seed/"
}

lab_up "$N" "$RATE"
ring_source "$MB"
for run in $(seq "$RUNS"); do one_run $((SEED + run - 1)); done 2> >(grep -v Killed >&2)
echo "$RUNS runs from seed $SEED, $failed wrong"
[ "$failed" = 0 ]
