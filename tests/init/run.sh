#!/usr/bin/env bash
# PID 1 alone, without a machine: /init as process 1 of new namespaces (user, pid, mount, net, uts), a plan server that lies on request, and
# shell modules that misbehave. No root, no hardware: nothing here can reach the machine it runs on.
#
#	tests/init/run.sh [CASE...]      INIT=out/node/init, BUSYBOX=out/busybox/busybox
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
INIT=${INIT:-$TOP/out/node/init}
BUSYBOX=${BUSYBOX:-$TOP/out/busybox/busybox}
DROPBEAR=${DROPBEAR:-$TOP/out/dropbear/dropbear}
T=$(mktemp -d "${TMPDIR:-/tmp}/lucie-init.XXXXXX")
trap '[ -n "${KEEP:-}" ] && echo "kept: $T" || rm -rf "$T"' EXIT

fail() {
	printf 'FAILED: %s: %s\n' "$CASE" "$*" >&2
	tail -n 30 "$D/console" >&2 || true
	exit 1
}

# boot MODE MODULES [PLAN-LINE...]: boots once; the console is in $D/console, what the server got in $D/{events,alarms}.
# STOP: a pattern after which PID 1 is told to end (SIGTERM), for cases that would wait for a person.
boot() {
	local mode=$1 modules=$2
	shift 2
	D=$T/$CASE
	mkdir -p "$D/root"/{bin,sbin,dev,proc,sys,run,tmp,etc/lucie,lib/lucie/modules,target}
	cp "$INIT" "$D/root/init"
	cp "$BUSYBOX" "$D/root/bin/busybox"
	for a in $("$BUSYBOX" --list); do [ "$a" = busybox ] || ln -sf busybox "$D/root/bin/$a"; done
	cp "$TOP"/tests/init/modules/*.sh "$TOP"/modules/{hello,remotelogin}.sh "$D/root/lib/lucie/modules/"
	cp "$DROPBEAR" "$D/root/sbin/dropbear"
	ln -sf dropbear "$D/root/sbin/dropbearkey"
	cp "$TOP/image/skel/lib/lucie/module.sh" "$D/root/lib/lucie/"
	: >"$D/root/dev/null"
	{
		echo "modules $modules"
		printf '%s\n' "$@"
	} >"$D/plan.body"
	echo "console=ttyS0 ip=10.9.0.2:10.9.0.1:10.9.0.1:255.255.255.0 lucie.server=${SERVER:-http://127.0.0.1:8077} ${CMDLINE:-}" >"$D/cmdline"
	timeout "${LIMIT:-60}" unshare -Urnm "$TOP/tests/init/inside.sh" "$D" "$mode" "${STOP:-}" >"$D/console" 2>&1 || [ $? -ne 124 ] || fail "not over after ${LIMIT:-60} s"
}

on_console() { grep -qE -- "$1" "$D/console" || fail "not on the console: $1"; }
not_on_console() { ! grep -qE -- "$1" "$D/console" || fail "on the console: $1"; }
on_server() { grep -qE -- "$1" "$D/events" || fail "no such event: $1"; }
alarmed() { grep -qE -- "$1" "$D/alarms" || fail "no such alarm: $1"; }
# Numbers without gaps, the report last and once, and it says ok: true or false.
report_is() {
	python3 - "$D/events" "$1" <<-'EOF' || fail "events"
		import json, sys
		events = [json.loads(line) for line in open(sys.argv[1])]
		assert [e["seq"] for e in events] == list(range(1, len(events) + 1)), "numbers have gaps"
		reports = [e for e in events if e["kind"] == "report"]
		assert len(reports) == 1 and events[-1] is reports[0], "the report is not last, or not alone"
		assert reports[0]["ok"] == (sys.argv[2] == "ok"), reports[0]
	EOF
}

END=("on_failure poweroff" "at_end poweroff")

case_good() {
	boot good "init t-good t-leave" "${END[@]}" "[t-good]" "greeting hi there" "greeting twice"
	on_console 'tnode: installed'
	on_console 't-good: done'
	on_server 'hello from t-good on tnode, greeting hi there'
	on_server '"message":"twice"'
	on_server '"line 199"'
	report_is ok
}
case_fail() {
	boot good "t-good t-fail t-good" "${END[@]}"
	on_console "FAILED: module 't-fail'"
	on_console "reason  cannot do 'this': because"
	on_server '"kind":"end".*"module":"t-fail","ok":false.*cannot do'
	report_is failed
}
case_crash() {
	boot good "t-crash" "${END[@]}"
	on_console 'reason  crashed: signal 11'
	report_is failed
}
case_kill() {
	boot good "t-kill" "${END[@]}"
	on_console 'reason  killed by the kernel, as a rule because memory ran out'
	report_is failed
}
case_hang() {
	boot good "t-hang" "${END[@]}"
	on_console 'reason  no sign of life for 3 s, last: sleeping'
	report_is failed
}
case_bytes() {
	boot good "t-bytes" "${END[@]}"
	on_console 'reason  \?\? the reason\?'
	on_console 't-bytes: fine'
	! grep -q "$(printf '\033\\[2J')" "$D/console" || fail "a control sequence reached the console"
	report_is failed
}
case_retry() {
	boot good "t-once" "on_failure retry" "at_end poweroff"
	on_console 'attempt 2 of 3'
	report_is ok
}
case_unknown_module() {
	boot good "init nosuch" "${END[@]}"
	on_console "module 'nosuch', and this image has none"
	not_on_console 'init: prepare'
	report_is failed
}
case_deaf_server() {
	LIMIT=160 boot deaf "t-good" "${END[@]}"
	on_console "does not take events: status 500"
	on_console 'did not take the report within 120 s'
}
# Who is in between cannot have the report forgotten: of seven answers to it the last is the server's.
case_forged() {
	boot forged "t-good" "${END[@]}"
	on_console "does not take events: the answer is not from who knows this installation's token"
	on_console 'tnode: installed'
	report_is ok
}
case_signal() {
	STOP='t-hang: give no' LIMIT=20 boot good "t-hang" "${END[@]}"
	on_console 'stopped: the machine is being rebooted'
	report_is failed
}
case_break() {
	CMDLINE=lucie.break=t-good boot good "init t-good" "${END[@]}"
	on_console "held before module 't-good'"
	on_console 'the server says that it may go on'
	on_server '"kind":"hold".*"module":"t-good"'
	report_is ok
	[ "$(grep -c . "$D/holds")" = 2 ] || fail "it did not go on with the second answer"
}
case_break_of_the_plan() {
	boot good "init t-good" "${END[@]}" "break t-good"
	on_server '"kind":"hold".*"module":"t-good"'
	report_is ok
}
# Answers that are not for this hold change nothing; the sixth is right.
case_break_forged() {
	boot go-wrong "init t-good" "${END[@]}" "break t-good"
	on_console 'the answer is not signed by this site'
	[ "$(grep -c . "$D/holds")" = 6 ] || fail "it did not wait for the right answer"
	report_is ok
}
# Without a server and without a console nobody could end it.
case_break_alone() {
	CMDLINE="lucie.plan=/plan lucie.break=t-good" boot no-server "init t-good" "${END[@]}"
	on_console 'no console and no server that could end this; going on'
	on_console 't-good: done'
}
# The server hears the key of the ssh server, which goes on when its module has ended.
case_remotelogin() {
	boot good "remotelogin t-ssh" "${END[@]}" "[remotelogin]" "ssh_key ssh-ed25519 AAAA one" "ssh_key ssh-ed25519 BBBB two"
	on_server '"kind":"host_key".*"module":"remotelogin","message":"ssh-ed25519 [A-Za-z0-9+/=]{68}"'
	on_server 'ssh is open for 2 keys'
	on_server 'dropbear runs'
	report_is ok
	rm -rf "$D"
	boot good "remotelogin" "${END[@]}"
	on_console 'reason  the plan has no ssh_key'
}
case_plan_file() {
	CMDLINE=lucie.plan=/plan boot good "init t-good" "${END[@]}"
	report_is ok
	[ ! -e "$D/requests" ] || fail "the server was asked for a plan"
}
case_plan_file_bad() {
	for mode in altered other-key; do
		STOP='FAILED: there is no plan' CMDLINE=lucie.plan=/plan boot $mode "t-good" "${END[@]}"
		on_console "the plan '/plan' is not signed by this site's key"
		not_on_console 't-good: '
	done
}

# No plan: nothing runs, the reason is shown, the server is alarmed.
refused() {
	local mode=$1 reason=$2
	STOP='FAILED: there is no plan' boot "$mode" "t-good" "${END[@]}"
	on_console "reason  .*$reason"
	not_on_console 't-good: '
	[ "$mode" = refuse ] || alarmed "$reason"
}
case_altered() { refused altered 'altered on the way, or was sealed for another boot'; }
case_cut() { refused cut 'altered on the way'; }
case_other_boot() { refused other-boot 'sealed for another boot \(replayed\)'; }
case_other_key() { refused other-key "not signed by this site's key"; }
case_other_nonce() { refused other-nonce 'replayed: it answers another request'; }
case_other_node() { refused other-node "another node's: 'tnode' \\(52:54:00:ff:ff:ff\\)"; }
case_other_site() { refused other-site 'of site 0123456789abcdef'; }
case_not_a_plan() { refused not-a-plan 'cannot be read: line 1'; }
case_refuse() { refused refuse 'this machine is not armed'; }
# The first server cannot be reached; the second answers, and is asked until it knows this machine.
case_discover() {
	SERVER=http://127.0.0.1:9 CMDLINE='lucie.discover lucie.server=http://127.0.0.1:8077' boot name-later "t-good" "${END[@]}"
	on_console 'waiting to be named \(the server refuses a plan: no host has this address'
	[ "$(grep -c 'waiting to be named' "$D/console")" = 2 ] || fail "it went back to the server that does not answer"
	report_is ok
}
case_no_key() {
	STOP='FAILED: there is no plan' NO_KEY=1 boot good "t-good" "${END[@]}"
	on_console "cannot read the site's key"
}

if [ $# -eq 0 ]; then # all but the longest, of which each mostly waits
	declare -F | grep -v deaf_server | sed -n "s,^declare -f case_\\(.*\\),\\1 $0 \\1,p" | "$TOP/tests/lanes.sh" 6
	exit
fi
for CASE; do
	case_"$CASE"
	echo "ok: $CASE"
done
