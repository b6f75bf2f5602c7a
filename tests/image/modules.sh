#!/usr/bin/env bash
# `init --list` names the files in modules/, C and shell, neither more nor less: a module that the linker dropped would be missed by nobody else.
set -euo pipefail
cd "$(dirname "$0")/../.."
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
for f in modules/*.c modules/*.sh; do f=${f##*/}; echo "${f%.*}"; done | sort >"$T/files"
LUCIE_MODULES=modules out/node/init --list | cut -f1 >"$T/listed"
diff "$T/files" "$T/listed" || { echo "FAILED: init --list (>) and modules/ (<) differ" >&2; exit 1; }
echo "ok: init --list names the $(wc -l <"$T/files") files in modules/"
