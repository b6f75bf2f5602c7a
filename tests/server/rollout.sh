#!/usr/bin/env bash
# lucie install --power, --at-once, --wait, --retries, --keep-going, --silence and its Ctrl-C: the power_command of the nodes starts simulated ones,
# so an order goes all the way from the definition to the reports. Loopback only, no root.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
site_folder lucie-rollout
PORT=$(free_port)

expect() { # CODE WHAT COMMAND...: what it says is in $T/out
	local wanted=$1 what=$2 got=0
	shift 2
	timeout 120 "$@" >"$T/out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] || { cat "$T/out"; fail "$what: exit code $got, expected $wanted"; }
}
says() { grep -qE -- "$1" "$T/out" || fail "it does not say '$1'"; }

# What switches a node on: a simulated node that is installed, fails, or does nothing, as a file beside says. It says when it begins and ends.
cat >"$T/power" <<END
#!/bin/bash
cd "$T"
echo "\$2 \$1" >>power.log
[ "\$2" = cycle ] || exit 0
how=\$(cat "how-\$1" 2>/dev/null || true)
[ "\$how" != dead ] || { echo "no answer from the BMC" >&2; exit 1; }
[ "\$how" != silent ] || exit 0
{
	echo "begin \$1" >>order
	sleep 1
	echo "end \$1" >>order
	"$TOP/out/host/bin/sim-nodes" --server "http://127.0.0.1:\$(cat port)" --site-key state/key/site.pub --mac "\$3" \${how:+--fail \$how}
} >/dev/null 2>&1 3>&- &
echo switched
END
chmod +x "$T/power"

echo "$PORT" >"$T/port"
images
{
	site_group "installer test" "power_command $T/power %n %c %b"
	site_installer "modules init, partition, mount"
	printf '%s\n' 'define installer{' 'name again' 'use test' 'on_failure reboot' '}'
	site_hosts 6 'bmc %s'
} | site_setup
serve_start --no-dhcp --bind 127.0.0.1 --port "$PORT"
install() { "$LUCIE" install --state "$STATE" "$@"; }
export -f install
export LUCIE STATE

# never_more N: of the nodes of $T/order at most N were under way at once
never_more() {
	awk -v most="$1" '$1 == "begin" { if (++n > most) exit 1 } $1 == "end" { n-- }' "$T/order" || fail "more than $1 at once"
}

expect 0 "all six, two at once" bash -c 'install --power --at-once 2 "n[1-6]"'
says '^\[6/6\] n[1-6]: installed after'
says '^6 installed, 0 failed, 0 under way, 0 not begun$'
never_more 2
[ "$(grep -c '^pxe' "$T/power.log") $(grep -c '^cycle' "$T/power.log")" = "6 6" ] || fail "each is told pxe and cycle, once"
pass "rolls through the nodes, two at once"

echo partition >"$T/how-n2"
expect 1 "one fails" bash -c 'install --power --at-once 1 "n[1-4]"'
says 'n2: FAILED: module .partition.: a simulated failure'
says '^1 installed, 1 failed, 0 under way, 2 not begun$'
says '^failed: n2$'
says '^not begun: n3,n4$'
"$LUCIE" status --state "$STATE" n3 | grep -q 'installed  *disk' || fail "n3 was armed, after a failure"
expect 1 "one fails, the others go on" bash -c 'install --power --at-once 1 --keep-going "n[1-4]"'
says '^3 installed, 1 failed, 0 under way, 0 not begun$'
pass "stops at a failure, or goes on with --keep-going"

echo dead >"$T/how-n3"
expect 1 "a BMC that does not answer" bash -c 'install --power n3 n4'
says 'n3: FAILED: cannot be switched on: .*exit code 1: no answer from the BMC'
"$LUCIE" status --state "$STATE" n3 | grep -q 'installed  *disk' || fail "n3 is still armed"
echo silent >"$T/how-n3"
expect 1 "a node that never comes" bash -c 'install --power --wait --silence 2 n3'
says 'n3: FAILED: no sign of life for 2s, it never asked for its plan'
pass "a dead BMC and a node that never comes are said"

expect 1 "two attempts" bash -c 'install --power --wait --retries 1 --variant again n2'
says 'n2: begins, attempt 1 of 1'
says 'n2: FAILED: module'
pass "as many attempts as --retries"

expect 1 "a break of another installer" bash -c 'install --break extrbase n1'
says "installer 'test' has no module 'extrbase' to hold before"
expect 2 "bad options" bash -c 'install --retries 0 n1'
expect 2 "bad options" bash -c 'install --cancel --power n1'

# Ctrl-C: what was begun goes on, the others were never armed.
rm -f "$T"/how-* "$T/order"
"$LUCIE" install --state "$STATE" --power --at-once 1 'n[1-3]' >"$T/out" 2>&1 &
pid=$!
for _ in $(seq 50); do [ ! -s "$T/order" ] || break; sleep 0.1; done
kill -INT $pid
got=0
wait $pid || got=$?
[ "$got" = 1 ] || fail "interrupted: exit code $got"
says '^interrupted: what was begun goes on'
says '^0 installed, 0 failed, 1 under way, 2 not begun$'
expect 0 "the one that was begun" timeout 20 bash -c 'until "$LUCIE" status --state "$STATE" n1 | grep -q "installed  *disk"; do sleep 0.2; done'
pass "Ctrl-C ends the waiting and nothing else"
