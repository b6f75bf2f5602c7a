# The words of every test script.
# shellcheck shell=bash
#
#	in_namespaces --net "$@"      first: runs the script again in namespaces of its own; without root where the kernel allows that
#	work_folder lucie-server      $T, which is gone at exit, with all that PIDS names; after a failure the logs in it are shown
#	wait_until 10 "the server" port_listens "$PORT"

pass() { printf 'ok: %s\n' "$*"; }
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# in_namespaces FLAGS-OF-UNSHARE ARGUMENT...: the number is its own, which unshare keeps; what lingers in somebody's environment must not let a
# test change the machine itself.
in_namespaces() {
	local how=(unshare)
	[ "${LUCIE_INSIDE:-}" != $$ ] || { PATH=$PATH:/usr/sbin:/sbin; return 0; }
	[ "$(id -u)" -eq 0 ] || how+=(--user --map-root-user)
	# shellcheck disable=SC2206 # several flags
	how+=($1)
	LUCIE_INSIDE=$$ exec "${how[@]}" -- "$0" "${@:2}"
}

PIDS=() # what runs beside the test

# work_folder NAME: a test may have a function at_exit for what else it has to undo.
work_folder() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
	chmod 755 "$T" # dnsmasq and the server have users of their own
	trap clean_up EXIT
}

clean_up() {
	local status=$?
	trap - EXIT
	[ ${#PIDS[@]} -eq 0 ] || kill "${PIDS[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	[ $status -eq 0 ] || tail -n 40 "$T"/*.log 2>/dev/null | cut -c1-200 || true
	! declare -F at_exit >/dev/null || at_exit
	rm -rf "$T"
	exit $status
}

# ends PID: it is told to, and its exit code is this one's.
ends() {
	local pid kept=() status=0
	for pid in "${PIDS[@]}"; do [ "$pid" = "$1" ] || kept+=("$pid"); done
	PIDS=("${kept[@]}")
	kill "$1"
	wait "$1" || status=$?
	return $status
}

# wait_until SECONDS WHAT COMMAND...: polls; a bounded wait that says what it waited for.
wait_until() {
	local seconds=$1 what=$2 end
	shift 2
	end=$((SECONDS + seconds))
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited $seconds s for $what"
		sleep 0.2
	done
}

port_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# is_there ADDRESS: a machine is at work there, for it refuses a port that nobody has.
is_there() { [[ $(timeout 3 bash -c "exec 3<>/dev/tcp/$1/9" 2>&1) == *refused* ]]; }

# free_port: a TCP port of loopback that nobody listens on.
free_port() {
	local p
	for p in $(shuf -i 20000-32000 -n 50); do
		port_listens "$p" || { echo "$p"; return; }
	done
	fail "no free port"
}

# --- for tests that go on after a failure: exit with $((failed != 0))

failed=0

# goes CODE WORDS COMMAND...: its exit code, and words that its output has ("" for any)
goes() {
	local code=$1 words=$2 got out
	shift 2
	out=$(timeout 120 "$@" 2>&1)
	got=$?
	if [ "$got" -ne "$code" ] || [[ $out != *"$words"* ]]; then
		printf 'FAIL %s\n  exit %s, expected %s with "%s"; it said:\n%s\n' "$*" "$got" "$code" "$words" "$out" >&2
		failed=$((failed + 1))
	fi
}

is() { # WHAT COMMAND...: must succeed
	local what=$1
	shift
	"$@" || { echo "FAIL $what" >&2; failed=$((failed + 1)); }
}
