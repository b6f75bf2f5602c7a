#!/usr/bin/env bash
# The guard: foreign data on a disk is reported and not one byte of the disk changes; --wipe is good for one plan.
. "$(dirname "$0")/lib.sh"

site_new
site_small
host n1 "installer base-only" "disk_layout one" "base random"
tar_random "$T/random.tar.zst" 8
base_add random "$T/random.tar.zst"
site_setup
site_serve

refused() { # WHAT PATTERN
	local before
	before=$(disk_hash "$T/n1.img")
	arm n1
	machine_start n1 "$T/n1.img"
	fails_with n1 partition "$2" 120
	[ "$(disk_hash "$T/n1.img")" = "$before" ] || fail "$1: the disk was written"
	pass "$1: refused, not one byte changed"
}

disk_new "$T/n1.img" 300M
mkfs.ext4 -q -F -L precious "$T/n1.img"
refused "an ext4 file system" 'vda.*ext4'

rm "$T/n1.img" && disk_new "$T/n1.img" 300M
printf 'label: gpt\nsize=100M\n' | sfdisk -q "$T/n1.img"
refused "a foreign partition table" 'vda.*gpt'

rm "$T/n1.img" && disk_new "$T/n1.img" 300M
printf 'raw data of a database' | dd of="$T/n1.img" conv=notrunc status=none
refused "raw data without any signature" 'vda.*(data|zero)'

: >"$T/serve.log"
arm n1 --wipe
machine_start n1 "$T/n1.img"
machine_end n1 240
serve_wait 'n1 +.* INSTALLED' 30
pass "--wipe: installed"

# The stamp is our own now: a second installation needs no wipe.
: >"$T/serve.log"
arm n1
machine_start n1 "$T/n1.img"
machine_end n1 240
serve_wait 'n1 +.* INSTALLED' 30
pass "our own stamp: installed again without --wipe"

: >"$T/serve.log"
printf 'label: gpt\nsize=50M\nsize=50M\n' | sfdisk -q --force "$T/n1.img"
refused "somebody partitioned the disk anew after us" 'vda'
