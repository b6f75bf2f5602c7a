#!/usr/bin/env bash
# All module tests, or those that are named, two at a time: tests/modules/run.sh [whole|guard-kinds|guard|cut|keep|layouts|journal|base|variants|sweep]...
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- whole guard-kinds guard cut keep layouts journal base variants sweep
for t; do
	case $t in
	layouts) echo "layouts ./layouts.sh sample" ;; # make soak-layouts runs them all
	*) echo "$t ./$t.sh" ;;
	esac
done | ../lanes.sh 2
