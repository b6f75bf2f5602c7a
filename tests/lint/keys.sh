#!/usr/bin/env bash
# The vocabulary of cluster.conf is in host-tools/lib/cluster-keys.c. Here: the man page has each key and each type, and the grammars of the
# editors have them all and no others. Called by run.sh in the tree's root; exit 1 if a list is stale.
set -u
src=host-tools/lib/cluster-keys.c man=docs/man/cluster.conf.5 vim=docs/editors/vim/syntax/lucie.vim
vscode=docs/editors/vscode/syntaxes/lucie.tmLanguage.json
fail=0

same() { # WHERE WORDS OTHER-WORDS: the two lists are the same, and not empty
	local difference
	difference=$(diff <(printf '%s\n' "$2" | sort -u) <(printf '%s\n' "$3" | sort -u) | grep '^[<>]')
	[ -n "$2" ] && [ -z "$difference" ] && return
	printf 'lint: %s: words differ from %s (<: missing, >: unknown):\n%s\n' "$1" "$src" "$difference" >&2
	fail=1
}

keys=$(sed -n 's/^\t{"\([a-z0-9_]*\)", .*/\1/p' $src)
types=$(sed -n 's/^\t\[TYPE_[A-Z_]*\] = {"\([a-z_]*\)", .*/\1/p' $src)

same $man "$keys" "$(sed -n 's/^\.It Ic \(.*\)/\1/p' $man | sed 's/ Ar .*//' | tr -d ' ' | tr ',' '\n')"
while read -r type; do
	grep -q "^\.Ss ${type^}$" $man || { echo "lint: $man: no section about '$type'" >&2; fail=1; }
done <<< "$types"
same $vim "$keys" "$(sed -n 's/^syn keyword lucieKey contained //p' $vim | tr ' ' '\n')"
same $vim "$types" "$(sed -n 's/^syn keyword lucieType contained //p' $vim | tr ' ' '\n')"
same $vscode "$keys" "$(sed -n '/"variable.other.key.lucie"/s/.*(\([a-z0-9_|]*\)).*/\1/p' $vscode | tr '|' '\n')"
same $vscode "$types" "$(sed -n '/"entity.name.type.lucie"/s/.*(\([a-z0-9_|]*\)).*/\1/p' $vscode | tr '|' '\n')"

exit $fail
