#!/usr/bin/env bash
# The server against simulated nodes: what is given to whom, what is believed, what survives a restart. Loopback only, no root.
# Files of an image are stand-ins: nothing boots here.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
NODES=${NODES:-40} # of the storm
site_folder lucie-server
PORT=$(free_port)
URL=http://127.0.0.1:$PORT

boot_file() { cat "$STATE/tftp/pxelinux.cfg/01-52-54-00-00-01-$(printf %02x "$1")" 2>/dev/null || cat "$STATE/tftp/pxelinux.cfg/default"; }
# expect CODE WHAT COMMAND...
expect() {
	local wanted=$1 what=$2 got=0
	shift 2
	"$@" >"$T/out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] || { cat "$T/out"; fail "$what: exit code $got, expected $wanted"; }
}
http_code() { curl -s --path-as-is -o "$T/body" -w '%{http_code}' "$@"; }
expect_http() { # CODE WHAT CURL-ARGUMENT...
	local got
	got=$(http_code "${@:3}")
	[ "$got" = "$1" ] || fail "$2: HTTP $got, expected $1: $(head -c 200 "$T/body")"
}

setup() { # HOSTS
	{
		site_group "http_port $PORT" "installer test"
		site_installer "modules init, partition, mount, extrbase"
		printf '%s\n' 'define package_server{' 'name local' 'suite ./' "path $T/packages" '}'
		site_hosts "$1"
	} | site_setup
}
start() { serve_start --no-dhcp --bind 127.0.0.1; }

images
base 9000000
mkdir -p "$T/packages/dists"
echo released >"$T/packages/dists/Release"
ln -s /etc/passwd "$T/packages/leak"
setup 3
start

# --- from armed to installed
expect 3 "a node that is not armed" sim 1
grep -q '^403 ' "$T/out" || fail "not armed: $(cat "$T/out")"
expect 3 "a machine that is in no definition" sim 99
grep -q '^404 ' "$T/out" || fail "unknown: $(cat "$T/out")"
boot_file 1 | grep -q LOCALBOOT || fail "the boot file of a node that is not armed"
arm n1
boot_file 1 | grep -q KERNEL || fail "the boot file of an armed node"
expect 0 "an installation" sim 1 --repeat
boot_file 1 | grep -q LOCALBOOT || fail "the boot file of an installed node"
status n1 | grep -q installed || fail "status: $(status n1)"
"$LUCIE" status --state "$STATE" --seconds n1 | grep -q '^extrbase ' || fail "seconds of modules"
[ "$(grep -c 'INSTALLED' "$T/serve.log")" -eq 1 ] || fail "an event that came twice was shown twice"
[ "$(stat -c %a "$STATE"/installs/*/plan)" = 600 ] || fail "the kept plan is not private"
grep -q 'extrbase' "$STATE"/installs/*/log || fail "the log of the installation"
pass "armed, installed with verified blobs, local boot"

curl -sf "$URL/metrics" >"$T/metrics" || fail "no metrics"
for line in 'lucie_hosts 3' 'lucie_nodes{state="installed"} 1' 'lucie_nodes{state="wiped"} 0' 'lucie_nodes_armed 0' 'lucie_installations_total{result="installed"} 1'; do
	grep -qxF "$line" "$T/metrics" || { cat "$T/metrics"; fail "metrics without '$line'"; }
done
awk '/^#/ {next} !/^[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9]+$/ {print; bad = 1} END {exit bad}' "$T/metrics" || fail "a line that is no metric"
[ "$(curl -s -o /dev/null -w '%{http_code}' -d x "$URL/metrics")" = 405 ] || fail "metrics take a POST"
pass "metrics"

# --- failures
arm n2
for i in 1 2 3; do expect 0 "failure $i" sim 2 --fail mount; done
status n2 | grep -q 'failed.*mount: a simulated failure' || fail "status: $(status n2)"
expect 3 "a fourth attempt" sim 2
boot_file 2 | grep -q LOCALBOOT || fail "a node that failed three times still boots the installer"
grep -q 'given up after 3 attempts' "$T/serve.log" || fail "nobody says that n2 is given up"
arm n2
expect 0 "after arming anew" sim 2
! grep -l '^resume' "$STATE"/installs/*/plan || fail "a new order, or a boot after a failure, goes on with what was before"
pass "a failure is told, attempts are counted, arming anew resets them"

# --- one installation for each boot
arm n3
H=$(printf '0%.0s' $(seq 64))
printf '{"mac": "%s", "nonce": "%s", "key": "%s", "inventory": {}}' "$(mac 3)" "$H" "09${H#00}" >"$T/request"
before=$(find "$STATE/installs" -mindepth 1 -maxdepth 1 | wc -l)
expect_http 200 "a plan" --data-binary @"$T/request" "$URL/v1/plan"
expect_http 200 "the same request again" --data-binary @"$T/request" "$URL/v1/plan"
[ "$(find "$STATE/installs" -mindepth 1 -maxdepth 1 | wc -l)" -eq $((before + 1)) ] || fail "a repeated request made an installation of its own"
first=$("$LUCIE" status --state "$STATE" --json n3 | jq -r '.. | .install? // empty')
expect 0 "another boot" sim 3
grep -qx "resume $first" "$STATE"/installs/*/plan || fail "the new boot is not told what was cut off"
said 'n3 .*ALARM: .* asks for a plan while installation .* was alive'
pass "the answer to a request can be asked for again; a new boot supersedes, and is noticed"

# --- events
arm n1
sim 1 --plan-only >"$T/plan"
install=$(sed -n 's/^install //p' "$T/plan")
token=$(sed -n 's/^token //p' "$T/plan")
event() { printf '{"kind": "%s", "install": "%s", "seq": %d, "mac": "%s", "t": 1, "module": ""%s}\n' "$1" "${4:-$install}" "$2" "$(mac 1)" "${3:-}"; }
report() { event report "$1" ', "ok": true, "message": ""'; }
post() { node_post "${TOKEN:-$token}" /v1/events; }
[ "$(event start 1 | post)" = '{"ack": 1}' ] || fail "an event"
[ "$(report 3 | post)" = '{"ack": 1}' ] || fail "an event after a gap is not acknowledged"
report 2 | TOKEN=$H post | grep -q 'token' || fail "another token"
report 2 | curl -s -H "Authorization: Bearer $token" --data-binary @- "$URL/v1/events" | grep -q 'token' || fail "the token itself"
event report 2 ', "ok": true, "message": ""' no-such | post | grep -q 'token' || fail "another installation"
{ event start 2; event start 3 '' other; } | post | grep -q 'two installations' || fail "lines of two installations"
printf 'no JSON\n' | post | grep -q 'not a JSON object' || fail "a line that is none"
status n1 | grep -q installing || fail "a refused event changed the state"
serve_stop
start
[ "$(report 3 | post)" = '{"ack": 3}' ] || fail "a report after a restart of the server"
[ "$(report 3 | post)" = '{"ack": 3}' ] || fail "a report again"
boot_file 1 | grep -q LOCALBOOT || fail "the boot file after the report"
pass "events: token, order, repetition, restart of the server"

# --- alarms and nonsense
curl -s -d "{\"mac\": \"$(mac 1)\", \"message\": \"the plan is altered\"}" "$URL/v1/alarm" >/dev/null
said 'n1 .*ALARM \(not authenticated\).*the plan is altered'
expect_http 400 "a request that is no JSON" -d nonsense "$URL/v1/plan"
expect_http 413 "a request that is too long" --data-binary @"$T/base/data" "$URL/v1/plan"
expect_http 405 "a GET of a plan" "$URL/v1/plan"
expect_http 405 "a POST to a file" -d x "$URL/boot/lpxelinux.0"
pass "alarms are shown, nonsense is refused"

# --- files
root=$(sed -n 's/^root //p' "$STATE"/bases/default.tar.zst.blob)
expect_http 200 "a blob" "$URL/blob/$root"
cmp -s "$T/body" "$T/base.tar.zst" || fail "the blob's content"
expect_http 206 "a part of a blob" -r 10-19 "$URL/blob/$root"
[ "$(stat -c %s "$T/body")" -eq 10 ] || fail "the length of a part"
expect_http 416 "a part beyond the end" -r 999999999- "$URL/blob/$root"
rm "$T/body"
expect_http 304 "a blob that the client has" -H "If-None-Match: W/\"x\", \"$root\"" "$URL/blob/$root"
[ ! -s "$T/body" ] || fail "what the client has is sent again"
curl -si -H "If-None-Match: \"$root\"" "$URL/blob/$root" | grep -qi '^content-type: application/octet-stream' || fail "what the client has is of another type"
expect_http 200 "a blob, to who has another one" -H "If-None-Match: \"${root%?}\"" "$URL/blob/$root"
expect_http 200 "a boot file" "$URL/boot/pxelinux.cfg/default"
etag=$(curl -sI "$URL/boot/pxelinux.cfg/default" | sed -n 's/^ETag: \(.*\)\r$/\1/p')
expect_http 304 "a boot file that the client has" -H "If-None-Match: $etag" "$URL/boot/pxelinux.cfg/default"
boot_file=$STATE/tftp/pxelinux.cfg/default
cp "$boot_file" "$T/default" && mv "$T/default" "$boot_file.new" && mv "$boot_file.new" "$boot_file"
expect_http 200 "a boot file that was replaced" -H "If-None-Match: $etag" "$URL/boot/pxelinux.cfg/default"
expect_http 200 "a package" "$URL/packages/local/dists/Release"
release=$T/packages/dists/Release
touch -d '2020-01-01 00:00:00.1' "$release"
etag=$(curl -sI "$URL/packages/local/dists/Release" | sed -n 's/^ETag: \(.*\)\r$/\1/p')
expect_http 304 "a package that the client has" -H "If-None-Match: $etag" "$URL/packages/local/dists/Release"
echo RELEASED >"$release"
touch -d '2020-01-01 00:00:00.2' "$release"
expect_http 200 "a package that was written over" -H "If-None-Match: $etag" "$URL/packages/local/dists/Release"
for path in /packages/local/leak /packages/local/../state/key/site.key /boot/../key/site.key /boot/%2e%2e/key/site.key /boot/..%2fkey%2fsite.key \
	/boot//etc/passwd /blob/../key/site.key /packages/none/x /packages/local/dists /board/../key/site.key /board/page.js/ /v1/nodes/ /key/site.key; do
	expect_http 404 "$path" "$URL$path"
done
pass "files with ranges, and nothing that is not served"

# --- the key
for pid in $(pgrep -P "$SERVE"); do
	grep -q '^CapEff:.*[1-9a-f]' "/proc/$pid/status" && [ "$(id -u)" -ne 0 ] && fail "process $pid has capabilities"
done
if [ "$(id -u)" -eq 0 ]; then # the web process has a user of its own, and no capability
	web=$(pgrep -P "$SERVE" | while read -r pid; do grep -qE '^Uid:\s+[1-9]' "/proc/$pid/status" && grep -qE '^CapPrm:\s+0+$' "/proc/$pid/status" && echo "$pid"; done || true)
	[ -n "$web" ] || fail "the web process has kept root's user or capabilities"
	seen=$(ls -A "/proc/$web/root$STATE/key") || fail "the web process's files cannot be seen"
	[ -z "$seen" ] || fail "the web process sees the key"
fi
arm n1
chmod 600 "$STATE/key/site.key"
expect 0 "an installation with the confined server" sim 1
pass "plans are signed by a process of their own"

# --- a state directory that was root's in all, as earlier versions left it
if [ "$(id -u)" -eq 0 ]; then
	serve_stop
	owner=$(stat -c %u "$STATE/installs")
	chown -R 0:0 "$STATE"
	chmod 600 "$(realpath "$STATE/definition")" "$STATE/ring.key" "$STATE/operator-token"
	rm -f "$STATE"/state.db-*
	start
	arm n1
	expect 0 "an installation with a state directory that was root's" sim 1
	[ "$(find "$STATE/installs" "$STATE"/state.db* ! -user "$owner" | wc -l)" -eq 0 ] || fail "not all is given to the server's user: $(find "$STATE/installs" "$STATE"/state.db* ! -user "$owner" | head -3)"
	[ -z "$(find "$STATE/key" ! -user 0)" ] || fail "the key's folder is given away"
	"$LUCIE" token --new --state "$STATE" >"$T/token"
	expect_http 200 "a new token" -H "Authorization: Bearer $(cat "$T/token")" "$URL/v1/operator"
	! grep -q "stay root's" "$T/serve.log" || fail "the server has no user of its own"
	pass "an earlier version's state directory"
fi

# --- given up without a report
arm --retries 1 n2
sim 2 --plan-only >/dev/null
expect 3 "a second attempt of one" sim 2
status n2 | grep -q 'failed.*given up after 1 attempts' || fail "status: $(status n2)"
expect 1 "the log of what was given up ends" timeout 20 "$LUCIE" log --state "$STATE" -f n2
grep -q 'has reported nothing' "$T/out" || fail "the log of what said nothing: $(cat "$T/out")"
"$LUCIE" history --state "$STATE" n2 | grep -q 'given up' || fail "history without the cause"
pass "what is given up has ended"

# --- a definition that cannot be read, and one without a host that is under way
arm n3
sim 3 --plan-only >"$T/plan"
install=$(sed -n 's/^install //p' "$T/plan")
token=$(sed -n 's/^token //p' "$T/plan")
mv "$STATE/current/definition" "$T/definition"
kill -HUP "$SERVE"
said 'the earlier one stays in force'
curl -sf "$URL/metrics" | grep -qxF 'lucie_hosts 3' || fail "the earlier definition is not in force"
mv "$T/definition" "$STATE/current/definition"
said 'definition read: 3 hosts'
setup 2
grep -q '^n3 is no host any more: disarmed; its installation is under way and goes on' "$T/out" || fail "setup says nothing of a host under way that leaves"
said 'definition read: 2 hosts'
sleep 1.1 # metrics are read once a second
running=$("$LUCIE" status --state "$STATE" --json | grep -c '"state":"running"' || true)
curl -sf "$URL/metrics" | grep -qxF "lucie_nodes{state=\"installing\"} $running" || fail "metrics count a host that has left"
[ "$(report 1 | post)" = '{"ack": 1}' ] || fail "the report of a host that has left the definition"
pass "definitions that cannot be read, hosts that leave"

# --- a new definition, and a storm
setup "$NODES"
said "definition read: $NODES hosts"
arm "n[1-$NODES]"
pids=()
for i in $(seq "$NODES"); do
	sim "$i" >"$T/storm.$i" 2>&1 &
	pids+=($!)
done
for i in "${!pids[@]}"; do wait "${pids[$i]}" || { cat "$T/storm.$((i + 1))"; fail "node n$((i + 1)) of the storm"; }; done
[ "$("$LUCIE" status --state "$STATE" | grep -c ' installed ')" -eq "$NODES" ] || fail "not every node of the storm is installed"
pass "$NODES nodes at once"

# --- a counter that falls is to Prometheus one that began anew
totals() { curl -sf "$URL/metrics" | grep _total; }
sleep 1.1 # what was read last has its second
totals >"$T/before"
"$LUCIE" history --state "$STATE" --keep 1 | grep -q '^[1-9].* forgotten' || fail "history --keep"
sleep 1.1
totals | diff "$T/before" - || fail "what is forgotten has left the totals"
serve_stop
pass "totals stay when installations are forgotten"
