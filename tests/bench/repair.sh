#!/usr/bin/env bash
# make bench-repair: a repair of an installed node, from PID 1 to its report, by the guest's own clock as the installation's log has it; RUNS of
# them (medians), and the seconds of each module. The paper's repair took 60 s.
#
#	tests/bench/repair.sh [RUNS]
. "$(dirname "$0")/../vm/lib.sh"
RUNS=${1:-5}

site_new
mkdir -p "$T/site/files/default/etc"
host n1 "installer full" "disk_layout site" "base debian" "kernel_args console=ttyS0"
site_debian
echo 0 >"$T/site/files/default/etc/lucie-class"
site_setup
site_serve
disk_new "$T/n1.img" 1500M

# install VARIANT: ends with a good report; its log is in $LOG.
install() {
	arm n1 --variant "$1"
	machine_start n1 "$T/n1.img"
	machine_end n1 900
	node_status n1 | grep -q '^n1 *installed' || { tail -n 30 "$T/n1.serial"; fail "$1"; }
	LOG=$(ls -td "$T"/state/installs/*/ | head -n 1)log
}
# What PID 1 says first, on the console, and its report, in the log; both are seconds since the start of the kernel.
first_words() { tr -d '\r' <"$T/n1.serial" | sed -nE 's/^.*\[ *([0-9.]+)\] lucie .*/\1/p' | head -n 1; }
report() { awk '$3 == "-" && $4 ~ /^INSTALLED/ { print $2 }' "$LOG"; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

install full
for i in $(seq "$RUNS"); do
	echo "$i" >"$T/site/files/default/etc/lucie-class"
	site_setup
	kill -HUP "$SERVE_PID"
	install repair
	echo "$(first_words) $(report)" >>"$T/runs"
	"$LUCIE" status --state "$T/state" --seconds n1 | tr '\n' ' '
	awk 'END { printf "  PID 1 at %.1f s, report %.2f s later\n", $1, $2 - $1 }' "$T/runs"
done
echo "repair, PID 1 to report, median of $RUNS: $(awk '{ print $2 - $1 }' "$T/runs" | median) s (limit 5)"
