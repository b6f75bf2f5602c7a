#!/usr/bin/env bash
# All module tests, or those that are named, two at a time: tests/modules/run.sh [whole|guard-kinds|guard|cut|keep|journal|base|variants]...
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- whole guard-kinds guard cut keep journal base variants
for t; do echo "$t ./$t.sh"; done | ../lanes.sh 2
