#!/bin/sh
# `init --list` shows exactly the files of modules/: a module that the linker dropped would be missed only on a node. list.sh INIT
set -eu
cd "$(dirname "$0")/../.."
want=$(for f in modules/*.c modules/*.sh; do f=${f##*/}; echo "${f%.*}"; done | sort)
have=$(LUCIE_MODULES=modules "$1" --list | cut -f1)
if [ "$want" != "$have" ]; then
	printf 'FAILED: modules/ has: %s\n  init --list says: %s\n' "$(echo "$want" | tr '\n' ' ')" "$(echo "$have" | tr '\n' ' ')" >&2
	exit 1
fi
echo "ok: init --list equals modules/"
