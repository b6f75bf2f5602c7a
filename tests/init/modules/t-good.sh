#!/bin/sh
# module: t-good
# summary: report progress and succeed
. /lib/lucie/module.sh
progress 0 100 "working"
log info "hello from $LUCIE_MODULE on $LUCIE_NODE, greeting ${PLAN_GREETING:-none}"
echo "a line on stdout"
progress 100 100 "working"
exit 0
