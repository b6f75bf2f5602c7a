#!/bin/sh
# module: hello
# summary: leave a greeting in the installed system
# after: extrbase configure
# needs: mount
#
# An example of a shell module (lucie-module(7)): writes /etc/motd.d/10-lucie of the target. Its plan key, from a definition's line
# `hello.greeting TEXT`, is greeting.
set -eu
. /lib/lucie/module.sh

greeting=${PLAN_GREETING:-Welcome}
file=$LUCIE_TARGET/etc/motd.d/10-lucie

progress 0 2 "writing the greeting"
mkdir -p "${file%/*}"
printf '%s to %s, installed by Lucie (%s)\n' "$greeting" "$LUCIE_NODE" "$LUCIE_VARIANT" >"$file"
log info "wrote /etc/motd.d/10-lucie"

progress 1 2 "asking the installed system who it is"
if [ -x "$LUCIE_TARGET/bin/cat" ]; then
	log info "the target greets: $(in_target cat /etc/motd.d/10-lucie)"
fi
progress 2 2 "done"
