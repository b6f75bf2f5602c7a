#!/usr/bin/env bash
# Into a node while it is installed: a hold before a module, a real ssh client that knows the node without a question, commands, a stranger
# who is refused, lucie continue from the server and lucie-continue on the node; then the installation ends well.
. "$(dirname "$0")/lib.sh"

site_new
site_small
ssh-keygen -q -t ed25519 -N '' -C operator -f "$T/site/operator" </dev/null
ssh-keygen -q -t ed25519 -N '' -C stranger -f "$T/site/stranger" </dev/null
site_add <<'EOF2'
define installer{
name       login
modules    init, remotelogin, partition, mount, extrbase
on_failure poweroff
at_end     poweroff
}
EOF2
host n1 "installer login" "disk_layout one" "base random" "ssh_keys operator.pub"
host n2 "installer base-only" "disk_layout one" "base random" "ssh_keys operator.pub"
tar_random "$T/random.tar.zst" 8
base_add random "$T/random.tar.zst"
site_setup
site_serve

arm n1 --break partition,mount
arm n2
boots() { grep -h INITRD "$T/state/tftp/pxelinux.cfg/01-52-54-00-00-02-$1"; }
boots 01 | grep -q remotelogin || fail "n1 does not load the archive remotelogin"
! boots 02 | grep -q remotelogin || fail "n2 loads the archive remotelogin, which its installer does not run"
pass "the archive is for the nodes whose installer runs the module"

disk_new "$T/n1.img" 300M
SSH_PORT=$(free_port)
NETDEV="user,id=n0,hostfwd=tcp:127.0.0.1:$SSH_PORT-10.0.2.15:22" machine_start n1 "$T/n1.img"
serve_wait 'n1 +partition +HELD' 120
node_status n1 | grep -q ' held .*partition: waits for lucie continue n1' || { node_status n1; fail "the state is not held"; }
serial_has n1 "held before module 'partition'" || fail "the console does not say that it holds"
[ -z "$(tr -d '\0' <"$T/n1.img" | head -c 1)" ] || fail "the disk was written before the module partition"
pass "holds before partition, on console, server and board; nothing was written"

into() { # KEY COMMAND...: as a person would, but for the port that QEMU forwards
	local key=$1
	shift
	timeout 60 "$LUCIE" ssh --state "$T/state" -o HostName=127.0.0.1 -o "Port=$SSH_PORT" -o "IdentityFile=$T/site/$key" -o IdentitiesOnly=yes \
		-o IdentityAgent=none -o PreferredAuthentications=publickey,password -o BatchMode=yes n1 "$@" </dev/null
}
[ "$(into operator hostname)" = n1 ] || fail "no command over ssh"
into operator 'cat /run/lucie/log' | grep -q 'ssh is open for 1 keys' || fail "the log cannot be read over ssh"
[ "$(into operator sh -c '"exit 7"'; echo $?)" = 7 ] || fail "the exit code of a command is lost"
pass "a real ssh client runs commands, without a question"

if into stranger true 2>"$T/stranger"; then fail "a stranger got in"; fi
grep -q 'Permission denied (publickey)' "$T/stranger" || { cat "$T/stranger"; fail "a stranger is refused, but not as expected: is there a password login?"; }
# The same node with another key than the one that it announced: ssh must refuse it.
known=$(echo "$T"/state/installs/*/known_hosts)
read -r alias _ <"$known"
printf '%s %s\n' "$alias" "$(cut -d' ' -f1,2 <"$T/site/stranger.pub")" >"$T/forged"
if ssh -o UserKnownHostsFile="$T/forged" -o StrictHostKeyChecking=yes -o HostKeyAlias="$alias" -o BatchMode=yes -i "$T/site/operator" -p "$SSH_PORT" \
	root@127.0.0.1 true 2>"$T/forged.out" </dev/null; then fail "another host key is taken"; fi
grep -q 'Host key verification failed' "$T/forged.out" || { cat "$T/forged.out"; fail "another host key is not refused for what it is"; }
pass "strangers, passwords and another host key are refused"

"$LUCIE" continue --state "$T/state" n1 >/dev/null || fail "lucie continue n1"
serve_wait 'n1 +mount +HELD' 60
into operator 'cat /proc/partitions' | grep -q 'vda1' || fail "partition did not run between the two holds"
into operator lucie-continue || fail "lucie-continue on the node"
serve_wait 'n1 +.* INSTALLED' 120
machine_end n1 60
! "$LUCIE" continue --state "$T/state" n1 2>/dev/null || fail "lucie continue of a node that does not hold"
! into operator true 2>"$T/ended" || fail "ssh into a node that is installed"
grep -q "installation of 'n1' is over" "$T/ended" || { cat "$T/ended"; fail "lucie ssh does not say why it cannot"; }
"$LUCIE" log --state "$T/state" n1 | grep -q 'goes on\|HELD' || fail "the log does not tell of the hold"
pass "goes on when told, from the server and on the node; the installation ends well"
