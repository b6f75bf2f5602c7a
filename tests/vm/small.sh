#!/usr/bin/env bash
# A machine with 128 MB installs a base of 700 MB (unpacked; what zstd's largest allowed window can need): memory does not depend on the size.
. "$(dirname "$0")/lib.sh"

site_new
site_small
host n1 "installer base-only" "disk_layout one" "base random"
tar_large "$T/random.tar.zst"
base_add random "$T/random.tar.zst"
site_setup
site_serve
disk_new "$T/n1.img" 2G
arm n1
MEMORY=128 machine_start n1 "$T/n1.img"
machine_end n1 900
serve_wait 'n1 +.* INSTALLED' 10
pass "128 MB of memory, base of $(($(stat -c %s "$T/random.tar.zst") >> 20)) MiB compressed"
