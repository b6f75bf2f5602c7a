#!/bin/sh
# module: rescue
# summary: end a rescue
# after: init remotelogin mount
# needs: mount
#
# The installer `rescue` holds before this module, with everything mounted read-only, a shell on the console and an ssh server. It runs when
# somebody has let the node go on, and there is nothing to be done then but to say so.
set -eu
. /lib/lucie/module.sh

result "rescued: nothing was written"
