#!/usr/bin/env bash
# lucie setup is all or nothing: it is killed at random moments and meets full disks of many sizes, and each time the generation in force is a
# whole one, the old or the new; the next setup ends what this one could not. And it takes Figure 3 of the paper. In a mount namespace of its
# own, for the small disks and the names of servers.
#
#	tests/server/setup.sh [SEED]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
in_namespaces --mount "$@"
site_folder lucie-setup
STATE=$T/disk/state
mkdir "$T/disk"
RANDOM=${1:-$$}
KILLS=${KILLS:-25}
HOSTS=300
printf 'seed %s\n' "${1:-$$}"

at_exit() {
	umount "$T/disk" 2>/dev/null || true
	umount /etc/hosts 2>/dev/null || true
}

# site VERSION: definition, image, configuration files and a module that all say which version they are.
site() {
	local i
	{
		printf 'define lucie_group{\nname site\nsubnet 255.255.0.0\ndomain_name v%s.test\ngateway 10.9.9.1\ndns1 10.9.9.1\n' "$1"
		printf 'lucie_server s\nserver_address 10.9.9.1\nboard test\nfiles %s/files\n}\n' "$T"
		for i in $(seq "$HOSTS"); do
			printf 'define host{\nhost_name n%d\nlucie_group site\naddress 10.9.%d.%d\nmac_address 52:54:00:00:%02x:%02x\n}\n' \
				"$i" $((i / 200)) $((i % 200 + 2)) $((i / 256)) $((i % 256))
		done
	} >"$T/cluster.conf"
	mkdir -p "$T/images/test/boot" "$T/files/default/etc" "$T/modules"
	for i in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32; do head -c 200000 /dev/zero | tr '\0' "$1" >"$T/images/test/$i"; done
	echo "v$1" >"$T/files/default/etc/motd"
	printf '#!/bin/sh\n# module: extra\n# summary: version %s\n# after: init\ntrue\n' "$1" >"$T/modules/extra.sh"
}
setup() { "$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images" >"$T/setup.log" 2>&1; }
generation() { readlink "$STATE/current" | tr -dc 0-9; }
# is_whole VERSION: all that is in force is of this version.
is_whole() {
	grep -q "domain_name v$1.test" "$STATE/definition" && grep -q "v$1.test" "$STATE/dnsmasq.conf" && grep -aq "version $1" "$STATE/tftp/site.img" &&
		[ "$(grep -c '^define host{' "$STATE/definition")" -eq $HOSTS ] && [ "$(head -c 1 "$STATE/tftp/vmlinuz-test")" = "$1" ] &&
		cmp -s "$STATE/tftp/initramfs-test.img" "$T/old/images/test/initramfs.img" && grep -q "version $1" "$STATE/modules/extra.sh" &&
		grep -q INITRD "$STATE/tftp/pxelinux.cfg/01-52-54-00-00-00-07" &&
		[ "$(zstd -qdc "$STATE"/files/*/default.tar.zst | tar -xO etc/motd)" = "v$1" ]
}
# check BEFORE WHAT: version BEFORE is in force, or what the site is now.
check() {
	local version=$NOW
	grep -q "domain_name v$1.test" "$STATE/definition" && version=$1
	rm -rf "$T/old"
	mkdir -p "$T/old/images/test"
	head -c 200000 /dev/zero | tr '\0' "$version" >"$T/old/images/test/initramfs.img"
	is_whole "$version" || fail "$2: neither version $1 nor $NOW is whole"
	IN_FORCE=$version
}
finish() { # what was left undone is done by the next one, and nothing is left over
	setup || fail "$1: the next setup failed"
	check "$NOW" "$1, then setup"
	[ "$(find "$STATE/generations" -maxdepth 1 -name '[0-9]*' | sort -V | tail -1)" = "$STATE/$(readlink "$STATE/current")" ] || fail "$1: something unfinished is left"
	cmp "$STATE/dnsmasq.conf" "$STATE/key/dnsmasq.conf" || fail "$1: dnsmasq runs with another configuration"
	[ -z "$(find "$STATE/key" -name '*~*')" ] || fail "$1: something is left in '$STATE/key'"
}

# n7 is armed: its boot file is of the generation, too.
first_setup() {
	NOW=1
	site 1
	setup || fail "the first setup"
	"$LUCIE" base add default "$T/base.tar.zst" --state "$STATE" >"$T/setup.log" 2>&1 || fail "lucie base add"
	"$LUCIE" install --state "$STATE" n7 >"$T/setup.log" 2>&1 || fail "lucie install"
}

mkdir -p "$T/base/sbin"
touch "$T/base/sbin/init"
tar -C "$T/base" -cf - . | zstd -q -o "$T/base.tar.zst"
first_setup
check 1 "at first"

start=$(date +%s%N)
NOW=2
site 2
setup || fail "the second setup"
length=$((($(date +%s%N) - start) / 1000000))
check 2 "the second"
first=$(generation)
setup
[ "$(generation)" = "$first" ] || fail "a setup that changes nothing made a generation"
grep -q 'nothing changed' "$T/setup.log" || fail "a setup that changes nothing says otherwise"
[ "$(stat -c %i "$STATE/tftp/lpxelinux.0")" = "$(stat -c %i "$STATE/generations/$first/tftp/lpxelinux.0")" ] || fail "the boot tree"
pass "a whole generation, and none where nothing changed"

stayed=0
for _ in $(seq "$KILLS"); do
	before=$NOW NOW=$((3 - NOW))
	site $NOW
	"$LUCIE" setup --conf "$T/cluster.conf" --state "$STATE" --images "$T/images" >"$T/setup.log" 2>&1 &
	pid=$!
	sleep "$(printf '0.%03d' $((RANDOM % (length < 999 ? length : 999))))"
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	check "$before" "killed"
	[ "$IN_FORCE" = "$NOW" ] || stayed=$((stayed + 1))
	finish "killed"
done
pass "killed $KILLS times: $stayed times the old one stayed in force, else the new one was; never a mixture"
[ "$(find "$STATE/generations" -maxdepth 1 -name '[0-9]*' | wc -l)" -le $((KILLS + 4)) ] || fail "generations pile up"

# A disk that ends somewhere: what a generation needs, less a bit, in steps.
umount "$T/disk" 2>/dev/null || true
mount -t tmpfs -o size=64m tmpfs "$T/disk"
first_setup
full=0
for spare in 0 4 16 64 128 256 400 600 800 900 1000 1100 1200; do
	before=$NOW NOW=$((3 - NOW))
	site $NOW
	rm -f "$T/disk/ballast"
	free=$(df --output=avail -k "$T/disk" | tail -1)
	head -c $(((free - spare) * 1024)) /dev/zero >"$T/disk/ballast"
	if setup; then
		check "$NOW" "a disk with $spare KiB"
	else
		full=$((full + 1))
		grep -qE 'No space left on device|disk is full|disk I/O error' "$T/setup.log" || fail "a full disk is not said to be one"
		check "$before" "a disk with $spare KiB"
		is_whole "$before" || fail "a disk with $spare KiB: the failed setup left another version in force"
	fi
	rm -f "$T/disk/ballast"
	finish "a disk with $spare KiB"
done
[ "$full" -gt 3 ] || fail "only $full of the disks were full"
pass "$full full disks: each time the old one stays in force, and the cause is said"

# The paper's Figure 3 as it is printed: lucie-setup, the names of its servers known, gives a tree from which its nodes boot.
printf '127.0.0.1 localhost\n192.168.10.250 lucie1.is.titech.ac.jp\n' >"$T/hosts"
mount --bind "$T/hosts" /etc/hosts
mkdir -p "$T/images/pc-x86_64"
cp -r "$T/images/test/." "$T/images/pc-x86_64"
STATE=$T/figure-3
ln -s "$LUCIE" "$T/lucie-setup"
"$T/lucie-setup" --conf "$TOP/docs/examples/figure-3.conf" --state "$STATE" --images "$T/images" >"$T/setup.log" 2>&1 || fail "Figure 3"
"$LUCIE" base add default "$T/base.tar.zst" --state "$STATE" >"$T/setup.log" 2>&1 || fail "lucie base add"
"$LUCIE" install --state "$STATE" cnode00 >"$T/setup.log" 2>&1 || fail "lucie install cnode00"
card=$STATE/tftp/pxelinux.cfg/01-00-50-56-40-40-b6
grep -q 'lucie.server=http://192.168.10.250:8077' "$card" || fail "the server of Figure 3"
for file in $(sed -n 's/^\t\(KERNEL\|INITRD\) //p' "$card" | tr , ' '); do [ -s "$STATE/tftp/$file" ] || fail "'$file' of Figure 3 is not there"; done
grep -q '^dhcp-host=00:50:56:40:40:b7,.*,192.168.10.2,cnode01$' "$STATE/dnsmasq.conf" || fail "cnode01 of Figure 3"
pass "Figure 3 as printed: lucie-setup gives a tree to boot from"
