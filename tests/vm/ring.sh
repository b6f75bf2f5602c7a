#!/usr/bin/env bash
# Data sets and the base over rings: three machines on a bridge in a network namespace of this test. Their links are slow enough that the ring is
# caught at work: one machine is reset, the server is started anew. At the end every machine is installed, and its disk holds what was sent.
# Then the source changes: no node gets something else than its plan says.
if [ -z "${LUCIE_RING_INSIDE:-}" ]; then
	how=(unshare --net)
	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --net)
	LUCIE_RING_INSIDE=1 exec "${how[@]}" -- "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
NODES="n1 n2 n3"
RATE=${RATE:-30mbit}

# --- the network: a bridge, and a tap for each machine that takes no more than RATE in either direction

[ -w /dev/net/tun ] || fail "/dev/net/tun cannot be opened by this user; run it as root"
ip link set lo up
ip link add lucie0 type bridge
ip address add 10.0.2.2/24 dev lucie0
ip link set lucie0 up
tap() { # NODE
	ip tuntap add dev "tap-$1" mode tap
	ip link set "tap-$1" master lucie0 up
	tc qdisc add dev "tap-$1" root tbf rate "$RATE" burst 64kb latency 50ms
}
for node in $NODES; do tap "$node"; done
# 128 MB: the ring has its pool and the extractor its window in what a small machine has.
start() { MEMORY=128 NETDEV="tap,id=n0,ifname=tap-$1,script=no,downscript=no" machine_start "$1" "$T/$1.img"; }

# --- the site: a base, a tree and a file, all over rings

mkdir -p "$T/tree/sub/deeper"
head -c 24M /dev/urandom >"$T/tree/random"
truncate -s 64M "$T/tree/holes"
printf 'in the middle' | dd of="$T/tree/holes" bs=1 seek=30000000 conv=notrunc status=none
for i in $(seq 300); do echo "$i" >"$T/tree/sub/deeper/file$i"; done
ln -s deeper/file7 "$T/tree/sub/link"
chmod 750 "$T/tree/sub"
head -c 20M /dev/urandom >"$T/one.bin"
truncate -s 20M "$T/image"
mke2fs -q -t ext4 -L inside -d "$T/tree/sub" "$T/image"
tar_random "$T/random.tar.zst" 30

site_new
for node in $NODES; do host "$node" "installer data" "disk_layout one" "base random" "datasets tree, one, image"; done
site_add <<EOF
define installer{
name       data
modules    init, partition, mount, extrbase, dolly
on_failure poweroff
at_end     poweroff
}
define disk_layout{
name       one
disk       d1 disk1 table=gpt
partition  / 64M- ext4 label=root
partition  - 24M raw label=image
}
define base{
name       random
ring       yes
}
define dataset{
name       tree
source     $T/tree
target     /data/sets
}
define dataset{
name       one
source     $T/one.bin
target     /data/one.bin
}
define dataset{
name       image
source     $T/image
target     raw:image
}
EOF
site_setup
base_add random "$T/random.tar.zst"
grep -q 'dataset tree is not made yet' "$T/setup.log" || fail "setup does not say that the data set is not made"
! "$LUCIE" install --state "$T/state" n1 >"$T/refused" 2>&1 || fail "n1 is armed without its data set"
grep -q "dataset 'tree' is not made yet" "$T/refused" || { cat "$T/refused"; fail "the refusal does not say why"; }
pass "no node is armed before its data sets are made"
BIND=0.0.0.0 site_serve
for node in $NODES; do disk_new "$T/$node.img" 512M; done
"$LUCIE" data --state "$T/state" >"$T/data.log" || fail "lucie data"
serve_wait 'tree: master on port' 10

# --- three machines, one of them reset, the server started anew in the middle

# shellcheck disable=SC2086
arm $NODES
for node in $NODES; do start "$node"; done
serve_wait 'n2 +ring +tree: joined' 300
machine_kill n2
serve_wait 'n2 +ring +tree: DROPPED' 30
start n2
joined_again() { [ "$(grep -acE 'n2 +ring +tree: (joined|came back)' "$T/serve.log")" -ge 2 ]; }
wait_until 300 "n2 in the ring again" joined_again
site_stop
BIND=0.0.0.0 site_serve
for node in $NODES; do
	machine_end "$node" 600
	serve_wait "$node +.* INSTALLED" 10
done
pass "three machines are installed over rings, one after a reset, the server started anew meanwhile"

partition() { # NODE INDEX FILE: copied out of the image, so that nothing of this machine is mounted
	local start sectors
	read -r start sectors < <(sfdisk -J "$T/$1.img" | python3 -c 'import json,sys; p=json.load(sys.stdin)["partitiontable"]["partitions"][int(sys.argv[1])]; print(p["start"], p["size"])' "$2")
	dd if="$T/$1.img" of="$3" bs=1M iflag=skip_bytes,count_bytes skip=$((start * 512)) count=$((sectors * 512)) conv=sparse status=none
}
sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k2; find . -type l -printf '%p %l\n' | sort; find . -type d -printf '%p %m\n' | sort); }
sums "$T/tree" >"$T/tree.sums"
for node in $NODES; do
	partition "$node" 0 "$T/root.ext4"
	partition "$node" 1 "$T/raw"
	cmp -n "$(stat -c %s "$T/image")" "$T/image" "$T/raw" || fail "$node: the raw partition"
	[ "$(blkid -p -s LABEL -o value "$T/raw")" = inside ] || fail "$node: the raw partition's label"
	e2fsck -fn "$T/root.ext4" >"$T/e2fsck.log" 2>&1 || { cat "$T/e2fsck.log"; fail "e2fsck of $node"; }
	rm -rf "$T/out"
	mkdir "$T/out"
	debugfs -R "rdump /data $T/out" "$T/root.ext4" 2>/dev/null
	cmp "$T/one.bin" "$T/out/data/one.bin" || fail "$node: one.bin"
	diff "$T/tree.sums" <(sums "$T/out/data/sets/tree") >"$T/diff" || { head "$T/diff"; fail "$node: the tree"; }
	[ "$(debugfs -R 'stat /data/sets/tree/holes' "$T/root.ext4" 2>/dev/null | sed -n 's/.*Blockcount: *//p')" -lt 16384 ] || fail "$node: holes were written"
	[ -z "$(debugfs -R 'ls -p /' "$T/root.ext4" 2>/dev/null | grep -aE 'dolly|lucie-ring')" ] || fail "$node: a temporary file is left"
done
pass "each disk holds what was sent, byte by byte, holes as holes; e2fsck is content"

for node in $NODES; do
	serve_has "$node +ring +random: verified" || fail "$node did not get its base over the ring"
	serve_has "$node +ring +one: verified" || fail "the master does not say that $node has 'one'"
done
pass "base and data sets were counted by their masters"

# --- the source is not what the plan says any more; a master that has been running may still have the right content in memory

head -c 1M /dev/urandom | dd of="$T/one.bin" bs=1M seek=9 conv=notrunc status=none
site_stop
BIND=0.0.0.0 site_serve
arm n3
start n3
serve_wait "one: the source has changed since its data set was made" 120
machine_wait n3 "FAILED: module 'dolly'" 240
machine_end n3 60
serve_wait 'n3 +dolly +INSTALLATION FAILED' 30
pass "a source that has changed is sent to nobody"
