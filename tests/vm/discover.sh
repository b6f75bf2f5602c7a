#!/usr/bin/env bash
# A machine that no host of the definition is waits to be named: it shows with its inventory, nothing is written on its disk, and once the
# definition has it and it is armed, it gets its plan without a new boot.
. "$(dirname "$0")/lib.sh"

site_new
host n1 "installer base-only" "disk_layout one" "base random"
site_small
sed -i "s/^define lucie_group{\$/&\ndiscover_range 10.0.2.200-10.0.2.220\nboard $BOARD\nconsole ttyS0/" "$T/site/cluster.conf"
tar_random "$T/random.tar.zst" 3
base_add random "$T/random.tar.zst"
site_setup
site_serve
grep -q 'lucie.discover' "$T/state/tftp/pxelinux.cfg/default" || fail "the default boot file does not let machines wait"

echo "== an unknown machine"
disk_new "$T/new.img" 1G
before=$(disk_hash "$T/new.img")
mac=52:54:00:00:02:77
discover() { "$LUCIE" discover --state "$T/state" "$@"; }
BOOT_FILE=default machine_start n119 "$T/new.img"
machine_wait n119 "unknown machine $mac: waiting to be named" 300
wait_until 30 "the machine in lucie discover" eval 'discover | grep -q "$mac"'
discover
discover --json | python3 -c '
import json, sys
m, = json.load(sys.stdin)
i = m["inventory"]
assert m["node"] is None and i["ram"] > 1 << 26 and i["cpus"] == 1 and i["cores"] == 1 and i["cpu"] and i["vendor"], m
assert i["disks"] == [{"name": "vda", "bytes": 1 << 30, "serial": "n119-disk", "transport": "virtio"}], i
assert [(n["mac"], n["driver"], n["link"]) for n in i["nics"]] == [("52:54:00:00:02:77", "virtio_net", True)], i
' || fail "the inventory is not that of the machine"
[ "$(grep -c 'waits to be named' "$T/serve.log")" = 1 ] || fail "that it waits is not said once"
[ "$(disk_hash "$T/new.img")" = "$before" ] || fail "something was written on its disk"
pass "an unknown machine shows with its inventory, its disk untouched"

echo "== it gets a name"
discover --name n2 >>"$T/site/cluster.conf"
sed -i "s/^\taddress\t\t.*/&\n\tinstaller base-only\n\tdisk_layout one\n\tbase random/" "$T/site/cluster.conf"
site_setup
machine_wait n119 "'n2' is not to be installed" 60
arm n2
machine_end n119 300
serve_has 'n2 +.* INSTALLED' || { tail -n 30 "$T/n119.serial" "$T/serve.log"; fail "n2 is not installed"; }
[ "$(disk_hash "$T/new.img")" != "$before" ] || fail "nothing was written on its disk"
discover | grep -q 'no machine waits' || fail "it still waits to be named"
"$LUCIE" inventory --state "$T/state" n2 | grep 'disk  vda' || fail "its inventory is not kept"
pass "named, armed, and installed without a new boot"
