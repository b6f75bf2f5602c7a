#!/usr/bin/env bash
# A node that is installed again, onto another disk and behind another network card, keeps its ssh host keys and machine-id; the state has
# nothing of them that can be read; and its hardware clock is the server's.
. "$(dirname "$0")/lib.sh"

site_new
host n1 "installer ssh" "disk_layout one" "base ssh" "keep_machine_id yes" "ntp_server 10.0.2.2"
site_small
site_add <<'EOF'
define installer{
name       ssh
modules    init, partition, mount, extrbase, configure
on_failure poweroff
at_end     poweroff
}
define base{
name       ssh
}
EOF

# A base with ssh-keygen of this machine and what that needs, and with the keys of the machine that it was made on.
root=$T/root
mkdir -p "$root"/{sbin,usr/bin,usr/sbin,etc/ssh,proc,sys,dev,run,tmp,lib/systemd}
: >"$root/sbin/init"
install -m 755 /bin/true "$root/usr/sbin/sshd"
: >"$root/lib/systemd/systemd-timesyncd"
echo "root:x:0:0::/root:/bin/sh" >"$root/etc/passwd"
echo foreign >"$root/etc/ssh/ssh_host_ed25519_key"
cp "$(command -v ssh-keygen)" "$root/usr/bin/"
for library in $(ldd "$(command -v ssh-keygen)" | grep -o '/[^ ]*'); do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | zstd -q -1 -o "$T/ssh.tar.zst"
base_add ssh "$T/ssh.tar.zst"
site_setup
site_serve

# installed DISK [QEMU-ARGUMENT...]: installs n1, and leaves its keys in $T/keys and its machine-id in $T/machine-id
installed() {
	local disk=$1 start sectors
	shift
	disk_new "$disk" 1G
	arm n1
	: >"$T/serve.log"
	machine_start n1 "$disk" "$@"
	machine_end n1 300
	serve_has 'n1 +.* INSTALLED' || { tail -n 30 "$T/n1.serial" "$T/serve.log"; fail "n1 is not installed"; }
	read -r start sectors < <(sfdisk -J "$disk" | python3 -c 'import json,sys; p=json.load(sys.stdin)["partitiontable"]["partitions"][-1]; print(p["start"], p["size"])')
	dd if="$disk" of="$T/root.ext4" bs=1M iflag=skip_bytes,count_bytes skip=$((start * 512)) count=$((sectors * 512)) conv=sparse status=none
	for name in ssh_host_ed25519_key ssh_host_ed25519_key.pub ssh_host_rsa_key; do
		debugfs -R "cat /etc/ssh/$name" "$T/root.ext4" 2>/dev/null
	done >"$T/keys"
	debugfs -R "cat /etc/machine-id" "$T/root.ext4" >"$T/machine-id" 2>/dev/null
}

echo "== the first installation"
installed "$T/a.img" -rtc base=2001-01-01
cp "$T/keys" "$T/keys.first"
cp "$T/machine-id" "$T/machine-id.first"
grep -q 'BEGIN OPENSSH PRIVATE KEY' "$T/keys" || fail "n1 has no ssh host keys"
! grep -q foreign "$T/keys" || fail "n1 has the keys of its base"
[ "$(stat -c %s "$T/machine-id")" = 33 ] || fail "n1 has no machine-id"
debugfs -R "cat /etc/systemd/timesyncd.conf.d/lucie.conf" "$T/root.ext4" 2>/dev/null | grep -x 'NTP=10.0.2.2' >/dev/null || fail "ntp_server"
when=$(debugfs -R "stat /etc/hostname" "$T/root.ext4" 2>/dev/null | grep -c "mtime:.* $(date +%Y)\$")
[ "$when" = 1 ] || fail "files are not written at the server's time"
pass "keys are made at the first installation, at the server's time though the machine's clock says 2001"
! grep -aq "$(sed -n 2p "$T/keys" | cut -c1-30)" "$T"/state/state.db* "$T"/state/installs/*/* || fail "the state has the key in clear"

echo "== with a new mainboard and an empty disk"
"$LUCIE" replace --conf "$T/site/cluster.conf" --state "$T/state" --images "$IMAGES" --mac "$(machine_mac n7)" n1 || fail "lucie replace"
sleep 2 # the server looks for a changed definition every second
machine_mac() { echo 52:54:00:00:02:07; }
installed "$T/b.img"
cmp "$T/keys" "$T/keys.first" || fail "n1 has other ssh host keys now"
cmp "$T/machine-id" "$T/machine-id.first" || fail "n1 has another machine-id now"
pass "keys and machine-id survive a reinstallation on another mainboard"
