#!/usr/bin/env bash
# The ring beside its peers, interleaved in one run: `nc | tee` chain, udpcast, an HTTP star (each where it is installed; what is missing is said).
# Ratios, not absolute times: every figure stands beside a control pair (our own ring, one hop) of the same minute, and the runs of a round whose
# control pair is below 90 % of the ceiling are dropped. Then what each fault costs in seconds over the clean time. Writes tables to the standard
# output, out/bench/ring.json and ring-faults.json (a line a run) and, with gnuplot, docs/ring-bench.svg.
#	NODES="2 4 8 16"  RATE=100mbit  MB="32 128"  REPEAT=3  PEER_REPEAT=1  FREE_MB=256  MOMENTS="5 50 99"  tests/bench/ring.sh
# MB is at RATE: with more nodes than two cores carry at that rate, rate and size shrink alike, so that a run takes as long. PEER_REPEAT: rounds
# in which the peers take part. In the largest lab our ring also runs with all the smaller numbers of nodes, at the same rate and size: from
# these come flatness and slope, by the time from the last node's joining (how long one machine takes to start them all is not the ring's) to
# the last report. CONGESTION: TCP's congestion control for all of them (a Debian kernel's own is cubic), else this machine's; it is printed.
# MOMENTS=none leaves the faults out. NODES="2 4 8 16 32 64" takes 20 minutes.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
export RING_DOLLY=${RING_DOLLY:-$PWD/out/host/bin/dolly}
lab_enter "$@"

NODES=${NODES:-2 4 8} RATE=${RATE:-100mbit} MB=${MB:-16 64} REPEAT=${REPEAT:-3} PEER_REPEAT=${PEER_REPEAT:-$REPEAT} FREE_MB=${FREE_MB:-256} MOMENTS=${MOMENTS:-50}
LIMIT=300
OUT=out/bench
mkdir -p "$OUT"
: >"$OUT/ring.json"
TICKS=$(getconf CLK_TCK)

# Rate to use for N nodes: N x rate stays below what two cores carry.
rate_for() {
	local mbit=${RATE%mbit}
	awk -v r="$mbit" -v n="$1" 'BEGIN { m = 1600 / n; printf "%dmbit", r < m ? r : m }'
}

# MB at the rate of a lab.
sizes_for() { # RATE
	local mb
	for mb in $MB; do echo $((mb * ${1%mbit} / ${RATE%mbit})); done
}

clock() { date +%s.%N; }

# Sets CPU to the clock ticks of everything below this shell that has ended.
cpu() {
	local stat
	read -r -a stat <"/proc/$BASHPID/stat"
	CPU=$((stat[15] + stat[16]))
}

clean() { rm -rf "$LAB"/out*; }

verify() { # N
	local i
	for i in $(seq "$1"); do cmp -s "$LAB/source" "$LAB/out$i" || { echo "node $i: not the same content" >&2; return 1; }; done
}

run_control() { run_ring "$@"; }

run_ring() { # N
	local i pids=()
	for i in $(seq "$1"); do echo "n$i"; done >"$LAB/hosts"
	(lab_exec 0 timeout $LIMIT "$RING_DOLLY" send -q -n "$1" --hosts "$LAB/hosts" --json "$LAB/source" >"$LAB/json" 2>/dev/null) &
	pids+=($!)
	for i in $(seq "$1"); do
		(lab_exec "$i" timeout $LIMIT "$RING_DOLLY" recv -q --name "n$i" "$(lab_address 0)" "$LAB/out$i" 2>/dev/null) &
		pids+=($!)
	done
	wait "${pids[@]}"
}

wait_port() { # NODE PORT
	local i
	for i in $(seq 100); do
		lab_in "$1" ss -ltnH "sport = :$2" | grep -q . && return
		sleep 0.02
	done
}

run_chain() { # N: the last one listens first
	local i pids=()
	for i in $(seq "$1" -1 1); do
		if [ "$i" = "$1" ]; then
			(lab_exec "$i" timeout $LIMIT sh -c "nc -l -p 9000 >'$LAB/out$i'") &
		else
			wait_port $((i + 1)) 9000
			(lab_exec "$i" timeout $LIMIT sh -c "nc -l -p 9000 | tee '$LAB/out$i' | nc -N $(lab_address $((i + 1))) 9000") &
		fi
		pids+=($!)
	done
	for i in $(seq "$1"); do wait_port "$i" 9000; done
	(lab_exec 0 timeout $LIMIT sh -c "nc -N $(lab_address 1) 9000 <'$LAB/source'") &
	wait "${pids[@]}" $!
}

run_udpcast() { # N
	local i pids=()
	for i in $(seq "$1"); do
		(lab_exec "$i" timeout $LIMIT udp-receiver --nokbd --interface eth0 --file "$LAB/out$i" >/dev/null 2>&1) &
		pids+=($!)
	done
	sleep 0.3
	lab_in 0 timeout $LIMIT udp-sender --nokbd --interface eth0 --full-duplex --min-receivers "$1" --max-bitrate "$2" --file "$LAB/source" >/dev/null 2>&1
	wait "${pids[@]}"
}

run_star() { # N: one server, N clients
	local i pids=() server
	mkdir -p "$LAB/www"
	ln -sf "$LAB/source" "$LAB/www/source"
	cat >"$LAB/nginx.conf" <<-EOF
		user root; daemon off; master_process off; error_log stderr; pid $LAB/pid;
		events {}
		http {
			access_log off; sendfile on;
			client_body_temp_path $LAB/n1; proxy_temp_path $LAB/n2; fastcgi_temp_path $LAB/n3; uwsgi_temp_path $LAB/n4; scgi_temp_path $LAB/n5;
			server { listen 8080; root $LAB/www; }
		}
	EOF
	lab_exec 0 nginx -e stderr -c "$LAB/nginx.conf" 2>/dev/null &
	server=$!
	wait_port 0 8080
	for i in $(seq "$1"); do
		(lab_exec "$i" curl -sf -o "$LAB/out$i" "http://$(lab_address 0):8080/source") &
		pids+=($!)
	done
	wait "${pids[@]}"
	kill "$server"
	wait "$server"
}

missing() {
	local tool
	for tool in nc udp-sender nginx curl gnuplot; do
		command -v "$tool" >/dev/null || echo "not installed, left out: $tool" >&2
	done
}

# Seconds from the last joining to the last report of our ring; others do not say.
net_seconds() {
	jq -rs '(map(select(.event == "done").seconds) | max) as $last | (map(select(.event == "joined").seconds) | max) as $first |
		if $last then $last - $first else null end' "$LAB/json"
}

# One run; prints "SECONDS CPU-SECONDS-PER-GB-AND-NODE NET-SECONDS".
measure() { # PEER N MB RATE
	local begin end cpu_begin ok=1
	clean
	echo '{"event":"none"}' >"$LAB/json"
	head -c "$3M" /dev/urandom >"$LAB/source"
	cpu
	cpu_begin=$CPU
	begin=$(clock)
	"run_$1" "$2" "$4"
	end=$(clock)
	cpu
	awk -v a="$begin" -v b="$end" -v ticks=$((CPU - cpu_begin)) -v hz="$TICKS" -v n="$2" -v mb="$3" \
		'BEGIN { printf "%.3f %.3f ", b - a, ticks / hz / (n * mb * 1.048576 / 1000) }'
	net_seconds
	verify "$2" || ok=0
	[ "$ok" = 1 ]
} 2>/dev/null

peers_for() { # N
	echo ring
	[ "$ROUND" -le "$PEER_REPEAT" ] || return 0
	command -v nc >/dev/null && echo chain
	command -v udp-sender >/dev/null && echo udpcast
	command -v nginx >/dev/null && command -v curl >/dev/null && [ "$1" -le 8 ] && echo star
	return 0
}

record() { # PEER N RATE MB SECONDS CPU NET, in a lab of LAB_NODES
	printf '{"lab":%d,"round":%d,"peer":"%s","nodes":%d,"rate":"%s","mb":%d,"seconds":%s,"cpu_per_gb_node":%s,"net":%s}\n' "$LAB_NODES" "$ROUND" "$@" >>"$OUT/ring.json"
}

measured() { # PEER N RATE MB
	local result
	result=$(measure "$1" "$2" "$4" "$3") || { echo "$1, $2 nodes: failed" >&2; return; }
	# shellcheck disable=SC2086
	record "$@" $result
}

shaped() {
	local n rate mb sizes peer smaller
	for n in $NODES; do
		rate=$(rate_for "$n") LAB_NODES=$n
		mapfile -t sizes < <(sizes_for "$rate")
		lab_up "$n" "$rate"
		for ROUND in $(seq "$REPEAT"); do
			for peer in $(peers_for "$n"); do
				for mb in "${sizes[@]}"; do measured "$peer" "$n" "$rate" "$mb"; done
			done
			measured control 1 "$rate" "${sizes[0]}"
			[ "$n" = "${NODES##* }" ] || continue
			for smaller in ${NODES% *}; do measured ring "$smaller" "$rate" "${sizes[-1]}"; done
		done
		lab_down
	done
}

unshaped() {
	local peer LAB_NODES=4
	lab_up 4 0
	for ROUND in $(seq "$REPEAT"); do
		for peer in ring chain; do measured "$peer" 4 0 "$FREE_MB"; done
	done
	lab_down
}

# What the other tables are made of: medians of the rounds whose control pair had 90 % of the ceiling (1448/1514 of the rate).
# share: (S2 - S1) / (T2 - T1) / rate, by the two sizes.
# shellcheck disable=SC2016 # jq's own variables
medians='
	def median: sort | .[(length / 2 | floor)];
	def number: rtrimstr("mbit") | tonumber;
	(map(select(.peer == "control" and .mb * 8.388608 / (.rate | number) / .seconds < 0.9 * 1448 / 1514) | [.lab, .rate, .round])) as $bad |
	map(select(.peer != "control" and ([.lab, .rate, .round] as $r | $bad | index([$r]) | not))) |
	group_by([.peer, .nodes, .rate]) | map({
		peer: .[0].peer, nodes: .[0].nodes, rate: .[0].rate, own: any(.lab == .nodes),
		cpu: ([.[] | .cpu_per_gb_node] | median),
		sizes: (group_by(.mb) | map({mb: .[0].mb, t: ([.[] | .seconds] | median), net: ([.[] | .net] | median)}))
	}) | map(. + {
		share: (if .rate != "0" and (.sizes | length) > 1 then
			((.sizes[-1].mb - .sizes[0].mb) * 8.388608 / (.sizes[-1].t - .sizes[0].t) / (.rate | number)) else null end),
		mbs: (.sizes[-1].mb * 1.048576 / .sizes[-1].t)
	})'

table() {
	jq -rs "$medians"' |
		(["peer", "nodes", "rate", "MB", "seconds", "MB/s", "share", "cpu/GB/node"] | @tsv),
		(.[] | [.peer, .nodes, .rate, .sizes[-1].mb, .sizes[-1].t, (.mbs * 10 | round / 10),
			(if .share then (.share * 1000 | round / 1000) else "-" end), .cpu] | @tsv)
	' "$OUT/ring.json" | column -t
}

# Flatness T(N)/T(2) at the largest size of the rate that most labs had, and the slope of T over N: Theil-Sen, the median over all pairs of medians.
flatness() {
	jq -rs "$medians"' |
		map(select(.peer == "ring" and .rate != "0")) | group_by(.rate) | max_by(length) // [] | sort_by(.nodes) |
		map({n: .nodes, t: .sizes[-1].net}) as $p |
		[$p[] as $a | $p[] as $b | select($b.n > $a.n) | ($b.t - $a.t) / ($b.n - $a.n) * 1000] |
		if length == 0 then empty else
			"flatness T(\($p[-1].n))/T(\($p[0].n)) = \($p[-1].t / $p[0].t * 1000 | round / 1000), slope \(sort | .[(length / 2 | floor)] * 100 | round / 100) ms a hop" end
	' "$OUT/ring.json"
}

# A lab of its own; the clean time is its own, too.
faults() {
	env -u LAB_INSIDE -u MB -u RATE -u N tests/netns/faults.sh "$MOMENTS" 2>/dev/null |
		awk '{
			for (i = NF; i > 2 && $i != "ok" && $i != "WRONG"; i--);
			if (i <= 2 || $(i + 1) !~ /^[+-][0-9]/) next
			name = $1
			for (k = 2; k < i - 1; k++) name = name " " $k
			printf "{\"fault\":\"%s\",\"moment\":\"%s\",\"right\":%s,\"over\":%.2f}\n", name, $(i - 1), ($i == "ok" ? "true" : "false"), $(i + 1)
		}' >"$OUT/ring-faults.json"
	jq -rs '(["fault", "at", "seconds over the clean time"] | @tsv), (.[] | [.fault, .moment, (if .right then .over else "WRONG" end)] | @tsv)' \
		"$OUT/ring-faults.json" | column -t -s "$(printf '\t')"
}

plot() {
	command -v gnuplot >/dev/null || return 0
	jq -rs "$medians"' | map(select(.own and .rate != "0")) | group_by(.peer)[] |
		"\"\(.[0].peer)\"", (sort_by(.nodes)[] | "\(.nodes) \(.mbs * 8 / (.rate | number))"), "", ""' "$OUT/ring.json" >"$LAB/plot"
	[ -s "$LAB/plot" ] || return 0
	gnuplot -e "set terminal svg size 700,400 background 'white'; set output 'docs/ring-bench.svg'; set logscale x 2; set xlabel 'nodes'; \
		set ylabel 'share of the nominal link, start and end included'; set yrange [0:1]; set grid; set key left bottom autotitle columnhead; \
		plot for [i=0:*] '$LAB/plot' index i with linespoints pt 7 ps 0.6"
}

missing
echo "congestion control: ${CONGESTION:-$(cat /proc/sys/net/ipv4/tcp_congestion_control)}"
shaped
unshaped
table
flatness
[ "$MOMENTS" = none ] || faults
plot
