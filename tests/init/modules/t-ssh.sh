#!/bin/sh
# module: t-ssh
# summary: look whether the ssh server still runs
set -eu
. /lib/lucie/module.sh
[ "$(cat "/proc/$(cat /run/lucie/dropbear.pid)/comm")" = dropbear ] || die "dropbear has ended"
log info "dropbear runs"
