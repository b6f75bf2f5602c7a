#!/usr/bin/env bash
# The whole installation with 256 MB: a Debian base, packages from a signed repository, a shell module, site files; then the disk is looked
# at, boots without a network to a login prompt under its own name, is repaired in a second run, and boots again.
. "$(dirname "$0")/lib.sh"

"$TOP/tests/vm/repo.sh" "$T/site/repo" hello

site_new
mkdir -p "$T/site/files/default/etc" "$T/site/files/host/n1/etc" "$T/site/files/host/n1/root"
"$TOP/tests/vm/kernel-deb.sh" "$T/site/files/host/n1/root/kernel.deb"
cp "$TOP/tests/vm/kernel-update.sh" "$T/site/files/host/n1/etc/rc.local"
echo default >"$T/site/files/default/etc/lucie-class"
echo default >"$T/site/files/default/etc/lucie-default"
echo n1 >"$T/site/files/host/n1/etc/lucie-class"
ssh-keygen -q -t ed25519 -N '' -C operator -f "$T/site/operator" </dev/null
host n1 "installer site" "disk_layout site" "base debian" "packages hello" "package_server local" \
	"root_password $(openssl passwd -6 -salt lucie secret)" "ssh_keys operator.pub" "kernel_args console=ttyS0" "hello.greeting welcome"
site_add <<'EOF'
define installer{
name       site
modules    init, partition, mount, extrbase, install, configure, hello, finalize
on_failure poweroff
at_end     poweroff
}
define installer{
name       fix
modules    init, mount, configure, finalize
on_failure poweroff
at_end     poweroff
}
define package_server{
name       local
path       repo
suite      ./
key        repo/key.asc
}
EOF
site_debian
site_setup
site_serve

echo "== installing n1"
disk_new "$T/n1.img" 4G
arm n1
MEMORY=256 machine_start n1 "$T/n1.img"
serve_wait "n1 +- +plan 'site'" 300
# A node under way gets what its plan names, whatever a later setup says; its repair gets the new.
echo changed >"$T/site/files/default/etc/lucie-default"
site_setup
machine_end n1 1500
serve_has 'n1 +.* INSTALLED' || { tail -n 40 "$T/n1.serial" "$T/serve.log"; fail "n1 is not installed"; }
"$LUCIE" status --state "$T/state" --seconds n1
pass "installed with 256 MB, packages included"
[ ! -e "$T/state/tftp/pxelinux.cfg/01-52-54-00-00-02-01" ] || fail "n1 still boots the installer"
pass "n1 boots locally now"

# The disk: partitions by sfdisk's own table, each copied out of the image, so that nothing of this machine is mounted.
root_partition() { # -> $T/root.ext4
	local start sectors
	read -r start sectors < <(sfdisk -J "$T/n1.img" | python3 -c 'import json,sys; p=json.load(sys.stdin)["partitiontable"]["partitions"][-1]; print(p["start"], p["size"])')
	dd if="$T/n1.img" of="$T/root.ext4" bs=1M iflag=skip_bytes,count_bytes skip=$((start * 512)) count=$((sectors * 512)) conv=sparse status=none
}
disk_file() { debugfs -R "cat $1" "$T/root.ext4" 2>/dev/null; }

check_disk() {
	local uuid
	sfdisk --verify "$T/n1.img" >/dev/null || fail "sfdisk --verify"
	root_partition
	e2fsck -fn "$T/root.ext4" >"$T/e2fsck.log" 2>&1 || { cat "$T/e2fsck.log"; fail "e2fsck"; }
	uuid=$(blkid -p -s UUID -o value "$T/root.ext4")
	disk_file /etc/fstab | grep -E "^UUID=$uuid +/ +ext4 +noatime" >/dev/null || { disk_file /etc/fstab; fail "fstab by UUID"; }
	[ "$(disk_file /etc/hostname)" = n1 ] || fail "hostname"
	[ "$(disk_file /etc/lucie-class)" = n1 ] || fail "the host's file does not win over the default"
	[ "$(disk_file /etc/lucie-default)" = default ] || fail "default file"
	disk_file /root/.ssh/authorized_keys | grep operator >/dev/null || fail "ssh key"
	# shellcheck disable=SC2016
	disk_file /etc/shadow | grep '^root:\$6\$lucie\$' >/dev/null || fail "root password"
	disk_file /var/log/lucie/plan | grep '^node n1$' >/dev/null || fail "answer file"
	disk_file /var/log/lucie/install.log | grep 'partition' >/dev/null || fail "installation log"
	pass "disk: e2fsck clean, fstab by UUID, hostname, files, keys, answer file and log"
}
check_disk
disk_file /etc/motd.d/10-lucie | grep welcome >/dev/null || fail "hello.sh left no greeting"
pass "the shell module hello did its work"

# In a copy of the root file system, as dpkg of the target sees it.
mkdir "$T/root"
debugfs -R "rdump / $T/root" "$T/root.ext4" >/dev/null 2>&1
dpkg --root="$T/root" -s hello | grep '^Status: install ok installed' >/dev/null || fail "hello is not installed"
dpkg --root="$T/root" --audit | grep -q . && fail "dpkg --audit"
broken=$(dpkg --root="$T/root" -V 2>/dev/null | grep -v ' c ' || true)
[ -z "$broken" ] || fail "dpkg -V: $broken"
rm -rf "$T/root"
pass "packages: installed, dpkg -V clean"

# boots WORDS [PATTERN]: to the login prompt, and until the console shows the pattern
boots() {
	machine_boot_disk n1
	machine_wait n1 'n1 login:' 600
	[ -z "${2:-}" ] || machine_wait n1 "$2" 120
	machine_kill n1
	pass "$1"
}
boots "boots from its disk, without a network, to 'n1 login:'" 'kernels at the end: 99.0-test [^ ]+ / 99.0-test [^ ]+ ;'
serial_has n1 'kernels before: [^ ]+ / [^ ]+ ;' || { grep -a 'kernels' "$T/n1.serial"; fail "kernels before"; }
serial_has n1 'kernels with a new one: 99.0-test [^ ]+ / 99.0-test [^ ]+ ;' || { grep -a 'kernels' "$T/n1.serial"; fail "a new kernel package"; }
serial_has n1 'kernels without it: [^ ]+ / [^ ]+ ;' || { grep -a 'kernels' "$T/n1.serial"; fail "a kernel package that goes"; }
pass "a kernel package that comes or goes changes what extlinux and GRUB boot"

echo "== repairing n1"
: >"$T/serve.log"
echo repaired >"$T/site/files/host/n1/etc/lucie-class"
site_setup
kill -HUP "$SERVE_PID"
arm n1 --variant fix
MEMORY=256 machine_start n1 "$T/n1.img"
machine_end n1 300
serve_has 'n1 +.* INSTALLED' || { tail -n 40 "$T/n1.serial" "$T/serve.log"; fail "n1 is not repaired"; }
"$LUCIE" status --state "$T/state" --seconds n1
root_partition
[ "$(disk_file /etc/lucie-default)" = changed ] || fail "the repair did not lay the default file anew"
[ "$(disk_file /etc/lucie-class)" = repaired ] || fail "the repair did not lay the new files"
e2fsck -fn "$T/root.ext4" >"$T/e2fsck.log" 2>&1 || { cat "$T/e2fsck.log"; fail "e2fsck after the repair"; }
pass "repaired: new files laid, e2fsck clean"
boots "boots after the repair, from the kernel that came later" 'Command line: BOOT_IMAGE=/boot/vmlinuz-99.0-test'
