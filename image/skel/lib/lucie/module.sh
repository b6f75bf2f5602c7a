# shellcheck shell=sh
# The helpers of shell modules: `. /lib/lucie/module.sh` (lucie-module(7)). PID 1 reads descriptor 3 (init/module-process.c).

# progress DONE TOTAL WHAT...: how far the module is, in bytes or steps; TOTAL 0 where it is not known.
progress() {
	_done=$1 _total=$2
	shift 2
	printf 'progress %s %s %s\n' "$_done" "$_total" "$*" >&3
}

# log LEVEL TEXT...: debug (log file), info (server too), warn (console too), error (becomes the reason if the module fails).
log() {
	_level=$1
	shift
	printf '%s\n' "$*" | while IFS= read -r _line; do
		printf 'log %s %s\n' "$_level" "$_line" >&3
	done
}

# host_key TYPE BASE64: the public key of an ssh server that runs from now on; the server keeps it for `lucie ssh`.
host_key() { printf 'host_key %s\n' "$*" >&3; }

# result TEXT...: what came out, one line for the report; the last module that says one counts.
result() { printf 'result %s\n' "$*" >&3; }

# die TEXT...: ends the module with this reason.
die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# fetch URL FILE: an http:// URL, three tries; FILE is whole or not there. What it fetches is not verified: see fetch_blob.
fetch() {
	for _try in 1 2 3; do
		if wget -q -T 30 -O "$2.part" "$1"; then
			mv "$2.part" "$2"
			return
		fi
		log warn "cannot fetch '$1' (try $_try)"
		sleep "$_try"
	done
	rm -f "$2.part"
	die "cannot fetch '$1'"
}

# fetch_blob ROOT FILE: a blob of this site by the root that the plan names; every chunk is verified before it is written.
fetch_blob() {
	/init --fetch-blob "$LUCIE_PLAN" "$1" "$2" 3>&3 || exit 1
}

# in_target COMMAND...: runs a command of the installed system in it, with proc, sys and dev there for so long.
in_target() {
	for _fs in proc sys dev; do
		mkdir -p "$LUCIE_TARGET/$_fs"
		mount --bind "/$_fs" "$LUCIE_TARGET/$_fs" || die "cannot mount /$_fs in the target"
	done
	_status=0
	chroot "$LUCIE_TARGET" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive "$@" 3>&- || _status=$?
	for _fs in dev sys proc; do
		umount "$LUCIE_TARGET/$_fs" 2>/dev/null || umount -l "$LUCIE_TARGET/$_fs"
	done
	return $_status
}
