#!/usr/bin/env bash
# verify and restore: every kind of difference is found and named, nothing is written meanwhile; restore puts back what differs and no more.
# shellcheck source=tests/modules/lib.sh
. "$(dirname "$0")/lib.sh"

"$TOP/tests/modules/make-tar.py" honest "$T/honest.tar"
zstd -q "$T/honest.tar"
"$TOP/out/host/bin/lucie" base add honest "$T/honest.tar.zst" --state "$T/state" >"$T/base.log"
blob_line() { sed -n "s/^$2 //p" "$T/state/bases/honest.$1.blob"; }
ROOT=$(blob_line tar.zst root)

# variant_plan MODULES SECTION [LINE...]: a plan with the base, its listing and lines of the section's own.
variant_plan() {
	local section=$2
	MODULES=$1 plan_new "blobs file:$T/state/blobs"
	shift 2
	section "$section" "base honest" "blob $ROOT $(blob_line tar.zst length)" "format tar.zst" "root $ROOT" \
		"listing $(blob_line listing root) $(blob_line listing length)" "$@"
}

result() { sed -n 's/^result //p' "$T/out"; }
# verifies RESULT [LINE...]: verify has to come to it, and its lines have to be these.
verifies() {
	local before after want=$1
	shift
	umount -R "$TARGET"
	swapoff "${DISK}p1"
	before=$(hash_disk)
	variant_plan "init mount verify" verify ${VERIFY:+"$VERIFY"}
	sed -i '/^modules/aread_only yes' "$T/plan"
	run mount
	! touch "$TARGET/dir" 2>/dev/null || fail "the target can be written to"
	run verify
	RESULT=$(result)
	cp "$T/out" "$T/verified"
	umount -R "$TARGET"
	after=$(hash_disk)
	blockdev --setrw "$DISK"
	variant_plan "init partition mount" verify
	run mount
	same "$RESULT" "verified: $want" "the result"
	for line; do has "$T/verified" "$line"; done
	same "$after" "$before" "verify wrote to the disk"
}

disk_new 512M
variant_plan "init partition mount extrbase" extrbase
run partition
run mount
run extrbase
verifies "no differences"
pass "what was just unpacked is as the listing says"

damage() {
	printf SUID >"$TARGET/dir/suid"
	chmod 4711 "$TARGET/dir/suid"
	rm "$TARGET/link" "$TARGET/null" "$TARGET/block"
	ln -s /dir/other "$TARGET/link"
	mkfifo "$TARGET/null"
	chown 1:2 "$TARGET/fifo"
	chmod 755 "$TARGET/dir"
	python3 -c 'import os, sys; os.removexattr(sys.argv[1], "security.capability")' "$TARGET/noted"
	rm -r "$TARGET/long"
	echo x >"$TARGET/own file"
	mkdir -p "$TARGET/var/log"
	echo x >"$TARGET/var/log/own"
}
damage
verifies "9 differences (7 changed, 2 missing, 0 unreadable, 0 extra)" "changed '/dir/suid': content" "changed '/dir/hard': content" \
	"changed '/link': content" "changed '/null': kind of file" "missing '/block'" "changed '/fifo': owner" "changed '/dir': mode" \
	"changed '/noted': attributes" "missing '/long/long"
pass "differences: $RESULT"
VERIFY="extra yes" verifies "16 differences (7 changed, 2 missing, 0 unreadable, 7 extra)" "extra '/own\\040file'" "extra '/srv/data'"
pass "what nobody installed: $RESULT"
VERIFY="ignore /dir, /long" verifies "5 differences (4 changed, 1 missing, 0 unreadable, 0 extra)"
pass "what the definition wants to be left out"

touched() { find "$TARGET" -xdev -newerct "@$1" ! -type d -printf '%P\n' | sort; }
sleep 1
begin=$(date +%s)
variant_plan "init mount restore" restore
run restore
same "$(result)" "restored: 9" "the result of restore"
same "$(touched "$begin" | grep -v 'long/name$' | tr '\n' ' ')" "block dir/hard dir/suid fifo link noted null " "what was written"
verifies "no differences"
same "$(stat -c '%a %u %g %h' "$TARGET/dir/suid")" "4711 0 34 2" "what was restored"
begin=$(date +%s)
sleep 1
variant_plan "init mount restore" restore
run restore
same "$(result)" "restored: 0" "the second time"
same "$(touched "$begin")" "" "written for nothing"
pass "restored what differed and no more; the second time nothing"

rm "$TARGET/fifo"
mkdir -p "$TARGET/fifo/holds"
refuses restore "fifo"
pass "a folder that holds something is in the way: $LAST"

# Another base than the one that was installed.
sed -i 's/^base ..../base 0000/' "$TARGET/var/lib/lucie/record"
variant_plan "init mount verify" verify
refuses verify "was installed from another base"
pass "another base: $LAST"

# wipe: not the disk of somebody else, and nothing is left of one's own; what was cut off goes on.
umount -R "$TARGET"
swapoff "${DISK}p1" # or this machine may swap onto it
wipe_plan() { # [HEAD LINE...]
	MODULES="init wipe" plan_new "$@"
}
wipe_plan
sed -i 's/^node .*/node cnode01/' "$T/plan"
untouched wipe "carries the stamp of node 'cnode00'.* nothing was written" "another node's disk"
is_empty() { cmp -s -n "$(blockdev --getsize64 "$DISK")" "$DISK" /dev/zero || fail "$1: something is left"; }
wipe_plan
dd if=/dev/zero of="$DISK" bs=1M seek=1 count=400 conv=notrunc status=none # as far as it came before the power went
run wipe
is_empty "a disk of its own"
same "$(result)" "wiped: 1 disk, 512.0 MiB" "the result of wipe"
pass "wiped: $(grep -o "is erased: .*" "$T/out")"
run wipe
pass "and once more"

mkfs.ext4 -q "$DISK"
wipe_plan
untouched wipe "holds data and carries no stamp" "a disk that is nobody's"
wipe_plan "wipe yes"
run wipe
is_empty "with --wipe"
pass "a disk that is nobody's, with --wipe"
