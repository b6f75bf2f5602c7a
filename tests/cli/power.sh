#!/usr/bin/env bash
# lucie power: the shipped commands against an ipmitool and a Redfish service that are none, placeholders, limits, reasons, exit codes.
# Called by run.sh with the program's path.
set -u
lucie=${1:?program}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service"; rm -rf "$work"' EXIT
cd "$work" || exit 2
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"

mkdir -p bin state/key
python3 "$here/redfish.py" port &
service=$!
for _ in $(seq 100); do [ ! -s port ] || break; sleep 0.1; done

# An ipmitool that remembers: each BMC is a file that says on or off.
cat >bin/ipmitool <<'END'
#!/bin/bash
[ "$1 $2 $3" = "-I lanplus -H" ] || { echo "bad words: $*" >&2; exit 1; }
bmc=$4
shift 4
[ "$1 $2" = "-U admin" ] && shift 2
[ "$bmc" != dead-bmc ] || { echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; exit 1; }
case $* in
'chassis power status') echo "Chassis Power is $(cat "bmc-$bmc" 2>/dev/null || echo off)" ;;
'chassis power on') echo on >"bmc-$bmc"; echo "Chassis Power Control: Up/On" ;;
'chassis power off') echo off >"bmc-$bmc"; echo "Chassis Power Control: Down/Off" ;;
'chassis power cycle') [ "$(cat "bmc-$bmc")" = on ] && echo "Chassis Power Control: Cycle" ;;
'chassis bootdev pxe') echo "Set Boot Device to pxe" ;;
*) echo "bad words: $*" >&2; exit 1 ;;
esac
END
printf '#!/bin/sh\necho "$LUCIE_NODE $LUCIE_ADDRESS $LUCIE_BMC $LUCIE_ACTION: $*"\n' >bin/show
printf '#!/bin/sh\nsleep 30\n' >bin/hangs
chmod +x bin/*
PATH=$work/bin:$PATH

host() { # NAME NUMBER LINE...
	printf 'define host{\nhost_name %s\nuse node\naddress 10.0.0.%d\nmac_address 52:54:00:00:00:%02x\n' "$1" "$2" "$2"
	shift 2
	printf '%s\n' "$@" '}'
}
{
	cat <<-'END'
		define lucie_group{
		name rack
		gateway 10.0.0.254
		subnet 255.255.255.0
		server_address 10.0.0.250
		bmc %n-bmc
		power_command lucie-power-ipmitool -U admin
		}
		define host{
		name node
		register 0
		lucie_group rack
		}
	END
	host n1 1
	host n2 2
	host dead 3
	host red 4 "bmc http://127.0.0.1:$(cat port)" "power_command lucie-power-redfish --netrc-file none"
	host shown 5 "power_command show %n %a %b %c 100%% ; rm -rf"
	host hung 6 "power_command hangs"
	host lost 7 "power_command nosuchcommand %c"
} >state/key/definition
power=("$lucie" power --state state)

goes 2 usage "${power[@]}" n1
goes 2 "'explode' is no action" "${power[@]}" n1 explode
goes 2 "--timeout '0', expected a number" "${power[@]}" --timeout 0 n1 on
goes 0 "n1: off" "${power[@]}" n1 status
goes 0 "n1: Chassis Power Control: Up/On" "${power[@]}" n1 cycle
goes 0 "n1: Chassis Power Control: Cycle" "${power[@]}" n1 cycle
goes 0 $'n1: on\nn2: off' "${power[@]}" n1,n2 status
goes 0 "n2: Set Boot Device to pxe" "${power[@]}" n2 pxe
goes 1 "dead: FAILED: lucie-power-ipmitool: exit code 1: Error: Unable to establish IPMI" "${power[@]}" n1 dead n2 on
goes 0 "n2: on" "${power[@]}" n2 status
goes 0 "shown: shown 10.0.0.5 shown-bmc cycle: shown 10.0.0.5 shown-bmc cycle 100% ; rm -rf" "${power[@]}" shown cycle
goes 1 "hung: FAILED: hangs: not done after 1 s" "${power[@]}" --timeout 1 hung on
goes 1 "lost: FAILED: nosuchcommand: cannot be run: No such file or directory" "${power[@]}" lost on
touch none
goes 0 "red: off" "${power[@]}" red status
goes 0 "red: once from the network" "${power[@]}" red pxe
goes 0 "red: On" "${power[@]}" red cycle
goes 0 "red: ForceRestart" "${power[@]}" red cycle
goes 0 "red: on" "${power[@]}" red status
goes 0 "red: ForceOff" "${power[@]}" red off
goes 1 "red: FAILED" "${power[@]}" --timeout 20 red pxe # it refuses the second one, see redfish.py

# Many at once: each takes 1 s, and in the order of the list.
sed -i 's/hangs$/slow/' state/key/definition
printf '#!/bin/sh\nsleep 1\necho done\n' >bin/slow
chmod +x bin/slow
for i in $(seq 10 29); do host "s$i" "$i" "power_command slow"; done >>state/key/definition
start=$SECONDS
goes 0 $'s28: done\ns29: done' "${power[@]}" --parallel 20 's[10-29]' on
[ $((SECONDS - start)) -lt 15 ] || { echo "FAIL twenty at once took $((SECONDS - start)) s" >&2; failed=1; }

# Ctrl-C ends what runs, and says so of every node.
printf '#!/bin/sh\n: >%s/started\nexec sleep 30\n' "$PWD" >bin/slow
"${power[@]}" hung 's[10-29]' on --parallel 2 >out 2>&1 &
pid=$!
for _ in $(seq 300); do [ ! -e started ] || break; sleep 0.1; done
kill -INT $pid
wait $pid
[ $? = 1 ] && grep -q 'hung: FAILED: cancelled' out && grep -q 's29: FAILED: cancelled' out || { cat out >&2; failed=1; }

[ $failed -eq 0 ] && echo "power: passed"
exit $((failed != 0))
