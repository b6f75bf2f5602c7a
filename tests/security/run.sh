#!/usr/bin/env bash
# The server among hostile clients, compromised nodes, and with a web process that is no longer ours. Each attack is refused; what can be told
# apart is logged; and a healthy node is installed meanwhile, every time. (What a node refuses is in tests/vm/refuse-plan.sh.)
# In a network namespace of its own; no root needed where user namespaces are allowed.
set -euo pipefail
. "$(dirname "$0")/../server/lib.sh"
in_namespaces --net "$@"
site_folder lucie-security
PORT=8077
# shellcheck disable=SC2034 # the words of lib.sh use it
URL=http://127.0.0.1:$PORT

attack() { timeout 120 "$TOP/tests/security/attack.py" "$PORT" "$@" 2>"$T/attack.log" || fail "attack $1"; }
boots_installer() { grep -q KERNEL "$STATE/tftp/pxelinux.cfg/01-52-54-00-00-01-$(printf %02x "$1")"; }
# Nothing else is disturbed: the same processes, and an installation that goes well.
healthy() { # AFTER-WHAT
	arm n1
	sim 1 >"$T/out" 2>&1 || { cat "$T/out"; fail "a healthy installation after: $1"; }
	[ "$(pgrep -P "$SERVE" | sort)" = "$CHILDREN" ] || fail "a process of the server ended: $1"
	pass "$1"
}

ip link set lo up
images
base
mkdir "$T/packages"
echo PRIVATE >"$T/private"
ln -s "$T/private" "$T/packages/leak"
{
	site_group "http_port $PORT" "installer test" "power_command touch $T/powered"
	site_installer "modules init, partition, mount, extrbase"
	printf '%s\n' 'define package_server{' 'name local' 'suite ./' "path $T/packages" '}'
	site_hosts 4
} | site_setup
# The program lies where only root may go: what it needs of its own files it has read before it gives that up.
mkdir -m 700 "$T/root"
cp -r "$TOP/out/host/bin" "$TOP/out/host/lib" "$T/root/"
LUCIE=$T/root/bin/lucie
serve_start --no-dhcp --bind 127.0.0.1
kill -HUP "$SERVE" # read anew
CHILDREN=$(pgrep -P "$SERVE" | sort)
WEB=$(web_process)
[ -n "$WEB" ] || fail "no web process"
python3 "$TOP/tests/security/attack.py" "$PORT" loris 40 2>"$T/loris.log" &
LORIS=$!
PIDS+=("$LORIS")

# --- nodes that are not what they say
arm n2 n3
sim 2 --plan-only >"$T/plan2"
sim 3 --plan-only >"$T/plan3"
key() { sed -n "s/^$2 //p" "$T/$1"; }
attack codes "$(key plan2 install)" "$(key plan2 token)" "$(key plan3 token)"
said "refused: its code is not made with the token of installation '$(key plan2 install)'"
status n2 | grep -q installing || fail "n2 after events with wrong codes: $(status n2)"
status n3 | grep -q installing || fail "n3: $(status n3)"
[ ! -s "$STATE/installs/$(key plan2 install)/log" ] || fail "an event without a right code was taken"
healthy "codes of other nodes, bodies and methods, malformed ones, the token itself"
attack paths_of_codes "$(key plan2 install)" "$(key plan2 token)"
sleep 1.2 # of the refusals of a second a few are shown, and there were others
attack replays "$(key plan2 install)" "$(key plan2 token)"
said "refused: a replay of installation '$(key plan2 install)'"
attack own_events "$(key plan2 install)" "$(key plan2 token)"
healthy "codes for other paths, replays, events that are not right"

report() { printf '{"kind": "report", "install": "%s", "seq": 1, "mac": "%s", "t": 1, "module": "", "ok": true, "message": ""}\n' "$(key "$1" install)" "$(mac 3)"; }
post() { node_post "$(key "$1" token)" /v1/events; }
sim 3 --plan-only >"$T/plan3b" # a new boot: what plan3 was for is stale
report plan3 | post plan3 | jq -e '.ack == 1 and (.alarm | startswith("another boot has got"))' >/dev/null || fail "a stale report is not acknowledged to its sender, with an alarm"
status n3 | grep -q installing || fail "a stale report changed the state: $(status n3)"
boots_installer 3 || fail "a stale report sent the node to its disk"
[ "$(report plan3b | post plan3b)" = '{"ack": 1}' ] || fail "the report of n3"
! boots_installer 3 2>/dev/null || fail "n3 is installed, but does not boot from its disk"
arm n3
[ "$(report plan3b | post plan3b)" = '{"ack": 1}' ] || fail "the replayed report"
boots_installer 3 || fail "a replayed report sent the node to its disk"
healthy "a stale installation's report, a replayed one"

# Who has learned a token cannot put garbage in the place of the ssh host keys that a node keeps.
sim 3 --plan-only >"$T/plan3"
answer=$(printf '{"install": "%s", "t": 1, "sealed": "%s"}' "$(key plan3 install)" "$(head -c 300 /dev/urandom | base64 -w 0)" |
	node_post "$(key plan3 token)" /v1/identity -w ' %{http_code}')
[ "$answer" = "this is no identity of 'n3', sealed to this site"$'\n 400' ] || fail "garbage as an identity: $answer"
said 'n3 .*identity refused'
healthy "an identity that is none"

# --- requests
attack paths
healthy "paths that lead elsewhere"
attack headers
healthy "headers of 10 MB, first lines of nonsense"
attack lengths
healthy "lengths and chunks that are not, requests within requests"
attack ranges "$(sed -n 's/^root //p' "$STATE"/bases/default.tar.zst.blob)"
healthy "ranges"
attack bodies
said 'no plan for 127.0.0.1: not (a )?JSON'
healthy "bodies: malformed, nested 30,000 deep, not UTF-8, 1 MiB"

# --- floods
arm n4
attack plans "$(mac 4)"
sleep 1.2 # of the refusals of a second a few are shown, and there were others
attack plans "$(mac 4)"
said 'n4 .*given up after 3 attempts'
said "no plan for 127.0.0.1: 'n4' is not to be installed"
healthy "60 plan requests of one machine"
before=$(grep -c ALARM "$T/serve.log" || true)
attack alarms
[ $(($(grep -c ALARM "$T/serve.log") - before)) -lt 100 ] || fail "forged alarms flood the terminal"
! grep -q $'\x1b' "$T/serve.log" || fail "a stranger's escape sequence on the terminal"
healthy "400 forged alarms"
wait "$LORIS" || fail "slow clients"
healthy "400 clients that send a byte a second"
memory=$(awk '/^VmHWM/ {print $2}' "/proc/$WEB/status")
[ "$memory" -lt 150000 ] || fail "the web process took $memory kB"

# --- a web process in somebody else's hands: its file systems, its rights, and the key
# Where root runs this it has a user of its own (who is left alone with Linux's old rights here, without what Landlock forbids); an ordinary
# user's is that user.
field() { awk -v f="$1:" '$1 == f {print $2}' "/proc/$WEB/status"; }
USER_ID=$(field Uid)
if [ "$(awk '{print $3}' /proc/self/uid_map)" = 1 ]; then
	inside() { nsenter -t "$WEB" -m -- setpriv --bounding-set=-all,+dac_override --inh-caps=-all --no-new-privs -- "$@"; }
else
	inside() { nsenter -t "$WEB" -m -- setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"; }
	[ "$USER_ID" -ne 0 ] || fail "the web process is root"
	[ "$(awk '$1 == "Uid:" || $1 == "Gid:" {print $2, $3, $4, $5}' "/proc/$WEB/status" | tr ' ' '\n' | sort -u | wc -l)" -eq 1 ] || fail "the web process can become somebody else"
	[ -z "$(field Groups)" ] || fail "the web process keeps the groups of root: $(field Groups)"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$(field $set)" = 0000000000000000 ] || fail "the web process has capabilities: $set $(field $set)"
	done
	for path in definition current tftp/vmlinuz-test tftp/site.img tftp/pxelinux.cfg key/definition operator-token blobs bases; do
		if inside sh -c 'echo x >>"$1"' sh "$STATE/$path" 2>/dev/null; then fail "the web process changes $path"; fi
		if inside mv "$STATE/$path" "$STATE/$path.moved" 2>/dev/null; then fail "the web process moves $path away"; fi
	done
	if inside touch "$STATE/new" 2>/dev/null; then fail "the web process makes files in the state directory"; fi
	inside touch "$STATE/installs/new" "$STATE/tftp/pxelinux.cfg/new" "$STATE/tftp/grub/new" || fail "the web process cannot write what is its"
	inside rm "$STATE/installs/new" "$STATE/tftp/pxelinux.cfg/new" "$STATE/tftp/grub/new"
	pass "the web process is nobody that owns more than what it writes"
fi
secret=$(cat "$STATE/key/site.key")
signer=$(pgrep -P "$SERVE" | grep -vx "$WEB" | head -n 1)
for path in "$STATE/key/site.key" "/proc/$SERVE/root$STATE/key/site.key" "/proc/$signer/root$STATE/key/site.key" "/proc/$signer/mem" "/proc/1/root$STATE/key/site.key" "/proc/$SERVE/cwd$STATE/key/site.key"; do
	! inside head -c 200 "$path" >"$T/out" 2>&1 || ! grep -qF "${secret:0:40}" "$T/out" || fail "the web process reads the key at $path"
done
inside head -c 10 "$STATE/definition" >"$T/out" || fail "in the web process's place nothing can be read at all"
! inside umount "$STATE/key" 2>/dev/null || fail "the web process uncovers the key"
! inside mount --bind / /mnt 2>/dev/null || fail "the web process mounts"
head -c 1 "/proc/$signer/maps" >"$T/out" || fail "this test cannot look into the signer itself"
! inside head -c 1 "/proc/$signer/maps" >"$T/out" 2>&1 || fail "the web process looks into the signer"
[ -z "$(find "/proc/$WEB/root$STATE/key" -mindepth 1)" ] || fail "the web process has the key in its files"
head -c 200 "$STATE/key/site.key" | grep -qF "${secret:0:40}" || fail "this test cannot read the key itself"
grep -q '^NoNewPrivs:.*1' "/proc/$WEB/status" || fail "the web process may gain rights"
pass "a web process in somebody else's hands does not reach the key"

# What root obeys is out of its reach, too: dnsmasq, here one that notes what it is started with, and the unit of systemd.
definition=$STATE/key/definition
config=$STATE/key/dnsmasq.conf
for path in "$config" "$definition" "/proc/$SERVE/root$config" "/proc/1/root$config"; do
	! inside grep -q . "$path" 2>/dev/null || fail "the web process reads $path"
	! inside sh -c 'echo dhcp-script=/evil >>"$1"' sh "$path" 2>/dev/null || fail "the web process writes to $path"
done
! inside mkdir "$STATE/key/fragments" 2>/dev/null || fail "the web process makes fragments of its own"
! inside mv "$STATE/key" "$STATE/key2" 2>/dev/null || fail "the web process moves the key's folder away"
tamper() { # more than its user can
	sed -i "s|^\(\s*power_command\) .*|\1 touch $T/evil|" "$(realpath "$STATE/definition")"
	echo dhcp-script=/evil >>"$STATE/dnsmasq.conf"
	echo ExecStartPre=/evil >>"$STATE/fragments/lucie-serve.service"
}
tamper
grep -q "$T/evil" "$STATE/definition" || fail "this test does not change the power_command"
"$LUCIE" power --state "$STATE" n1 on >"$T/out" 2>&1 || { cat "$T/out"; fail "lucie power"; }
{ [ -e "$T/powered" ] && [ ! -e "$T/evil" ]; } || fail "lucie power runs what the web process says"
rm "$T/powered"
timeout 60 "$LUCIE" install --state "$STATE" --power n1 >"$T/out" 2>&1 || { cat "$T/out"; fail "lucie install --power"; }
{ [ -e "$T/powered" ] && [ ! -e "$T/evil" ]; } || fail "lucie install --power runs what the web process says"
serve_stop
mkdir "$T/bin"
cat >"$T/bin/dnsmasq" <<-END
	#!/bin/sh
	echo "started with \$*" >>$T/dnsmasq
	for word; do case \$word in --conf-file=*) cat "\${word#*=}" >>$T/dnsmasq ;; esac; done
	exec sleep 1000
END
chmod +x "$T/bin/dnsmasq"
: >"$T/serve.log"
PATH=$T/bin:$PATH serve_start --bind 127.0.0.1
starts() { grep -c '^started with' "$T/dnsmasq"; }
for _ in $(seq 50); do [ ! -s "$T/dnsmasq" ] || break; sleep 0.1; done
WEB=$(web_process)
tamper
sleep 2.5 # it looks once a second
[ "$(starts)" -eq 1 ] || fail "dnsmasq was started $(starts) times"
sed -i 's/domain_name .*/domain_name other.test/' "$T/cluster.conf"
setup_again --enable --root "$T/system"
said 'starts again with its new configuration'
for _ in $(seq 50); do ! grep -q 'other.test' "$T/dnsmasq" || break; sleep 0.1; done
tamper
grep -q 'other.test' "$T/dnsmasq" || fail "dnsmasq does not get a new generation's configuration"
grep '^started with' "$T/dnsmasq" | grep -vF -- "--conf-file=$config" && fail "dnsmasq is started with another file"
! grep -q evil "$T/dnsmasq" || fail "dnsmasq obeys the web process"
grep -q ExecStart= "$T/system/etc/systemd/system/lucie-serve.service" || fail "there is no unit"
! grep -q evil "$T/system/etc/systemd/system/lucie-serve.service" || fail "systemd obeys the web process"
pass "a web process in somebody else's hands has no effect on what root obeys"

serve_stop

# A state directory that is root's alone, by a name from within.
mkdir -m 700 "$T/closed"
mv "$STATE" "$T/closed/state"
cd "$T/closed"
STATE=state
serve_start --no-dhcp --bind 127.0.0.1
curl -sf -m 10 "$URL/v1/board" >"$T/out" || { tail "$T/serve.log"; fail "no answer from a state directory that only root can reach"; }
serve_stop
cd "$TOP"
pass "a state directory that only root can reach"
