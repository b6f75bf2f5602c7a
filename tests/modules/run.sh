#!/usr/bin/env bash
# All module tests, or those that are named: tests/modules/run.sh [guard|cut|base|whole]...
set -euo pipefail
cd "$(dirname "$0")"
for t in ${*:-guard cut base whole}; do
	printf '== modules: %s\n' "$t"
	"./$t.sh"
done
