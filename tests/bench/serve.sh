#!/usr/bin/env bash
# make bench-serve: NODES simulated nodes get their plans and report once a second for SECONDS_EACH seconds, each report on a connection of its own.
# Nothing may be lost: what the nodes were acknowledged is compared with state.db. Latencies, the server's memory and processor time are figures,
# not judgements. In a network namespace of its own; no root needed where user namespaces are allowed.
set -euo pipefail
if [ -z "${LUCIE_INSIDE:-}" ]; then
	how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_INSIDE=1 exec "${how[@]}" -- "$0"
fi
TOP=$(cd "$(dirname "$0")/../.." && pwd)
LUCIE=$TOP/out/host/bin/lucie
SIM=$TOP/out/host/bin/sim-nodes
NODES=${NODES:-10000}
SECONDS_EACH=${SECONDS_EACH:-30}
PORT=8077
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-bench-serve.XXXXXX")
chmod 755 "$T" # the server has a user of its own
SERVE='' PROBE=''

cleanup() {
	local status=$?
	trap - EXIT
	for pid in $SERVE $PROBE; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	[ $status -eq 0 ] || { echo '--- the server said'; tail -n 20 "$T/serve.log" || true; } 2>/dev/null
	rm -rf "$T"
	exit $status
}
trap cleanup EXIT
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

last=$(printf %05d $((NODES - 1)))
mac() { printf '52:54:01:%02x:%02x:%02x' $(($1 >> 16)) $(($1 >> 8 & 255)) $(($1 & 255)); }
write_site() {
	cat <<-END
		define lucie_group{
		name site
		subnet 255.255.0.0
		domain_name example.test
		gateway 10.9.0.1
		dns1 10.9.0.1
		lucie_server server
		server_address 127.0.0.1
		http_port $PORT
		board test
		installer test
		}
		define installer{
		name test
		modules init, partition, mount, extrbase
		}
	END
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
mkdir -p "$T/images/test/boot" "$T/base/sbin"
touch "$T/base/sbin/init"
for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32; do echo "$f" >"$T/images/test/$f"; done
tar -C "$T/base" -cf - . | zstd -q -o "$T/base.tar.zst"
"$LUCIE" base add default "$T/base.tar.zst" --state "$T/state" >"$T/out" 2>&1 || { cat "$T/out"; fail "lucie base add"; }
write_site >"$T/cluster.conf"
timed "lucie check, $NODES hosts" "$LUCIE" check "$T/cluster.conf"
timed "lucie setup" "$LUCIE" setup --conf "$T/cluster.conf" --state "$T/state" --images "$T/images"
timed "lucie setup, nothing changed" "$LUCIE" setup --conf "$T/cluster.conf" --state "$T/state" --images "$T/images"
timed "lucie install, all of them" "$LUCIE" install --state "$T/state" "n[00000-$last]"

"$LUCIE" serve --state "$T/state" --no-dhcp --bind 127.0.0.1 >"$T/serve.log" 2>&1 &
SERVE=$!
for _ in $(seq 300); do grep -q 'HTTP on port' "$T/serve.log" && break; sleep 0.1; done
# Of the two children the web process is the one with threads.
WEB=$(for pid in $(pgrep -P "$SERVE"); do [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || echo "$pid"; done)
[ -n "$WEB" ] || fail "no web process"
probe &
PROBE=$!
before=$(ticks "$WEB")
"$SIM" --server "http://127.0.0.1:$PORT" --mac "$(mac 0)" --site-key "$T/state/key/site.pub" --nodes "$NODES" --seconds "$SECONDS_EACH" --ledger "$T/ledger" |
	while read -r line; do
		printf '%s\n' "$line"
		case $line in plans:*) ticks "$WEB" >"$T/ticks" ;; esac
	done || fail "the nodes"
after=$(ticks "$WEB")
kill "$PROBE"
wait "$PROBE" 2>/dev/null || true
PROBE=

hz=$(getconf CLK_TCK)
plans_at=$(cat "$T/ticks")
awk -v t=$((plans_at - before)) -v hz="$hz" -v n="$NODES" 'BEGIN {printf "processor time of the server: %.2f ms a plan", t / hz / n * 1000}'
awk -v t=$((after - plans_at)) -v hz="$hz" -v n=$((NODES * (SECONDS_EACH + 1))) 'BEGIN {printf ", %.0f us a report\n", t / hz / n * 1e6}'
grep -E '^Vm(HWM|RSS)' "/proc/$WEB/status" | awk '{printf "%s %.0f MB  ", $1, $2 / 1024} END {print ""}'
sort -n -k2 "$T/probe" | awk '{v[NR] = $2; bad += $1 != 200} END {printf "metrics meanwhile: %d answers, %d failures, p50 %.0f ms, max %.0f ms\n", NR, bad, v[int((NR + 1) / 2)] * 1000, v[NR] * 1000; exit bad > 0}' || fail "metrics"
timed "lucie status" "$LUCIE" status --state "$T/state"
timed "lucie status --json" "$LUCIE" status --state "$T/state" --json
timed "lucie history" "$LUCIE" history --state "$T/state"
kill "$SERVE"
wait "$SERVE" || fail "the server's exit code"
SERVE=

python3 - "$T/state/state.db" "$T/ledger" <<-'END' || fail "the state is not what was acknowledged"
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
