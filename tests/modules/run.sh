#!/usr/bin/env bash
# All module tests, or those that are named: tests/modules/run.sh [guard|cut|keep|journal|base|whole]...
set -euo pipefail
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- guard cut keep journal base whole
for t; do
	printf '== modules: %s\n' "$t"
	"./$t.sh"
done
