#!/bin/sh
# module: t-hang
# summary: give no sign of life
# silence: 3
. /lib/lucie/module.sh
progress 1 10 "sleeping"
trap '' TERM
sleep 1000 &
sleep 1000
while :; do sleep 1000; done
