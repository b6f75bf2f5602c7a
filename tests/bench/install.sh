#!/usr/bin/env bash
# make bench-install: a base onto an empty disk by our modules, against the distribution's `curl | zstd -d | tar -x` onto mke2fs, in the same
# machine (QEMU, same kernel, memory, disk and network), interleaved; sync included on both sides. Prints both and the ratio.
#
#	tests/bench/install.sh [RUNS] [BASE.tar.zst]
. "$(dirname "$0")/../vm/lib.sh"
RUNS=${1:-3}
BASE=${2:-$TOP/out/demo/bases/demo.tar.zst}
export MEMORY=${MEMORY:-1024}

# The yardstick's own root: our image's kernel modules, and the distribution's tools with their libraries.
yard_make() {
	local yard=$T/yard tool lib
	mkdir -p "$yard/yard/bin" "$yard/yard/lib" "$yard/lib64"
	for tool in curl zstd tar mke2fs ip insmod awk; do
		cp -L "$(command -v "$tool")" "$yard/yard/bin/$tool"
		ldd "$yard/yard/bin/$tool" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | while read -r lib; do cp -nL "$lib" "$yard/yard/lib/"; done
	done
	cp -L /lib64/ld-linux-x86-64.so.2 "$yard/lib64/"
	install -m 755 "$TOP/tests/bench/install-baseline.sh" "$yard/init"
	cp "$IMAGES/$BOARD/initramfs.img" "$T/yard.img"
	(cd "$yard" && find . | sort | cpio --quiet -o -H newc -R 0:0) >>"$T/yard.img"
}

site_new
host n1 "installer bench" "disk_layout bench" "base bench"
site_add <<'EOF'
define installer{
name    bench
modules init, partition, mount, extrbase
at_end  poweroff
on_failure poweroff
}
define disk_layout{
name      bench
disk      d1 disk1 table=gpt
partition / 1G- ext4
}
define base{
name bench
}
EOF
base_add bench "$BASE"
site_setup
site_serve
yard_make
blob=$(sed -n 's/^root //p' "$T/state/bases/bench.tar.zst.blob")

: >"$T/ours" && : >"$T/yard.ms"
for i in $(seq "$RUNS"); do
	disk_new "$T/yard.img.disk" 4G
	machine_run yard -cpu max -m "$MEMORY" -netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile= \
		-drive "if=none,id=d0,file=$T/yard.img.disk,format=raw,cache=unsafe,discard=unmap" -device virtio-blk-pci,drive=d0 \
		-kernel "$IMAGES/$BOARD/vmlinuz" -initrd "$T/yard.img" \
		-append "console=ttyS0 quiet rootfstype=ramfs panic=30 yard.url=http://10.0.2.2:$PORT/blob/$blob"
	machine_wait yard 'baseline: total [0-9]+' 900
	machine_end yard 60
	serial_has yard 'baseline: status 0' || fail "the yardstick failed"
	yard=$(tr -d '\r' <"$T/yard.serial" | sed -n 's/.*baseline: total //p')
	rm -f "$T/n1.img" && disk_new "$T/n1.img" 4G
	arm n1
	machine_start n1 "$T/n1.img"
	machine_end n1 900
	ours=$("$LUCIE" status --state "$T/state" --seconds n1 | awk '$1 == "partition" || $1 == "mount" || $1 == "extrbase" {ms += $2 * 1000} END {printf "%d", ms}')
	echo "$yard" >>"$T/yard.ms"
	echo "$ours" >>"$T/ours"
	echo "run $i: mke2fs + curl | zstd | tar + sync $yard ms; partition + mount + extrbase $ours ms"
done
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
awk -v y="$(median <"$T/yard.ms")" -v o="$(median <"$T/ours")" 'BEGIN {printf "median: yardstick %.1f s, ours %.1f s, ratio %.2f (limit 1.5)\n", y / 1000, o / 1000, o / y}'
