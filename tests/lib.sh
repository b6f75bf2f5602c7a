# The words of every test script.
# shellcheck shell=bash

pass() { printf 'ok: %s\n' "$*"; }
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}
