#!/usr/bin/env bash
# The power goes at every single write of partition: the next boot has to be allowed to finish the job, without a wipe being armed.
# shellcheck source=tests/modules/lib.sh disable=SC2034 # TABLE and LAYOUT are read there
. "$(dirname "$0")/lib.sh"

for TABLE in gpt msdos; do
	disk_new 480M
	cuts "a blank disk, $TABLE" 193
	disk_new 480M
	plan_new
	run partition
	disk_drop
	cuts "our disk, $TABLE" 193
done
# from one kind of table to the other
TABLE=gpt
disk_new 480M
plan_new
run partition
disk_drop
cuts "our disk, torn writes" 193 torn
TABLE=msdos
cuts "our disk, gpt to msdos, torn writes" 193 torn
