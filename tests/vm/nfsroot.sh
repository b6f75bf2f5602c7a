#!/usr/bin/env bash
# Nodes whose root is over NFS, from nfs-ganesha with the configuration that `lucie setup` wrote. The server comes later than two nodes, which
# wait for it and run a module over NFS 3. Then a program and a driver are added to the folder: without anything being built or set up again, one of
# them sees both at its next boot, over NFS 4.1, while another node installs. With `all`: three nodes install over each version.
#
# As root, in a network and mount namespace of its own: nfs-ganesha opens files by handle, and version 3 wants a portmapper.
#
#	tests/vm/nfsroot.sh [all]
if [ -z "${LUCIE_NFS_INSIDE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "FAILED: nfs-ganesha needs root to open files by handle" >&2; exit 1; }
	LUCIE_NFS_INSIDE=1 exec unshare --net --mount -- "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

mount -t tmpfs tmpfs /run # rpcbind's socket
ip link set lo up

start_portmapper() {
	PATH=$PATH:/usr/sbin rpcbind -f -w 2>"$T/rpcbind.log" &
	SERVERS+=($!)
	wait_until 10 "the portmapper" port_listens 111
}

# The nodes come from QEMU, so for the server from loopback.
start_nfs_server() {
	mkdir "$T/recovery"
	sed 's,Clients = [^;]*,Clients = 127.0.0.1,' "$T/state/fragments/ganesha.conf" >"$T/exports.conf"
	cat >"$T/ganesha.conf" <<-EOF
		NFS_CORE_PARAM { Protocols = 3, 4; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }
		NFSV4 { Graceless = true; Grace_Period = 1; Lease_Lifetime = 10; Only_Numeric_Owners = true; UseGetpwnam = true; RecoveryBackend = fs_ng; RecoveryRoot = $T/recovery; }
		%include $T/exports.conf
	EOF
	ganesha.nfsd -F -f "$T/ganesha.conf" -L "$T/ganesha.log" -p "$T/ganesha.pid" >"$T/ganesha.out" 2>&1 &
	SERVERS+=($!)
	wait_until 30 "the NFS server" nfs_server_ends_or_serves
	grep -q 'NFS SERVER INITIALIZED' "$T/ganesha.log" || { cat "$T/ganesha.log"; fail "the NFS server did not start"; }
}

nfs_server_ends_or_serves() { grep -qs "NFS SERVER INITIALIZED" "$T/ganesha.log" || ! kill -0 "${SERVERS[-1]}" 2>/dev/null; }

version() { # 3 | 4.1: what nodes speak from now on
	sed -i "s/^nfs_version.*/nfs_version    $1/" "$T/site/cluster.conf"
	site_setup
	kill -HUP "$SERVE_PID"
}

boot_node() { # NAME INSTALLER
	[ -e "$T/$1.img" ] || disk_new "$T/$1.img" 1G
	arm "$1" --variant "$2"
	machine_start "$1" "$T/$1.img"
}

installed() { # NAME VERSION TIMES: it ended, with success for so many times, on a root of that version
	machine_end "$1" 300
	serial_has "$1" "root over NFS $2: 10.0.2.2:$T/state/nfsroot/$BOARD" || { tail -n 30 "$T/$1.serial"; fail "$1 has no root over NFS $2"; }
	[ "$(serve_count "$1")" -ge "$3" ] || { tail -n 30 "$T/$1.serial" "$T/serve.log"; fail "$1 did not report success"; }
}
serve_count() { grep -acE "$1 +.* INSTALLED" "$T/serve.log" || true; }

site_new
sed -i 's/^dns1.*/nfs_version    3/' "$T/site/cluster.conf"
site_small
for node in n1 n2 n3; do host $node "installer look" "disk_layout one" "base random"; done
site_add <<'EOF'
define installer{
name       look
modules    init, nfscheck
on_failure poweroff
at_end     poweroff
boot       nfsroot
}
define installer{
name       whole
modules    init, nfscheck, partition, mount, extrbase
on_failure poweroff
at_end     poweroff
boot       nfsroot
}
EOF
mkdir "$T/site/modules"
cat >"$T/site/modules/nfscheck.sh" <<'EOF'
#!/bin/sh
# module: nfscheck
# summary: what a root over NFS is made of
# after: init
. /lib/lucie/module.sh
grep -q '^overlay / overlay rw' /proc/mounts || die "the root is no overlay: $(grep ' / ' /proc/mounts)"
echo written >/etc/written || die "the root cannot be written"
modprobe dummy || die "no module of the kernel that the board did not choose"
if [ -x /usr/bin/site-tool ]; then log warn "the program: $(/usr/bin/site-tool)"; else log warn "no program"; fi
if modprobe site-driver; then log warn "the driver is loaded: $(grep -c '^virtio_balloon ' /proc/modules)"; else log warn "no driver"; fi
EOF
tar_random "$T/random.tar.zst" 4
base_add random "$T/random.tar.zst"
site_setup
site_serve
start_portmapper

if [ "${1:-}" = all ]; then
	start_nfs_server
	rounds=0
	for v in 3 4.1; do
		version $v
		rounds=$((rounds + 1))
		for node in n1 n2 n3; do boot_node $node whole; done
		for node in n1 n2 n3; do installed $node $v $rounds; done
		pass "three nodes installed over NFS $v"
	done
	exit 0
fi

boot_node n2 look
boot_node n3 look
machine_wait n2 "cannot mount the root '10.0.2.2:$T/state/nfsroot/$BOARD' \(NFS 3, port 2049\): " 120
machine_wait n2 'try 1 of 10 failed, again in 5 s' 10
start_nfs_server
installed n2 3 1
installed n3 3 1
for node in n2 n3; do
	{ serial_has $node 'no program' && serial_has $node 'no driver'; } || fail "$node has seen what is not there"
done
pass "two nodes over NFS 3, that waited for the server; a module loaded that lies only there"

root=$T/state/nfsroot/$BOARD
mkdir -p "$root/usr/bin"
printf '#!/bin/sh\necho made by the site\n' >"$root/usr/bin/site-tool"
chmod +x "$root/usr/bin/site-tool"
# Under this name no index knows it; by itself it says that it needs virtio.
cp "$root"/lib/modules/*/kernel/drivers/virtio/virtio_balloon.ko "$(echo "$root"/lib/modules/*/extra)/site-driver.ko"
version 4.1
boot_node n1 whole
boot_node n2 look
installed n2 4.1 2
serial_has n2 'the program: made by the site' || { tail "$T/n2.serial"; fail "n2 does not see the program"; }
serial_has n2 'the driver is loaded: 1' || { tail "$T/n2.serial"; fail "n2 has not loaded the driver"; }
pass "a program and a driver that were added are there at the next boot, over NFS 4.1"
installed n1 4.1 1
pass "a node installed over NFS 4.1"

site_setup
[ -x "$root/usr/bin/site-tool" ] || fail "setup removed what the administrator added"
pass "setup leaves alone what is the administrator's"
