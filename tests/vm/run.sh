#!/usr/bin/env bash
# The VM tests, two at a time (a machine uses one processor), longest first; each one's output is shown as a whole when it ends.
#
#	tests/vm/run.sh [NAME...]
set -u
cd "$(dirname "$0")" || exit 2
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
names=${*:-"install demo ring faults nfsroot refuse-plan try remotelogin pc matrix soak-server refuse-disk identity discover uefi figure-3 small"}

one() { # NAME: its output and, as the last line, exit code and seconds
	local name=$1 start=$SECONDS script=("./$1.sh") status=0
	[ "$name" != demo ] || script=(../demo/demo.sh)
	[ "$name" != matrix ] || script=(./matrix.sh sample)
	[ "$name" != soak-server ] || export RUNS=${RUNS:-2}
	"${script[@]}" >"$T/$name.out" 2>&1 </dev/null || status=$?
	echo "$status $((SECONDS - start))" >"$T/$name.end"
}

# show NAME: its lines at once, so that those of two tests do not mix
show() {
	local status seconds
	read -r status seconds <"$T/$1.end"
	printf '\n--- %s: exit %d, %d s\n' "$1" "$status" "$seconds"
	cat "$T/$1.out"
	[ "$status" -eq 0 ] || failed="$failed $1"
}

failed=
lanes=${LANES:-2}
shown=
for name in $names; do
	while [ "$(jobs -rp | wc -l)" -ge "$lanes" ]; do wait -n; done
	for n in $names; do
		case " $shown " in *" $n "*) continue ;; esac
		[ ! -e "$T/$n.end" ] || { show "$n"; shown="$shown $n"; }
	done
	one "$name" &
done
wait
for n in $names; do
	case " $shown " in *" $n "*) ;; *) show "$n" ;; esac
done
[ -z "$failed" ] || { printf '\nFAILED:%s\n' "$failed"; exit 1; }
