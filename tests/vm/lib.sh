# Vocabulary of the VM tests: a site with its server on loopback, and machines of QEMU that boot the real image from it.
# shellcheck shell=bash
#
#	site_new; site_serve; machine_start n1 disk.img; machine_wait n1 'pattern' 120; machine_end n1 60
#
# Everything lives in $T, a new folder; everything started here is ended by pid at exit. A wait that runs out prints what was waited for and the
# last lines of the console, and fails the test. Machines have user networking: the server's loopback is 10.0.2.2 for them.

set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BOARD=${BOARD:-qemu-x86_64}
IMAGES=${IMAGES:-$TOP/out}
LUCIE=$TOP/out/host/bin/lucie
T=$(mktemp -d "${TMPDIR:-/var/tmp}/lucie-vm.XXXXXX")
chmod 755 "$T" # the server has a user of its own
PORT=0
declare -A MACHINE_PID=() MACHINE_DISK=()
SERVE_PID=
PROXY_PID=
SERVERS=() # further processes of a test

cleanup() {
	local status=$? pid
	for pid in "${MACHINE_PID[@]}" $SERVE_PID $PROXY_PID "${SERVERS[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	if [ $status -ne 0 ] && [ -n "${KEEP:-}${CI:-}" ]; then
		for f in "$T"/*.serial "$T/serve.log"; do
			[ -e "$f" ] && { echo "--- ${f##*/}, last lines"; tail -n 25 "$f" | tr -d '\r'; }
		done
	fi
	[ -n "${KEEP:-}" ] && echo "kept: $T" || rm -rf "$T"
	exit $status
}
trap cleanup EXIT

. "$TOP/tests/lib.sh"

# site_new: cluster.conf with one host n1; a test adds to it (site_add) before site_setup.
site_new() {
	PORT=$(free_port)
	mkdir -p "$T/site"
	cat >"$T/site/cluster.conf" <<-EOF
		define lucie_group{
		name           site
		domain_name    example.test
		subnet         255.255.255.0
		gateway        10.0.2.2
		dns1           10.0.2.3
		lucie_server   server.example.test
		server_address 10.0.2.2
		http_port      $PORT
		}
	EOF
}

site_add() { cat >>"$T/site/cluster.conf"; }

# host NAME [LINE...]: a host of the site; MAC and address follow from its number.
host() {
	local name=$1 number=${1//[!0-9]/}
	shift
	{
		printf 'define host{\nhost_name %s\nlucie_group site\naddress 10.0.2.%d\nmac_address %s\nboard %s\nconsole ttyS0\n' \
			"$name" "$((14 + number))" "$(machine_mac "$name")" "$BOARD"
		printf '%s\n' "$@"
		echo '}'
	} | site_add
}

site_setup() { "$LUCIE" setup --conf "$T/site/cluster.conf" --state "$T/state" --images "$IMAGES" >"$T/setup.log" 2>&1 || { cat "$T/setup.log"; fail "lucie setup"; }; }

site_serve() {
	"$LUCIE" serve --state "$T/state" --no-dhcp --bind "${BIND:-127.0.0.1}" --port "$PORT" >>"$T/serve.log" 2>&1 &
	SERVE_PID=$!
	wait_until 10 "the server on port $PORT" server_listens
}
server_listens() { port_listens "$PORT"; }
site_stop() {
	kill "$SERVE_PID"
	wait "$SERVE_PID" || true
	SERVE_PID=
}

# base_add NAME FILE
base_add() { "$LUCIE" base add "$1" "$2" --state "$T/state" >"$T/base.log" 2>&1 || { cat "$T/base.log"; fail "lucie base add $1"; }; }
arm() { "$LUCIE" install --state "$T/state" "$@" >>"$T/install.log" 2>&1 || { cat "$T/install.log"; fail "lucie install $*"; }; }

machine_mac() { printf '52:54:00:00:02:%02x' "${1//[!0-9]/}"; }

# What pxelinux would do: kernel, initrds and command line as in the host's own pxelinux.cfg file (or BOOT_FILE), plus ip= and BOOTIF=.
machine_boot_args() {
	local name=$1 file mac initrds
	mac=$(machine_mac "$name")
	file=$T/state/tftp/pxelinux.cfg/${BOOT_FILE:-01-${mac//:/-}}
	[ -e "$file" ] || fail "no pxelinux file for $name: $file"
	initrds=$(sed -n 's/^[[:blank:]]*INITRD[[:blank:]]*//p' "$file")
	[ -n "$initrds" ] || fail "$name is not armed: $file boots locally"
	: >"$T/$name.initrd"
	local i
	for i in ${initrds//,/ }; do cat "$T/state/tftp/$i" >>"$T/$name.initrd"; done
	KERNEL=$T/state/tftp/$(sed -n 's/^[[:blank:]]*KERNEL[[:blank:]]*//p' "$file")
	APPEND="$(sed -n 's/^[[:blank:]]*APPEND[[:blank:]]*//p' "$file") ip=10.0.2.$((14 + ${name//[!0-9]/})):10.0.2.2:10.0.2.2:255.255.255.0 BOOTIF=01-${mac//:/-}"
}

accel() { if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then echo kvm; else echo tcg; fi; }

# machine_run NAME QEMU-ARGUMENT...: the bare machine; serial to $T/NAME.serial, monitor on a pair of pipes. SERIAL: another way of it.
machine_run() {
	local name=$1
	shift
	rm -f "$T/$name.mon.in" "$T/$name.mon.out"
	mkfifo "$T/$name.mon.in" "$T/$name.mon.out"
	: >"$T/$name.serial"
	timeout -k 5 "${MACHINE_SECONDS:-1500}" qemu-system-x86_64 -accel "$(accel)" -nodefaults -display none -serial "${SERIAL:-file:$T/$name.serial}" \
		-machine "${MACHINE:-pc}" -smp "${CPUS:-1}" -monitor "pipe:$T/$name.mon" -no-reboot "$@" 2>"$T/$name.qemu" &
	MACHINE_PID[$name]=$!
	cat "$T/$name.mon.out" >"$T/$name.monitor" &
}

# no_timer_check: on a busy machine the emulated timer is late, and the kernel would panic before there is a node.
# machine_start NAME DISK [QEMU-ARGUMENT...]: boots the installer. MEMORY in MiB (default 256), NIC and STORAGE as devices,
# NODE_PORT where the node shall find the server at another port; NETDEV another network than QEMU's own; DRIVE another way to DISK.
machine_start() {
	local name=$1 disk=$2
	shift 2
	machine_boot_args "$name"
	APPEND=${APPEND//10.0.2.2:$PORT/10.0.2.2:${NODE_PORT:-$PORT}}
	MACHINE_DISK[$name]=$disk
	machine_run "$name" -cpu max -m "${MEMORY:-256}" -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
		-netdev "${NETDEV:-user,id=n0}" -device "${NIC:-virtio-net-pci},netdev=n0,id=nic0,romfile=,mac=$(machine_mac "$name")" \
		-drive "if=none,id=d0,${DRIVE:-file=$disk,format=raw,cache=unsafe,discard=unmap}" -device "${STORAGE:-virtio-blk-pci},drive=d0,id=disk0,serial=$name-disk" \
		-kernel "$KERNEL" -initrd "$T/$name.initrd" -append "$APPEND no_timer_check ${EXTRA_APPEND:-}" "$@"
}

# machine_boot_disk NAME: the installed machine, without a network card.
machine_boot_disk() {
	local name=$1
	machine_run "$name" -cpu "${DISK_CPU:-Nehalem}" -m "${MEMORY:-512}" -device VGA -object rng-random,filename=/dev/urandom,id=rng \
		-device virtio-rng-pci,rng=rng -nic none -drive "if=none,id=d0,file=${MACHINE_DISK[$name]},format=raw,cache=unsafe" \
		-device "${STORAGE:-virtio-blk-pci},drive=d0,id=disk0,bootindex=0"
}

machine_alive() { kill -0 "${MACHINE_PID[$1]}" 2>/dev/null; }
machine_monitor() { printf '%s\n' "$2" >"$T/$1.mon.in"; }
# No pipe: where grep has found it early, the end of tr would be the result (pipefail).
serial_has() { grep -aqE -- "$2" <(tr -d '\r' <"$T/$1.serial"); }
serve_has() { grep -aqE -- "$1" "$T/serve.log"; }

# machine_wait NAME PATTERN SECONDS: until the console shows it.
machine_wait() {
	local name=$1 pattern=$2 end=$((SECONDS + $3))
	until serial_has "$name" "$pattern"; do
		if ! machine_alive "$name"; then
			sleep 0.3
			serial_has "$name" "$pattern" && return
			tail -n 30 "$T/$name.serial" "$T/$name.qemu" >&2
			fail "$name ended before its console showed '$pattern'"
		fi
		[ $SECONDS -lt $end ] || { tail -n 30 "$T/$name.serial" >&2; fail "waited $3 s for '$pattern' on the console of $name"; }
		sleep 0.2
	done
}

# serve_wait PATTERN SECONDS: until the server's terminal shows it.
serve_wait() { wait_until "$2" "'$1' on the server's terminal" serve_has "$1"; }

# machine_end NAME SECONDS: until it powered off or reset (-no-reboot).
machine_end() {
	local end=$((SECONDS + $2))
	while machine_alive "$1"; do
		[ $SECONDS -lt $end ] || { tail -n 30 "$T/$1.serial" >&2; fail "waited $2 s for $1 to end"; }
		sleep 0.2
	done
	wait "${MACHINE_PID[$1]}" 2>/dev/null || true
	unset "MACHINE_PID[$1]"
}

machine_kill() {
	kill "${MACHINE_PID[$1]}" 2>/dev/null || true
	wait "${MACHINE_PID[$1]}" 2>/dev/null || true
	unset "MACHINE_PID[$1]"
}

disk_new() { truncate -s "$2" "$1"; }
disk_hash() { sha256sum <"$1" | cut -d' ' -f1; }
node_status() { "$LUCIE" status --state "$T/state" "$1"; }

# tar_random FILE MEGABYTES: a base that does not compress, so that an installation of it takes a while.
tar_random() {
	mkdir -p "$T/random/data" "$T/random/sbin"
	: >"$T/random/sbin/init"
	local i
	for i in $(seq "$2"); do head -c 1M /dev/urandom >"$T/random/data/file$i"; done
	tar -C "$T/random" --owner=0 --group=0 --numeric-owner -c . | zstd -q -1 -o "$1"
	rm -rf "$T/random"
}

# tar_bootable FILE MEGABYTES: a base of the board's kernel and busybox, that much noise beside them, which boots to "NAME login:". Its tree stays in
# $T/bootable.
tar_bootable() {
	local root=$T/bootable early=$T/early modules version m
	modules=$(echo "$IMAGES/$BOARD"/nfsroot/lib/modules/*)
	version=${modules##*/}
	mkdir -p "$root"/{bin,boot,data,dev,etc,proc,run,sbin,sys,tmp,usr,var/log} "$early"/{bin,dev,lib,proc,root,sys}
	cp "$TOP/out/busybox/busybox" "$root/bin/busybox"
	cp "$TOP/out/busybox/busybox" "$early/bin/busybox"
	sed 's|.*/||' "$TOP/out/busybox/busybox.links" | while read -r m; do ln -s busybox "$root/bin/$m"; done
	ln -s ../bin "$root/usr/bin"
	cp "$IMAGES/$BOARD/vmlinuz" "$root/boot/vmlinuz-$version"
	echo 'root:*:1:0:99999:7:::' >"$root/etc/shadow"
	printf '%s\n' '#!/bin/busybox sh' 'echo "$(/bin/busybox cat /etc/hostname) login:" >/dev/console' 'exec /bin/busybox sleep 1000' >"$root/sbin/init"
	for m in $(seq "$2"); do head -c 1M /dev/urandom >"$root/data/file$m"; done
	for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
		cp "$(find "$modules" -name "$m.ko")" "$early/lib/"
	done
	cat >"$early/init" <<-'END'
		#!/bin/busybox sh
		b=/bin/busybox
		$b mount -t proc proc /proc
		$b mount -t devtmpfs dev /dev
		for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do $b insmod /lib/$m.ko; done
		wanted=$($b sed 's/.*root=UUID=\([-0-9a-f]*\).*/\1/; s/-//g' /proc/cmdline)
		for p in /dev/vda[0-9]*; do
			found=$($b dd if=$p bs=8 skip=141 count=2 2>/dev/null | $b hexdump -ve '1/1 "%02x"')
			[ "$found" != "$wanted" ] || $b mount -t ext4 -o ro $p /root
		done
		$b mount -t devtmpfs dev /root/dev
		exec $b chroot /root /sbin/init
	END
	chmod 755 "$early/init" "$root/sbin/init"
	(cd "$early" && find . | cpio --quiet -o -H newc -R 0:0 | zstd -q -1 >"$root/boot/initrd.img-$version")
	tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | zstd -q -1 -o "$1"
}

# tar_large FILE: 700 MB unpacked, most of it compressible, with the largest window that `lucie base add` takes.
tar_large() {
	mkdir -p "$T/large/data" "$T/large/sbin"
	: >"$T/large/sbin/init"
	head -c 60M /dev/urandom >"$T/large/data/noise"
	local i
	for i in $(seq 10); do cat "$T/large/data/noise" <(seq 600000) >"$T/large/data/file$i"; done
	tar -C "$T/large" --owner=0 --group=0 --numeric-owner -c . | zstd -q -3 --zstd=wlog=23 -o "$1"
	rm -rf "$T/large"
}

# The base of the demo as `debian`, and `site`, a layout of swap and a root for it.
site_debian() {
	local file=$TOP/out/demo/bases/demo.tar.zst
	[ -e "$file" ] || fail "no base system '$file': make demo-base"
	site_add <<-'EOF'
		define disk_layout{
		name       site
		disk       d1 disk1 table=gpt
		partition  swap  256M swap
		partition  /     1G-  ext4 label=root mount=noatime
		}
		define base{
		name       debian
		}
	EOF
	base_add debian "$file"
}

# An installer that ends the machine, whatever happens, and a layout without room for swap.
site_small() {
	site_add <<-'EOF'
		define installer{
		name       base-only
		modules    init, partition, mount, extrbase
		on_failure poweroff
		at_end     poweroff
		}
		define disk_layout{
		name       one
		disk       d1 disk1 table=gpt
		partition  / 64M- ext4 label=root
		}
		define base{
		name       random
		}
	EOF
}

# fails_with NAME MODULE CONSOLE-PATTERN SECONDS: the machine ends, its console and the server name module and cause, nothing is installed.
fails_with() {
	local name=$1 module=$2 pattern=$3
	machine_wait "$name" "FAILED" "$4"
	machine_end "$name" 180
	serial_has "$name" "$pattern" || { tail -n 30 "$T/$name.serial"; fail "the console does not say '$pattern'"; }
	serve_wait "$name +$module +INSTALLATION FAILED" 30
	serve_has "$pattern" || { tail -n 20 "$T/serve.log"; fail "the server does not say '$pattern'"; }
	! serve_has "$name +.* INSTALLED" || fail "$name is reported as installed"
	! node_status "$name" | grep -q ' installed' || fail "$name has the state installed"
}
