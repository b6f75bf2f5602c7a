#!/usr/bin/env bash
# `lucie fmt` on every definition of the tests: what is in its canonical form stays as it is, and -w writes only what changes. Called
# by run.sh with the program's path.
set -u
lucie=${1:?program}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$(dirname "$0")" || exit 2
failed=0
complain() { echo "FAIL fmt: $*" >&2; failed=$((failed + 1)); }

for conf in fmt/*.conf check/*.conf plan/*.conf ../../docs/examples/*.conf; do
	"$lucie" fmt "$conf" > "$work/once" 2> /dev/null || continue
	"$lucie" fmt "$work/once" > "$work/twice" || complain "$conf: its canonical form has errors"
	cmp -s "$work/once" "$work/twice" || complain "$conf: the canonical form changes"
done

cd "$work" || exit 2
printf 'define host{\nhost_name n1\n}\n' > plain
chmod 640 plain
ln -s plain link
[ "$("$lucie" fmt -w link)" = "wrote link" ] || complain "-w does not write"
[ "$(cat plain)" = $'define host{\n\thost_name n1\n}' ] || complain "-w writes something else"
[ -L link ] && [ "$(stat -c %a plain)" = 640 ] || complain "-w changes more than the text"
touch -d '2001-01-01' plain
[ -z "$("$lucie" fmt plain -w)" ] && [ "$(stat -c %Y plain)" = "$(date -d 2001-01-01 +%s)" ] || complain "-w writes what did not change"
printf 'define host{\n  host_name n1\n' > broken
"$lucie" fmt -w broken 2> /dev/null && complain "errors are no failure"
[ "$(cat broken)" = $'define host{\n  host_name n1' ] || complain "-w writes what has errors"
"$lucie" fmt -x 2> /dev/null
[ $? -eq 2 ] || complain "an unknown option is no wrong usage"

[ "$failed" -eq 0 ]
