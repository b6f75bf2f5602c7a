#!/usr/bin/env bash
# make bench-serve: NODES simulated nodes get their plans and report once a second for SECONDS_EACH seconds, each report on a connection of its own.
# Nothing may be lost: what the nodes were acknowledged is compared with state.db. Latencies, the server's memory and processor time are figures,
# not judgements. BROWSER=1: with a browser that has the board open meanwhile (SHOT=FILE.png: what it shows); BROWSER=load: that loads it
# anew amid the reports. It takes of the same processors, where an administrator's runs on another machine: BROWSER_NICE=19 has it stand back. In a network namespace of its own; no root needed where
# user namespaces are allowed.
set -euo pipefail
. "$(dirname "$0")/../server/lib.sh"
in_namespaces --net "$@"
NODES=${NODES:-10000}
SECONDS_EACH=${SECONDS_EACH:-30}
PORT=8077
TMPDIR=${TMPDIR:-/var/tmp} site_folder lucie-bench-serve

last=$(printf %05d $((NODES - 1)))
mac() { printf '52:54:01:%02x:%02x:%02x' $(($1 >> 16)) $(($1 >> 8 & 255)) $(($1 & 255)); }
write_site() {
	site_group "subnet 255.255.0.0" "http_port $PORT" "installer test"
	site_installer "modules init, partition, mount, extrbase"
	local i
	for ((i = 0; i < NODES; i++)); do
		printf 'define host{\nhost_name n%05d\nlucie_group site\naddress 10.9.%d.%d\nmac_address %s\n}\n' "$i" $(((i + 2) >> 8)) $(((i + 2) & 255)) "$(mac "$i")"
	done
}
timed() { # WHAT COMMAND...
	local what=$1 begin=${EPOCHREALTIME/./}
	shift
	"$@" >"$T/out" 2>&1 || { cat "$T/out"; fail "$what"; }
	printf '%-44s %6.2f s\n' "$what" "$(bc <<<"scale=2; (${EPOCHREALTIME/./} - $begin) / 1000000")"
}
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
# Whether somebody who looks gets an answer meanwhile, and how soon.
probe() {
	while sleep 0.25; do curl -s -m 20 -o /dev/null -w '%{http_code} %{time_total}\n' "http://127.0.0.1:$PORT/metrics" >>"$T/probe" || true; done
}

ip link set lo up
images
base
write_site >"$T/cluster.conf"
timed "lucie check, $NODES hosts" "$LUCIE" check "$T/cluster.conf"
timed "lucie setup" "$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images"
timed "lucie setup, nothing changed" "$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images"
timed "lucie install, all of them" "$LUCIE" install --state "$STATE" "n[00000-$last]"

serve_start --no-dhcp --bind 127.0.0.1
WEB=$(web_process)
[ -n "$WEB" ] || fail "no web process"
probe &
PROBE=$!
PIDS+=("$PROBE")
if [ -n "${BROWSER:-}" ]; then
	coproc BOARD { "$TOP/tests/bench/board.py" "http://127.0.0.1:$PORT" "$NODES" $((SECONDS_EACH * 2 / 3)); }
	board=$BOARD_PID
	exec {board_says}<&"${BOARD[0]}" {board_hears}>&"${BOARD[1]}"
	read -r line <&"$board_says" && [ "$line" = open ] || fail "the board"
fi
before=$(ticks "$WEB")
"$SIM" --server "http://127.0.0.1:$PORT" --mac "$(mac 0)" --site-key "$STATE/key/site.pub" --nodes "$NODES" --seconds "$SECONDS_EACH" --ledger "$T/ledger" |
	while read -r line; do
		printf '%s\n' "$line"
		case $line in plans:*)
			ticks "$WEB" >"$T/ticks"
			[ -z "${BROWSER:-}" ] || echo "$BROWSER" >&"$board_hears"
			;;
		esac
	done || fail "the nodes"
after=$(ticks "$WEB")
ends "$PROBE" || true
if [ -n "${BROWSER:-}" ]; then
	cat <&"$board_says"
	wait "$board" || fail "the board"
fi

hz=$(getconf CLK_TCK)
plans_at=$(cat "$T/ticks")
awk -v t=$((plans_at - before)) -v hz="$hz" -v n="$NODES" 'BEGIN {printf "processor time of the server: %.2f ms a plan", t / hz / n * 1000}'
awk -v t=$((after - plans_at)) -v hz="$hz" -v n=$((NODES * (SECONDS_EACH + 1))) 'BEGIN {printf ", %.0f us a report\n", t / hz / n * 1e6}'
grep -E '^Vm(HWM|RSS)' "/proc/$WEB/status" | awk '{printf "%s %.0f MB  ", $1, $2 / 1024} END {print ""}'
sort -n -k2 "$T/probe" | awk '{v[NR] = $2; bad += $1 != 200} END {printf "metrics meanwhile: %d answers, %d failures, p50 %.0f ms, max %.0f ms\n", NR, bad, v[int((NR + 1) / 2)] * 1000, v[NR] * 1000; exit bad > 0}' || fail "metrics"
timed "lucie status" "$LUCIE" status --state "$STATE"
timed "lucie status --json" "$LUCIE" status --state "$STATE" --json
timed "lucie history" "$LUCIE" history --state "$STATE"
serve_stop

python3 - "$STATE/state.db" "$T/ledger" <<-'END' || fail "the state is not what was acknowledged"
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	state = {i: (ack, kept, ok) for i, ack, kept, ok in db.execute("SELECT id, ack, kept, ok FROM install")}
	events = dict(db.execute("SELECT install, count(*) FROM event GROUP BY install"))
	lost = wrong = lines = 0
	for line in open(sys.argv[2]):
	    install, seq, kept = line.split()
	    ack, has, ok = state.get(install, (0, 0, 0))
	    lost += int(seq) - ack + int(kept) - events.get(install, 0)
	    wrong += not ok or has != int(kept)
	    lines += 1
	installed = db.execute("SELECT count(*) FROM node WHERE status='installed' AND armed=''").fetchone()[0]
	check = db.execute("PRAGMA integrity_check").fetchone()[0]
	print(f"events lost: {lost}; installations: {len(state)} of {lines}, wrong: {wrong}; nodes installed: {installed}; database: {check}")
	sys.exit(lost != 0 or wrong != 0 or len(state) != lines or installed != lines or check != "ok")
END
