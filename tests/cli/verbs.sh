#!/usr/bin/env bash
# What `lucie` verbs do to files: setup (twice, and after changes), base add, exit codes. Called by run.sh with the program's path.
set -u
lucie=${1:?program}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"

# --- a site with an image that is none --------------------------------------------------------------------------------------------

mkdir -p images/pc-x86_64/boot modules files/default/etc files/host/n1
for f in vmlinuz initramfs.img boot/lpxelinux.0 boot/ldlinux.c32; do echo "$f" > "images/pc-x86_64/$f"; done
printf '#!/bin/sh\n# module: extra\n# summary: of this site\n# after: configure\n' > modules/extra.sh
echo welcome > files/default/etc/motd
ln -s motd files/default/etc/issue
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA admin' > admin.pub
cat > cluster.conf <<'END'
define lucie_group{
	name rack
	gateway 10.0.0.254
	subnet 255.255.255.0
	server_address 10.0.0.250
	dhcp_interface eth9
	ssh_keys admin.pub
}
define host{
	name node
	register 0
	lucie_group rack
	root_password $6$saltsaltsalt$0123456789012345678901234567890123456789
}
define host{
	host_name n1
	use node
	address 10.0.0.1
	mac_address 52:54:00:00:00:01, 52:54:00:00:00:0A
}
define host{
	host_name n2
	use node
	address 10.0.0.2
	mac_address 52:54:00:00:00:02
}
END
setup=("$lucie" setup --state state --images images)

# Not every machine that tests has systemd; where it is, the unit has no error and is not exposed.
systemd_takes() {
	command -v systemd-analyze > /dev/null || return 0
	cp "$1" lucie-serve.service
	systemd-analyze verify --man=no ./lucie-serve.service && systemd-analyze security --offline=yes --threshold=60 --no-pager ./lucie-serve.service > /dev/null
}

goes 2 usage "$lucie"
goes 2 "unknown verb" "$lucie" paint
goes 0 "lucie $(sed -n 's/.*LUCIE_VERSION "\(.*\)"/\1/p' "$here/../../init/lib/version.h")" "$lucie" --version
goes 0 "lucie setup" "$lucie" setup --help
goes 2 "unrecognized option '--colour'" "$lucie" setup --colour
goes 2 "unrecognized option '--nosuch'" "$lucie" check --nosuch
goes 2 "unrecognized option '--nosuch'" "$lucie" fmt --nosuch
wrong() { # OPTION VALUE EXPECTED COMMAND...: both are named, once, where to read on, and no more
	local said="lucie: $1 '$2', expected $3"
	goes 2 "$said" "${@:4}" "$1" "$2" n1
	is "$1 $2: nothing else" [ "$("${@:4}" "$1" "$2" n1 2>&1 | wc -l)" = 2 ]
}
wrong --retries 0 "a number from 1 to 100" "$lucie" install
wrong --at-once 0 "a number from 1 to 1000000" "$lucie" install
wrong --silence 3m "a number from 1 to 1000000" "$lucie" repair
wrong --keep 0 "a number from 1 to 4294967295" "$lucie" history
wrong --port 70000 "a number from 1 to 65535" "$lucie" serve
wrong --timeout 0 "a number from 1 to 3600" "$lucie" power
wrong --memory 1x "a size, as 4G" "$lucie" plan
wrong --bus floppy "virtio, nvme, ahci, ide or scsi" "$lucie" try
wrong --size 4Q "a size, as 4G" "$lucie" try
goes 2 usage "$lucie" plan
goes 1 "cannot read the definition" "$lucie" check nowhere.conf
sed 's/^\tserver_address.*/\tboard nothing-64/' cluster.conf > bare.conf
goes 0 "note: lucie_group 'rack' has no server_address" "$lucie" check bare.conf
goes 0 "note: no image of board 'nothing-64' is in" "$lucie" check bare.conf
printf 'define installer{\n\tname x\n\tmodules init, partitoin\n}\n' > wrong.conf
goes 1 "expected 'partition'" "$lucie" check --modules wrong.conf
goes 1 "write partition tables" "$lucie" check --modules wrong.conf
rm bare.conf wrong.conf
goes 1 "run lucie setup first" "$lucie" plan n1 --state state
goes 1 "cannot read" "$lucie" setup --state state --images nowhere
cp modules/extra.sh extra.sh
echo 'if true; then' >> modules/extra.sh
goes 1 "modules/extra.sh:6: Syntax error" "$lucie" check
mv extra.sh modules/extra.sh
goes 0 "no errors" "$lucie" check
goes 0 "host: 2 added (n1, n2)" "${setup[@]}"
goes 0 "nothing changed" "${setup[@]}"

is "the site key is the owner's alone" [ "$(stat -L -c %a state/key/site.key state/key state/definition | tr '\n' ' ')" = "600 700 600 " ]
goes 0 "public key $(cat state/key/site.pub)" "$lucie" key --state state
goes 0 "ExecStart=$lucie serve --state $work/state" "$lucie" setup --state state --print lucie-serve.service
goes 1 "there is no 'nothing', expected one of: dhcpd.conf, kea-dhcp4.conf, lucie-serve.service" "$lucie" setup --state state --print nothing
goes 1 "\`lucie setup\` makes it" "$lucie" setup --state nowhere --print dhcpd.conf
goes 0 "hardware ethernet 52:54:00:00:00:01" "$lucie" setup --state state --print dhcpd.conf
goes 0 "linked $work/system/etc/systemd/system/lucie-serve.service" "${setup[@]}" --enable --root "$work/system"
is "the unit is a link" cmp -s system/etc/systemd/system/lucie-serve.service state/fragments/lucie-serve.service
is "and leads where the web process cannot write" [ "$(readlink system/etc/systemd/system/lucie-serve.service)" = "$work/state/key/fragments/lucie-serve.service" ]
is "systemd takes it" systemd_takes state/fragments/lucie-serve.service
goes 0 "nothing changed" "${setup[@]}" --enable --root "$work/system"
goes 0 "removed $work/system" "$lucie" setup --state state --disable --root "$work/system"
ln -s "$work/state/fragments/lucie-serve.service" system/etc/systemd/system/lucie-serve.service
goes 0 "linked $work/system" "${setup[@]}" --enable --root "$work/system"
is "the link of an earlier version is made anew" [ "$(readlink system/etc/systemd/system/lucie-serve.service)" = "$work/state/key/fragments/lucie-serve.service" ]
goes 0 "removed $work/system" "$lucie" setup --state state --disable --root "$work/system"
echo foreign > system/etc/systemd/system/lucie-serve.service
goes 1 "is there and not ours" "${setup[@]}" --enable --root "$work/system"
goes 0 "" "$lucie" setup --state state --disable --root "$work/system"
is "what is not ours stays" grep -q foreign system/etc/systemd/system/lucie-serve.service
is "no card has a boot file" [ "$(ls state/tftp/pxelinux.cfg state/tftp/grub | tr '\n' ' ')" = "state/tftp/grub: grub.cfg  state/tftp/pxelinux.cfg: default " ]
is "others boot from their disks" grep -q 'LOCALBOOT 0' state/tftp/pxelinux.cfg/default
is "there is one generation" [ "$(ls state/generations) $(readlink state/current)" = "1 generations/1" ]
is "dnsmasq takes its configuration" dnsmasq --test --conf-file=state/dnsmasq.conf 2> /dev/null
is "both cards of a host have its address" grep -q '^dhcp-host=52:54:00:00:00:01,52:54:00:00:00:0a,set:rack,10.0.0.1,n1$' state/dnsmasq.conf
is "the compiled definition stands alone" grep -q "ssh_keys $work/state/inputs/" state/definition
is "the site archive has the key" grep -aq "$(cat state/key/site.pub)" state/tftp/site.img
is "and the site's module" grep -aq '# module: extra' state/tftp/site.img
rm admin.pub
goes 1 "base 'default' is not there yet" "$lucie" plan n1 --state state
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB other' > admin.pub

# --- bases --------------------------------------------------------------------------------------------------------------------------

mkdir -p root/sbin root/boot root/var/lib/dpkg
touch root/sbin/init root/boot/vmlinuz-1 root/boot/initrd.img-1
printf 'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: base-files\nStatus: install ok installed\nVersion: 12\n' > root/var/lib/dpkg/status
tar -C root -cf base.tar .
gzip -k base.tar && xz -k base.tar && zstd -q base.tar
head -c 20000000 /dev/zero > root/zeros
tar -C root -cf large.tar .
zstd -q --ultra -22 --long=27 large.tar
xz -k --lzma2=dict=64MiB large.tar
tar -cf noinit.tar cluster.conf && gzip noinit.tar
head -c 300 base.tar.gz > short.tar.gz

base=("$lucie" base add --state state default)
goes 0 "base default" "${base[@]}" base.tar.gz
goes 0 "" "${base[@]}" base.tar.gz
goes 0 "base default" "${base[@]}" base.tar.xz
goes 0 "base default" "${base[@]}" base.tar.zst
is "one format stays" [ "$(ls state/bases)" = "$(printf '%s\n' default.listing default.listing.blob default.packages default.source default.tar.zst default.tar.zst.blob)" ]
goes 0 "default               " "$lucie" base list --state state
goes 1 "base 'default' is in the definition in force" "$lucie" base remove --state state default
goes 0 "" "$lucie" base add --state state other base.tar.gz
goes 0 "in no definition (lucie base remove other)" "$lucie" base list --state state
goes 0 "" "$lucie" base remove --state state other
goes 1 "no base 'other'" "$lucie" base remove --state state other
is "what is removed leaves nothing" [ "$(ls state/bases)" = "$(printf '%s\n' default.listing default.listing.blob default.packages default.source default.tar.zst default.tar.zst.blob)" ]
is "its packages are listed" [ "$(cat state/bases/default.packages)" = "base-files 12" ]
root=$(sed -n 's/^root //p' state/bases/default.tar.zst.blob)
is "others cannot find configuration files" [ "$(stat -L -c %a state/files state/blobs | tr '\n' ' ')" = "700 711 " ]
is "its blob is there" cmp -s "state/blobs/$root" base.tar.zst
goes 1 "zstd window is larger than 8 MiB" "${base[@]}" large.tar.zst
goes 1 "xz dictionary is larger than 8 MiB" "${base[@]}" large.tar.xz
goes 1 "no compressed tar file" "${base[@]}" base.tar
goes 1 "no /sbin/init" "${base[@]}" noinit.tar.gz
goes 1 "cannot read" "${base[@]}" short.tar.gz
goes 1 "no name for a base" "$lucie" base add --state state ../x base.tar.gz
is "refused ones leave nothing" [ "$(ls state/bases | wc -l)" = 6 ]
goes 0 "blob $root " "$lucie" plan n1 --state state
goes 0 "root_password (hidden)" "$lucie" plan n1 --state state
goes 0 'root_password $6$salt' "$lucie" plan n1 --state state --secrets
goes 0 " default" "$lucie" plan n1 --state state

# json EXPRESSION COMMAND...: what the JSON that it prints has there, as `[0]["node"]`
json() {
	local expression=$1
	shift
	"$@" | python3 -c "import json, sys; print(json.load(sys.stdin)$expression)"
}

# --- arming -------------------------------------------------------------------------------------------------------------------------

boot_file=state/tftp/pxelinux.cfg/01-52-54-00-00-00-01
at=(--state state)
goes 2 "lucie repair" "$lucie" repair "${at[@]}"
goes 2 "lucie boot" "$lucie" boot "${at[@]}"
goes 2 "lucie boot --help" "$lucie" boot "${at[@]}" --wipe n1
goes 2 "lucie install" "$lucie" install "${at[@]}" --cancel --wipe n1
goes 1 "no host or host_group is named 'n3'" "$lucie" repair "${at[@]}" 'n[1-3]'
goes 1 "has no installer 'paint'" "$lucie" install "${at[@]}" --variant paint n1
goes 0 "n2: 'repair' at its next boot" "$lucie" repair "${at[@]}" 'n[1-2]'
is "an armed node boots the installer" grep -q "variant repair" "$boot_file"
goes 0 "n2: boots from its disk" "$lucie" boot "${at[@]}" n1,n2
is "one that is not boots its disk" [ ! -e "$boot_file" ]
goes 0 "n1: 'full' at its next boot" "$lucie" install "${at[@]}" n1
goes 0 "n1: boots from its disk" "$lucie" install "${at[@]}" --cancel n1

# A boot file that cannot be made: nobody stays armed without one, and other nodes get theirs.
cp cluster.conf kept.conf
printf 'define installer{\n\tname overnfs\n\tmodules init, partition, mount, extrbase, install, configure, finalize\n\tboot nfsroot\n}\n' >> cluster.conf
goes 0 "is in force" "${setup[@]}"
goes 1 "its boot file cannot be made (No such file or directory); it is not armed" "$lucie" install "${at[@]}" --variant overnfs n1
goes 0 "n1    new         disk" "$lucie" status "${at[@]}" n1
touch state/tftp/nfsroot-pc-x86_64.img
goes 0 "n2: 'overnfs' at its next boot" "$lucie" install "${at[@]}" --variant overnfs 'n[1-2]'
goes 0 "n2: 'repair' at its next boot" "$lucie" repair "${at[@]}" n2
sed -i '0,/gateway 10.0.0.254/s//gateway 10.0.0.253/' cluster.conf
goes 1 "is in force" "${setup[@]}"
is "the new definition holds" grep -q 10.0.0.253 state/definition
is "another node has its boot file" grep -q "variant repair" "${boot_file%1}2"
goes 0 "n2: boots from its disk" "$lucie" boot "${at[@]}" n1,n2
cp kept.conf cluster.conf
goes 0 "is in force" "${setup[@]}"

# What the definition promises of a base has to be in it.
sed -i '/use node/a\	disk_layout xfs-home\n\	base xfs' cluster.conf
printf 'define disk_layout{\n\tname xfs-home\n\tdisk a disk1\n\tpartition / 8G ext4\n\tpartition /home 8G- xfs\n}\n' >> cluster.conf
printf 'define base{\n\tname xfs\n\tpackages xfsprogs\n}\n' >> cluster.conf
goes 0 "is in force" "${setup[@]}"
goes 0 "" "$lucie" base add --state state xfs base.tar.gz
goes 1 "its disk_layout 'xfs-home' needs xfsprogs in the installed system, and base 'xfs' has no 'sbin/xfs_repair'" "$lucie" install "${at[@]}" n1
goes 0 "n1    new         disk" "$lucie" status "${at[@]}" n1
goes 0 "n1: 'repair' at its next boot" "$lucie" repair "${at[@]}" n1
goes 0 "n1: boots from its disk" "$lucie" boot "${at[@]}" n1
mkdir -p root/usr/sbin
touch root/usr/sbin/xfs_repair
tar -C root -cJf xfs.tar.xz --exclude=./zeros .
goes 0 "" "$lucie" base add --state state xfs xfs.tar.xz
goes 0 "n1: 'full' at its next boot" "$lucie" install "${at[@]}" n1
goes 0 "n1: boots from its disk" "$lucie" boot "${at[@]}" n1
rm state/bases/xfs.*
cp kept.conf cluster.conf
goes 0 "is in force" "${setup[@]}"

# --- what is known of nodes ---------------------------------------------------------------------------------------------------------

goes 0 "$(printf 'NODE  STATE       NEXT BOOT         SEEN    DOING\nn1    new         disk              -\nn2    new')" "$lucie" status "${at[@]}"
goes 2 usage "$lucie" status "${at[@]}" --json --seconds
goes 1 "no host or host_group is named 'n3'" "$lucie" status "${at[@]}" n3
goes 1 "nothing is known of an installation of 'n1'" "$lucie" status "${at[@]}" --seconds n1
goes 0 "" "$lucie" install "${at[@]}" --wipe n1
goes 0 "n1    armed       full, may wipe    -" "$lucie" status "${at[@]}" n1
is "status as JSON" [ "$(json '[0]["installer"]' "$lucie" status "${at[@]}" --json)" = full ]
is "one object for each node" [ "$(json '[1]["state"]' "$lucie" status "${at[@]}" --json 'n[1-2]')" = None ]
goes 0 "" "$lucie" boot "${at[@]}" n1

goes 0 "no installation is known" "$lucie" history "${at[@]}"
is "an empty history is an empty array" [ "$(json '' "$lucie" history "${at[@]}" --json)" = "[]" ]
goes 1 "nothing is known of an installation of 'n1'" "$lucie" log "${at[@]}" n1

sql() { # STATEMENTS: what the server would have written
	python3 -c 'import sqlite3, sys; sqlite3.connect("state/state.db").executescript(sys.argv[1])' "$1"
}
now=$(date +%s)
sql "
INSERT INTO install(id, node, variant, mac, token_hash, begun, ended, ok, ack, kept) VALUES ('i1', 'n1', 'full', 'm', zeroblob(32), 1000000000, 0, 0, 0, 0),
	('i2', 'n1', 'full', 'm', zeroblob(32), 1000000100, 1000000142, 0, 2, 2), ('i3', 'n2', 'repair', 'm', zeroblob(32), $now, 0, 0, 0, 0);
INSERT INTO event VALUES ('i2', 1, 1000000110, 'm', 1, 3, 'partition', 0, '', 1500, 'foreign data'),
	('i2', 2, 1000000142, 'm', 1, 4, 'partition', 0, '', 0, 'foreign' || char(27) || '[2J data on /dev/vda');
INSERT OR REPLACE INTO node(name, install, status, module, message, last_seen, attempts)
	VALUES ('n1', 'i2', 'failed', 'partition', 'foreign' || char(27) || '[2J data on /dev/vda', 1000000142, 1);
INSERT OR REPLACE INTO node(name, install, status, module, bytes, total, message, last_seen, attempts)
	VALUES ('n2', 'i3', 'running', 'extrbase', 536870912, 1073741824, 'usr', $now, 1);"
mkdir -p state/installs/i2 state/installs/i3
printf 'begins\nforeign\033[2J data\n' > state/installs/i2/log
goes 0 "n1    failed      disk" "$lucie" status "${at[@]}"
goes 0 "extrbase: 50% (512.0 MiB of 1.0 GiB), usr" "$lucie" status "${at[@]}"
# An order is for the next boot: what is under way is said, and goes on.
goes 0 "configure, finalize; its installation is under way (extrbase, heard of " "$lucie" repair "${at[@]}" n2
goes 0 " ago) and goes on" "$lucie" repair "${at[@]}" n2
goes 0 "n2: boots from its disk; its installation is under way (extrbase, heard of " "$lucie" boot "${at[@]}" n2
sql "UPDATE node SET held='configure', last_seen=last_seen-1000 WHERE name='n2'"
goes 0 "n2: boots from its disk; its installation is silent (held before configure, heard of 16m" "$lucie" boot "${at[@]}" n2
goes 0 "n2    failed " "$lucie" status "${at[@]}"
goes 0 "not heard of for a minute" "$lucie" status "${at[@]}" n2
sql "UPDATE node SET status='running', message='usr', last_seen=$now, attempts=1 WHERE name='n2'; UPDATE install SET ended=0 WHERE id='i3'"
is "of one that is not under way nothing is said" [ "$("$lucie" boot "${at[@]}" n1)" = "n1: boots from its disk" ]
goes 0 "n1    full      superseded" "$lucie" history "${at[@]}"
goes 0 "n1    full      failed           42  partition: foreign?[2J data on /dev/vda" "$lucie" history "${at[@]}"
goes 0 "    partition        1.50  failed" "$lucie" history "${at[@]}" --modules n1
is "history is of the nodes asked for" [ "$("$lucie" history "${at[@]}" n2 | wc -l)" = 2 ]
is "the cause as JSON" [ "$(json '[1]["module"]' "$lucie" history "${at[@]}" --json)" = partition ]
is "modules as JSON" [ "$(json '[1]["modules"][0]["seconds"]' "$lucie" history "${at[@]}" --json --modules)" = 1.5 ]
sql "INSERT INTO install(id, node, variant, mac, token_hash, begun) VALUES ('i0', 'n1', 'full', 'm', zeroblob(32), 900000000);
INSERT INTO event VALUES ('i0', 1, 900000010, 'm', 1, 3, 'mount', 1, '', 15, '');"
mkdir -p state/installs/i0
goes 0 "1 installation is forgotten" "$lucie" history "${at[@]}" --keep 2
is "the folder of the oldest is gone, the others are there" [ "$(ls state/installs)" = "$(printf 'i2\ni3')" ]
is "the oldest is forgotten" [ "$("$lucie" history "${at[@]}" --json | grep -c '"install"')" = 3 ]
goes 0 "0 installations are forgotten" "$lucie" history "${at[@]}" --keep 2
is "a log is printable" [ "$("$lucie" log "${at[@]}" n1)" = "$(printf 'begins\nforeign?[2J data')" ]
goes 1 "foreign?[2J data" "$lucie" log "${at[@]}" -f n1
goes 1 "'n2' has no installation 'i1'" "$lucie" log "${at[@]}" n2 i1
goes 1 "'n1' has no installation '../i2'" "$lucie" log "${at[@]}" n1 ../i2
goes 1 "has reported nothing" "$lucie" log "${at[@]}" n2
goes 1 "no host is named 'n3'" "$lucie" log "${at[@]}" n3
# One that has left the definition has a history still.
sql "INSERT INTO install(id, node, variant, mac, token_hash, begun, ended, ok) VALUES ('i9', 'gone', 'full', 'm', zeroblob(32), 800000000, 800000009, 1);
INSERT INTO node(name, install, status) VALUES ('gone', 'i9', 'installed');"
mkdir -p state/installs/i9
echo 'it was here' > state/installs/i9/log
goes 0 "it was here" "$lucie" log "${at[@]}" gone
goes 0 "gone  full      installed" "$lucie" history "${at[@]}" gone
is "with others" [ "$("$lucie" history "${at[@]}" 'n[1-2],gone' | wc -l)" = 5 ]
is "and alone" [ "$("$lucie" history "${at[@]}" gone | wc -l)" = 2 ]
goes 1 "no host or host_group is named 'gonne'" "$lucie" history "${at[@]}" gone gonne
goes 1 "'n[1-': '[' and ']' do not match" "$lucie" history "${at[@]}" 'n[1-'
sql "DELETE FROM install WHERE id='i9'; DELETE FROM node WHERE name='gone'"
rm -r state/installs/i9
goes 1 "was started anew" "$lucie" log "${at[@]}" --follow n1 i1
(
	sleep 0.7
	printf 'half a ' > state/installs/i3/log
	sleep 0.7
	printf 'line\n' >> state/installs/i3/log
	sql "UPDATE install SET ended=$now, ok=1 WHERE id='i3'; UPDATE node SET status='installed', module='', message='' WHERE name='n2'"
	echo 'the end' >> state/installs/i3/log
) &
is "-f follows until the end" [ "$(timeout 30 "$lucie" log "${at[@]}" -f n2)" = "$(printf 'half a line\nthe end')" ]
wait
is "the live board" python3 "$here/board.py" "$lucie" state

completes() { # EXPECTED WORD...: what bash proposes for the last word
	local expected=$1
	shift
	is "completion of '$*'" [ "$(bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _lucie "$1"; echo "${COMPREPLY[*]}"' \
		completes "$here/../../host-tools/completion/lucie.bash" "$lucie" "$@")" = "$expected" ]
}
completes "repair replace" rep
completes "--wipe" install --wi
completes "--follow --state" log -
completes "cycle" power n1 cy
completes "continue" cont
completes "state" install --state sta
completes "" install --variant ""
completes "repair restore rescue" install --state state --variant re
completes "dhcpd.conf" setup --state state --print dh
completes "" setup --state nowhere --print dh
completes "build add list remove" base ""
completes "build" base bu
completes "n1 n2" install --state state n
completes "n2,n1 n2,n2" boot --state state n2,
completes "" boot --state nowhere n
completes "base.tar.gz" base add default base.tar.g
completes "" paint --
cp cluster.conf kept.conf
printf 'define host_group{\n\thostgroup_name nearby\n\tmembers n1\n}\n' >> cluster.conf
goes 0 "is in force" "${setup[@]}"
goes 0 "n1: 'full' at its next boot" "$lucie" install "${at[@]}" nearby
goes 0 "n1: boots from its disk" "$lucie" boot "${at[@]}" nearby
goes 1 "--yes-wipe 'nearby' does not name the same nodes" "$lucie" install "${at[@]}" --variant wipe --yes-wipe nearby nearby
goes 0 "n1: 'wipe' at its next boot" "$lucie" install "${at[@]}" --variant wipe --yes-wipe n1 nearby
goes 0 "" "$lucie" boot "${at[@]}" n1
completes "n1 n2 nearby" install --state state n
completes "n1 n2" log --state state n
cp kept.conf cluster.conf
goes 0 "is in force" "${setup[@]}"
ln -s "$lucie" lucie-setup
ln -s "$lucie" lucie
is "lucie-setup is lucie setup" [ "$(bash -c '. "$1"; COMP_WORDS=(lucie-setup --state state --print k) COMP_CWORD=4; _lucie ./lucie-setup; echo "${COMPREPLY[*]}"' \
	completes "$here/../../host-tools/completion/lucie.bash")" = kea-dhcp4.conf ]
rm lucie lucie-setup

as_user=(env)
[ "$(id -u)" != 0 ] || as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if "${as_user[@]}" test -x "$lucie"; then
	goes 1 "DHCP and TFTP are served by root only" "${as_user[@]}" "$lucie" serve --state state
fi

# --- machines that no host is -------------------------------------------------------------------------------------------------------

goes 0 "no machine waits" "$lucie" discover "${at[@]}"
is "no machine is an empty array" [ "$(json '' "$lucie" discover "${at[@]}" --json)" = "[]" ]
sql "
INSERT INTO machine(mac, node, first, seen, inventory) VALUES
	('52:54:00:00:00:0b', '', $now, $now, '{\"cpus\": 8, \"ram\": 17179869184, \"vendor\": \"Some\", \"product\": \"Box\", \"serial\": \"B1\", \"disks\": [{\"name\": \"sda\", \"bytes\": 1099511627776, \"serial\": \"WD-1\", \"model\": \"$(printf 'Long%.0s' {1..19})\"}, {\"name\": \"sdb\", \"bytes\": 1048576}], \"nics\": [{\"name\": \"enp1s0f0\", \"mac\": \"52:54:00:00:00:0b\", \"driver\": \"ixgbe\", \"link\": true, \"speed\": 10000}]}'),
	('52:54:00:00:00:0c', '', $now, $now, '{\"disks\": [], \"nics\": []}'),
	('52:54:00:00:00:01', 'n1', $now, $now, '{\"cpus\": 4, \"disks\": [{\"name\": \"vda\", \"bytes\": 1048576, \"serial\": \"X\"}], \"nics\": [{\"name\": \"eth0\", \"link\": true, \"speed\": 1000}]}');"
goes 0 "8     16G    Some Box, serial B1" "$lucie" discover "${at[@]}"
goes 0 "  disk  sda            1.0 TiB  serial WD-1, LongLong" "$lucie" discover "${at[@]}"
goes 0 "  nic   enp1s0f0    52:54:00:00:00:0b  ixgbe, 10000 Mbit/s" "$lucie" discover "${at[@]}"
# COMMAND...: on a terminal of 80 columns
on_terminal=(python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)')
is "it fits on a terminal" [ "$("${on_terminal[@]}" "$lucie" discover "${at[@]}" < /dev/null | tr -d '\r' | awk '{ if (length($0) > 80) long++ } END { print NR, long + 0 }')" = "6 0" ]
goes 0 "serial WD-1, LongLong" "${on_terminal[@]}" "$lucie" discover "${at[@]}" < /dev/null
goes 0 "2 unknown machines wait to be named (lucie discover)" "${on_terminal[@]}" "$lucie" status "${at[@]}" < /dev/null
is "in a pipe status says only what it is asked for" [ -z "$("$lucie" status "${at[@]}" 2>&1 | grep unknown)" ]
is "in order of appearance" [ "$(json '[1]["mac"]' "$lucie" discover "${at[@]}" --json)" = 52:54:00:00:00:0c ]
goes 1 "has a discover_range" "$lucie" discover "${at[@]}" --name 'n[3-4]'
is "unknown machines boot their disks" grep -q LOCALBOOT state/tftp/pxelinux.cfg/default
sed -i 's/^\tdhcp_interface eth9$/&\n\tdiscover_range 10.0.0.200-10.0.0.220/' cluster.conf
goes 0 "wrote dnsmasq.conf" "${setup[@]}"
is "unknown machines wait" grep -q ' lucie.discover$' state/tftp/pxelinux.cfg/default
is "and get an address" grep -q '^dhcp-range=tag:!known,set:rack,10.0.0.200,10.0.0.220,255.255.255.0,1h$' state/dnsmasq.conf
is "dnsmasq takes that" dnsmasq --test --conf-file=state/dnsmasq.conf 2> /dev/null
goes 1 "host 'n2' is defined already" "$lucie" discover "${at[@]}" --name 'n[2-3]'
goes 1 "is not in the network" "$lucie" discover "${at[@]}" --name n3 --address 10.1.0.3
goes 2 usage "$lucie" discover "${at[@]}" --use node
goes 2 usage "$lucie" discover "${at[@]}" --name n3 --json
is "named in order" [ "$("$lucie" discover "${at[@]}" --name 'n[3-9]' --use node --address 10.0.0.199 2> /dev/null)" = "$(
	printf 'define host{\t\t# Some Box, serial B1\n\thost_name\tn3\n\taddress\t\t10.0.0.199\n\tmac_address\t52:54:00:00:00:0b\n\tuse\t\tnode\n}\n\n'
	printf 'define host{\n\thost_name\tn4\n\taddress\t\t10.0.0.221\n\tmac_address\t52:54:00:00:00:0c\n\tuse\t\tnode\n}')" ]
goes 0 "lucie: 2 of 7 named; no machine waits for n5, n6, n7, n8, n9" "$lucie" discover "${at[@]}" --name 'n[3-9]'
goes 0 "2 of 90 named; no machine waits for n12, n13, n14, n15, n16, n17, n18, n19, ..." "$lucie" discover "${at[@]}" --name 'n[10-99]'
is "those of the list, in its order" [ "$("$lucie" discover "${at[@]}" --name 'n[3-4]' --mac 52-54-00-00-00-0C,52:54:00:00:00:0b 2> /dev/null | sed -n 's/^\tmac_address\t//p' | xargs)" = "52:54:00:00:00:0c 52:54:00:00:00:0b" ]
is "and no others" [ "$("$lucie" discover "${at[@]}" --name 'n[3-4]' --mac 52:54:00:00:00:0c 2> /dev/null | grep -c host_name)" = 1 ]
goes 1 "no machine '52:54:00:00:00:99' waits to be named" "$lucie" discover "${at[@]}" --name n3 --mac 52:54:00:00:00:0b,52:54:00:00:00:99
goes 1 "'52:54:00:00:00:0B' is given twice" "$lucie" discover "${at[@]}" --name 'n[3-4]' --mac 52:54:00:00:00:0b,52:54:00:00:00:0B
goes 1 "'sda' is no address of a network card" "$lucie" discover "${at[@]}" --name n3 --mac sda
goes 2 usage "$lucie" discover "${at[@]}" --mac 52:54:00:00:00:0b
goes 1 "no host template of 'cluster.conf' is named 'nod', expected 'node'" "$lucie" discover "${at[@]}" --name n3 --use nod
goes 1 "no host template of 'cluster.conf' is named 'n1'" "$lucie" discover "${at[@]}" --name n3 --use n1
cp cluster.conf unnamed.conf
goes 1 "cannot read the definition 'nowhere.conf'" "$lucie" discover "${at[@]}" --name n3 --use node --conf nowhere.conf
"$lucie" discover "${at[@]}" --name n3 2> /dev/null >> cluster.conf
goes 0 "definition" "${setup[@]}"
goes 0 "10.0.0.3,n3" grep dhcp-host state/dnsmasq.conf
is "a named machine waits no more for a name" [ "$(json '[0]["mac"]' "$lucie" discover "${at[@]}" --json)" = 52:54:00:00:00:0c ]
goes 1 "no machine '52:54:00:00:00:01' waits" "$lucie" discover "${at[@]}" --forget 52:54:00:00:00:01
goes 0 "" "$lucie" discover "${at[@]}" --forget
goes 0 "no machine waits" "$lucie" discover "${at[@]}"
goes 0 "nic   eth0" "$lucie" inventory "${at[@]}" n1
is "inventory as JSON" [ "$(json '[0]["inventory"]["cpus"]' "$lucie" inventory "${at[@]}" --json)" = 4 ]
goes 0 "n3: 'full' at its next boot" "$lucie" install "${at[@]}" n3
cp cluster.conf named.conf
mv unnamed.conf cluster.conf
goes 0 "n3 is no host any more: disarmed" "${setup[@]}"
cp cluster.conf unnamed.conf
mv named.conf cluster.conf
goes 0 "host: 1 added (n3)" "${setup[@]}"
is "no order waits for a host that comes back" [ "$(json '[2]["installer"]' "$lucie" status "${at[@]}" --json)" = None ]
mv unnamed.conf cluster.conf
goes 0 "host: 1 removed (n3)" "${setup[@]}"

# --- a new mainboard ----------------------------------------------------------------------------------------------------------------

replace=("$lucie" replace --state state --images images)
goes 2 usage "${replace[@]}" n2
goes 1 "no host is named 'n9'" "${replace[@]}" --mac 52:54:00:00:00:77 n9
goes 1 "52:54:00:00:00:0a is the network card of host 'n1'" "${replace[@]}" --mac 52:54:00:00:00:77,52:54:00:00:00:0A n2
goes 1 "is no list of addresses" "${replace[@]}" --mac 52:54:00 n2
goes 1 "the definition says the same" "${replace[@]}" --mac 52:54:00:00:00:02 n2
line=$(grep -n '00:02$' cluster.conf | cut -d: -f1)
said="cluster.conf:$line:14: host 'n2' has 52:54:00:00:00:77 now: write it there in place of 52:54:00:00:00:02"
goes 0 "$said" "${replace[@]}" --mac 52-54-00-00-00-77 n2
is "it holds at once" grep -q '^dhcp-host=52:54:00:00:00:77,set:rack,10.0.0.2,n2$' state/dnsmasq.conf
is "with a boot file" grep -q 'n2: from its own disk' state/tftp/pxelinux.cfg/01-52-54-00-00-00-77
is "the old card has none" [ ! -e state/tftp/pxelinux.cfg/01-52-54-00-00-00-02 ]
goes 0 "$said" "${setup[@]}"
goes 0 "n2: its network card was replaced by 52:54:00:00:00:77" "$lucie" status "${at[@]}"
is "it is said of the nodes that are shown" [ -z "$("$lucie" status "${at[@]}" n1 2>&1 | grep replaced)" ]
sed -i 's/52:54:00:00:00:02$/52:54:00:00:00:77/' cluster.conf
goes 0 "n2: its replaced network card is forgotten: the definition says the same" "${setup[@]}"
goes 0 "in place of 52:54:00:00:00:77" "${replace[@]}" --mac 52:54:00:00:00:78 n2
sed -i 's/52:54:00:00:00:77$/52:54:00:00:00:79/' cluster.conf
goes 0 "the definition says otherwise by now" "${setup[@]}"
goes 0 "in place of 52:54:00:00:00:79" "${replace[@]}" --mac 52:54:00:00:00:78 n2
goes 0 "wrote dnsmasq.conf" "${replace[@]}" --undo n2
is "undone" grep -q '^dhcp-host=52:54:00:00:00:79,' state/dnsmasq.conf
sed -i 's/52:54:00:00:00:79$/52:54:00:00:00:02/' cluster.conf
goes 0 "" "${setup[@]}"

# --- try: what needs no machine -------------------------------------------------------------------------------------------------------

goes 1 "the UEFI firmware leaves the board's IDE ports switched off" "$lucie" try n1 --state state --disk disk --secure-boot --bus ide
goes 1 "'/dev/null' is not an image file" "$lucie" try n1 --state state --disk /dev/null
is "nothing is made for what is refused" [ ! -e disk ]

# --- another key ---------------------------------------------------------------------------------------------------------------------

old=$(cat state/key/site.pub)
rm state/key/site.key
goes 0 "this is another site now" "${setup[@]}"
is "the public key is that of the new one" [ "$(cat state/key/site.pub)" != "$old" ]
goes 0 "public key $(cat state/key/site.pub)" "$lucie" key --state state
goes 0 "nothing changed" "${setup[@]}"

# --- changes ------------------------------------------------------------------------------------------------------------------------

echo changed > files/default/etc/motd
goes 0 "files/default" "${setup[@]}"
rm -r files/default modules/extra.sh
sed -i 's/52:54:00:00:00:02/52:54:00:00:00:03/' cluster.conf
goes 0 "removed modules: extra.sh" "${setup[@]}"
is "the module went too" [ ! -e state/modules/extra.sh ]
is "and the folder's blob" [ -z "$(ls state/files/*/default.tar.zst 2> /dev/null)" ]
sed -i 's/^\tserver_address.*//' cluster.conf
goes 1 "expected 'server_address A.B.C.D'" "${setup[@]}"
echo 'define hots{' >> cluster.conf
goes 1 "expected 'host'" "${setup[@]}"

[ "$failed" -eq 0 ]
