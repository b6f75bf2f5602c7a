#!/usr/bin/env bash
# kill -9 of the server, with all of its processes, at random moments of installations of three machines: RUNS times, from a printed SEED. Each time
# it is started again after a moment. Every machine ends installed, the history has one installation for each arming, and the database is whole.
. "$(dirname "$0")/lib.sh"

RUNS=${RUNS:-20}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
NODES='n1 n2 n3'
MEMORY=${MEMORY:-160}
echo "SEED=$SEED RUNS=$RUNS"

site_new
site_small
for node in $NODES; do host "$node" "installer base-only" "disk_layout one" "base random"; done
tar_random "$T/random.tar.zst" 24
base_add random "$T/random.tar.zst"
site_setup

# A session of its own: its processes can be killed at once.
serve_start() {
	setsid "$LUCIE" serve --state "$T/state" --no-dhcp --bind 127.0.0.1 --port "$PORT" >>"$T/serve.log" 2>&1 &
	SERVE_PID=$!
}
serve_kill() {
	kill -KILL -- "-$SERVE_PID"
	wait "$SERVE_PID" 2>/dev/null || true
	SERVE_PID=
}
alive() { local node; for node in $NODES; do machine_alive "$node" && return; done; return 1; }
# How many installations of the node are good, if the others are none.
installed() { "$LUCIE" history --state "$T/state" --json | jq -r --arg n "$1" '[.[] | select(.node == $n) | .result] | if all(. == "installed") then length else join(" ") end'; }
pause() { sleep "$(bc <<<"scale=2; $1 / 100")"; } # hundredths of a second

serve_start
wait_until 10 "the server on port $PORT" server_listens
killed=0 round=0
while [ "$killed" -lt "$RUNS" ]; do
	round=$((round + 1))
	# shellcheck disable=SC2086
	arm $NODES
	for node in $NODES; do
		rm -f "$T/$node.img"
		disk_new "$T/$node.img" 300M
		machine_start "$node" "$T/$node.img"
	done
	end=$((SECONDS + 400))
	while alive; do
		[ $SECONDS -lt $end ] || fail "round $round is not done after 400 s"
		[ "$killed" -lt "$RUNS" ] || { sleep 0.5; continue; }
		pause $((RANDOM % 1000))
		alive || break
		serve_kill
		killed=$((killed + 1))
		pause $((RANDOM % 200))
		serve_start
	done
	for node in $NODES; do
		machine_end "$node" 10
		[ "$(installed "$node")" = "$round" ] || { tail -n 20 "$T/$node.serial"; fail "round $round: $node is not installed"; }
		mac=$(machine_mac "$node")
		! grep -q KERNEL "$T/state/tftp/pxelinux.cfg/01-${mac//:/-}" 2>/dev/null || fail "round $round: $node would be installed again: $(node_status "$node")"
	done
	echo "round $round: three machines installed, the server was killed $killed times so far"
done

python3 - "$T/state/state.db" <<-'END' || fail "the database"
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	gaps = db.execute("SELECT count(*) FROM install i WHERE kept <> (SELECT count(*) FROM event e WHERE e.install = i.id)").fetchone()[0]
	check = db.execute("PRAGMA integrity_check").fetchone()[0]
	print(f"database: {check}, installations whose events are not all there: {gaps}")
	sys.exit(check != "ok" or gaps != 0)
END
serve_kill
pass "the server was killed $killed times in $round rounds (SEED=$SEED)"
