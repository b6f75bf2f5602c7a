#!/usr/bin/env bash
# What an installer may be besides a full installation, one after the other on one disk: repair of a damaged file system, verify, damage, verify,
# restore, verify, rescue, wipe. What may not write is proven by the disk's hash.
. "$(dirname "$0")/lib.sh"

ssh-keygen -q -t ed25519 -N '' -C operator -f "$T/operator" </dev/null
site_new
mkdir -p "$T/site/files/default/etc" "$T/site/files/host/n1/etc"
echo default >"$T/site/files/default/etc/lucie-default"
echo n1 >"$T/site/files/host/n1/etc/lucie-class"
cp "$T/operator.pub" "$T/site/"
host n1 "installer full" "disk_layout site" "base debian" "ssh_keys operator.pub" "kernel_args console=ttyS0"
site_debian
site_setup
site_serve

# ends_as STATUS RESULT: what the server shows of n1 when its machine has ended.
ends_as() {
	machine_end n1 "${SECONDS_MAX:-180}"
	node_status n1 >"$T/status"
	grep -qE "^n1 +$1 +disk .*$2" "$T/status" || { cat "$T/status"; tail -n 30 "$T/n1.serial"; "$LUCIE" log --state "$T/state" n1 | tail -n 30; fail "expected '$1 ... $2'"; }
}
# said_as VARIANT: its name for what has come to be, on the server's terminal and in the history.
said_as() {
	local outcome=installed
	case $1 in verify) outcome=verified ;; restore) outcome=restored ;; wipe) outcome=wiped ;; esac
	serve_has "n1 +- +${outcome^^}" || { tail "$T/serve.log"; fail "the server does not say '${outcome^^}'"; }
	"$LUCIE" history --state "$T/state" n1 | tail -n 1 | grep -q " $1 .* $outcome" || fail "the history does not say '$outcome'"
}
# runs VARIANT STATUS RESULT
runs() {
	local begin=$SECONDS
	: >"$T/serve.log"
	arm "${@:4}" n1 --variant "$1"
	machine_start n1 "$T/n1.img"
	ends_as "$2" "$3"
	said_as "$1"
	echo "   ($1: $((SECONDS - begin)) s)"
}
table_hash() { { head -c 512K "$T/n1.img"; tail -c 1M "$T/n1.img"; } | sha256sum; }
same_disk() { [ "$(disk_hash "$T/n1.img")" = "$HASH" ] || fail "$1 wrote to the disk"; }
start_of_root() { sfdisk -J "$T/n1.img" | python3 -c 'import json,sys; print(json.load(sys.stdin)["partitiontable"]["partitions"][-1]["start"] * 512)'; }
# on_disk COMMAND...: debugfs on the root file system within the image.
on_disk() { printf '%s\n' "$@" | debugfs -w -f - "$T/n1.img?offset=$ROOT" >"$T/debugfs" 2>&1; }
log_has() { "$LUCIE" log --state "$T/state" n1 >"$T/log"; grep -qE -- "$1" "$T/log" || { tail -n 30 "$T/log"; fail "lucie log does not say '$1'"; }; }

echo "== full"
disk_new "$T/n1.img" 1500M
SECONDS_MAX=600 runs full installed ''
ROOT=$(start_of_root)

echo "== repair"
echo repaired >"$T/site/files/host/n1/etc/lucie-class"
site_setup
kill -HUP "$SERVE_PID"
on_disk "clri /etc/lucie-default" "ssv state 2"
before=$(table_hash)
runs repair installed "mended: '/dev/vda2' \(/\): "
"$LUCIE" status --state "$T/state" --seconds n1
[ "$(table_hash)" = "$before" ] || fail "the repair wrote to the partition table"
e2fsck -fn "$T/n1.img?offset=$ROOT" >"$T/e2fsck.log" 2>&1 || { cat "$T/e2fsck.log"; fail "e2fsck after the repair"; }
on_disk "cat /etc/lucie-default" "cat /etc/lucie-class"
grep -q '^default$' "$T/debugfs" && grep -q '^repaired$' "$T/debugfs" || { cat "$T/debugfs"; fail "the repair did not lay the files"; }
pass "a damaged file system is repaired, the new files are laid, the table is as it was"

echo "== verify"
HASH=$(disk_hash "$T/n1.img")
runs verify installed 'verified: no differences'
same_disk verify
pass "what Lucie configured and repaired is no difference; the disk is as it was"

on_disk "rm /usr/bin/who" "sif /usr/bin/env mode 0100700" "rm /etc/debian_version" "write $T/serve.log /etc/debian_version"
HASH=$(disk_hash "$T/n1.img")
runs verify installed 'verified: 3 differences \(2 changed, 1 missing'
log_has "missing '/usr/bin/who'"
log_has "changed '/usr/bin/env': mode"
log_has "changed '/etc/debian_version': content"
same_disk "verify with differences"
pass "three differences are found and named"

echo "== restore"
runs restore installed 'restored: 3'
e2fsck -fn "$T/n1.img?offset=$ROOT" >"$T/e2fsck.log" 2>&1 || { cat "$T/e2fsck.log"; fail "e2fsck after the restoration"; }
runs verify installed 'verified: no differences'
pass "restored; verify finds nothing any more"

echo "== rescue"
HASH=$(disk_hash "$T/n1.img")
SSH_PORT=$(free_port)
on_node() { ssh -F none -i "$T/operator" -p "$SSH_PORT" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 "$@" </dev/null; }
arm n1 --variant rescue
NETDEV="user,id=n0,hostfwd=tcp:127.0.0.1:$SSH_PORT-:22" machine_start n1 "$T/n1.img"
machine_wait n1 'held before module .rescue.' 120
on_node 'cat /target/etc/hostname; touch /target/etc/x; dd if=/dev/zero of=/dev/vda bs=512 count=1; mount -o remount,rw /target' >"$T/rescue" 2>&1 || true
grep -qx n1 "$T/rescue" || { cat "$T/rescue"; fail "nothing is mounted in the rescue"; }
"$LUCIE" continue --state "$T/state" n1 >/dev/null || fail "lucie continue"
ends_as installed 'rescued: nothing was written'
same_disk "the rescue"
pass "rescue: mounted, ssh, let go on; not even root could write"

echo "== wipe"
! "$LUCIE" install --state "$T/state" --variant wipe n1 >"$T/refused" 2>&1 || fail "armed to be erased without a word"
grep -q -- '--yes-wipe n1' "$T/refused" || { cat "$T/refused"; fail "the refusal does not say how"; }
runs wipe wiped 'wiped: 1 disk,' --yes-wipe n1
cmp -n "$(stat -c %s "$T/n1.img")" "$T/n1.img" /dev/zero || fail "something is left on the disk"
[ ! -e "$T/state/tftp/pxelinux.cfg/01-52-54-00-00-02-01" ] || fail "n1 would boot the installer again"
pass "wipe: nothing is left, the node is not armed any more"
