#!/usr/bin/env bash
# The house rules that a machine can check (CONTRIBUTING.md): layers, formatting, shell, names that do not belong into the tree.
# Prints each violation with its place; exit 1 if there is one.
set -u
cd "$(dirname "$0")/../.." || exit 2
fail=0
complain() { printf 'lint: %s\n' "$*" >&2; fail=1; }

# A folder may include only from the layers below it.
layer() { # FOLDER-GLOB ALLOWED-REGEX
	local hits
	hits=$(git grep -nE '^#include "' -- "$1" | grep -vE "#include \"($2)" || true)
	[ -z "$hits" ] || complain "include from a layer above:"$'\n'"$hits"
}
layer 'init/lib/*.[ch]' 'init/lib/'
layer 'modules/lib/*.[ch]' 'init/lib/|ring/|modules/lib/'
layer 'modules/[a-z-]*.c' 'init/lib/|init/module\.h|ring/|modules/lib/'
layer 'init/[a-z-]*.[ch]' 'init/|ring/'
layer 'host-tools/*.[ch]' 'init/lib/|init/module\.h|ring/|modules/lib/|host-tools/'

# Node code neither exits nor runs a shell string.
hits=$(git grep -nE '\b(system|popen)\(' -- '*.c' '*.h' || true)
[ -z "$hits" ] || complain "shell strings:"$'\n'"$hits"
hits=$(git grep -nE '(^|[^_a-z])exit\(' -- 'init/lib/*.c' 'modules/*.c' 'ring/*.c' || true)
[ -z "$hits" ] || complain "exit() in library or module code:"$'\n'"$hits"

# A file says in its first line what it is.
while read -r f; do
	head -1 "$f" | grep -q '^/\*' || complain "$f: does not begin with a comment that says what it is"
done < <(git ls-files '*.c' '*.h')

# No name of a package mirror or registry, no local path.
hits=$(git grep -nIiE '(deb|security|archive|ports|snapshot|ftp)\.(debian|ubuntu)\.(org|com)|registry\.npmjs' -- . ':!tests/lint/run.sh' || true)
[ -z "$hits" ] || complain "a mirror's name:"$'\n'"$hits"

# Formatting.
if command -v clang-format >/dev/null; then
	while read -r f; do
		clang-format --dry-run --Werror "$f" 2>/dev/null || complain "$f: not formatted as .clang-format says (clang-format -i)"
	done < <(git ls-files '*.c' '*.h')
else
	complain "clang-format is missing (make deps-check)"
fi

# Shell.
if command -v shellcheck >/dev/null; then
	mapfile -t scripts < <(git ls-files '*.sh' '.ci/run')
	shellcheck -x -S warning "${scripts[@]}" || complain "shellcheck"
else
	complain "shellcheck is missing (make deps-check)"
fi

# Man pages.
if command -v mandoc >/dev/null; then
	mapfile -t pages < <(git ls-files 'docs/man/*.[1-8]')
	[ "${#pages[@]}" -eq 0 ] || mandoc -Tlint -W warning "${pages[@]}" || complain "mandoc"
	# A list behind one .Ql is one quotation, or one in the other; after '|' the hyphens of .Fl are not doubled.
	for page in "${pages[@]}"; do
		hits=$(mandoc -Tutf8 "$page" | sed 's/.\x08//g' | tr -s '\n ' ' ' | grep -oE "‘[^’]*‘[^’]*’|[[| ] -[a-z]{2,}[] ]")
		[ -z "$hits" ] || complain "$page: quotes or hyphens:"$'\n'"$hits"
	done
else
	complain "mandoc is missing (make deps-check)"
fi

# The words of cluster.conf in the man page and the editors' grammars.
tests/lint/keys.sh || fail=1

[ $fail -eq 0 ] && echo "lint: clean"
exit $fail
