#!/usr/bin/env bash
# make bench-boot: from the start of the kernel to the first module, against the same kernel with a bare static init, in one run.
#
#	tests/bench/boot.sh [RUNS]
#
# Interleaved runs, medians of the guest's own clock (CLOCK_BOOTTIME; ours as the installation's log has it), and their ratio. Address from ip= as pxelinux passes it.
# On q35: on the older machine `pc` ACPI needs 0.15 s under TCG for the interrupt of each virtio device, which the bare init has none of.
export MACHINE=${MACHINE:-q35}
. "$(dirname "$0")/../vm/lib.sh"
RUNS=${1:-5}

mkdir -p "$T/bare"
"$TOP/out/sysroot/bin/musl-gcc" -static -no-pie -Os -Wl,--gc-sections -s "$TOP/tests/bench/bare-init.c" -o "$T/bare/init"
mkdir "$T/bare/dev"
(cd "$T/bare" && printf '%s\n' . dev init | cpio --quiet -o -H newc | xz --check=crc32 >"$T/bare.img")
echo "bare init: $(stat -c %s "$T/bare/init") bytes, image $(stat -c %s "$T/bare.img") bytes; ours: $(stat -c %s "$IMAGES/$BOARD/initramfs.img") bytes"

site_new
host n1 "installer probe"
site_add <<'EOF'
define installer{
name    probe
modules init
at_end  poweroff
on_failure poweroff
}
EOF
site_setup
site_serve
disk_new "$T/n1.img" 64M

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
: >"$T/bare.ms"
: >"$T/ours.ms"
for i in $(seq "$RUNS"); do
	machine_run bare -cpu max -m 256 -kernel "$IMAGES/$BOARD/vmlinuz" -initrd "$T/bare.img" -append "console=ttyS0 quiet rootfstype=ramfs panic=30"
	machine_wait bare 'bare-init: [0-9]+ ms' 60
	machine_end bare 30
	bare=$(sed -n 's/.*bare-init: \([0-9]*\) ms.*/\1/p' "$T/bare.serial")
	arm n1
	machine_start n1 "$T/n1.img"
	machine_end n1 120
	ours=$(awk '$3 == "init" && $4 == "begins" {printf "%d", $2 * 1000}' "$(ls -td "$T"/state/installs/*/ | head -n 1)log")
	[ -n "$ours" ] || fail "the installation's log does not show the first module"
	echo "$bare" >>"$T/bare.ms"
	echo "$ours" >>"$T/ours.ms"
	echo "run $i: bare $bare ms, first module $ours ms"
done
awk -v bare="$(median <"$T/bare.ms")" -v ours="$(median <"$T/ours.ms")" \
	'BEGIN {printf "kernel start to: bare init %d ms, first module %d ms, ratio %.2f (limit 1.3)\n", bare, ours, ours / bare}'
