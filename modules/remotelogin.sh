#!/bin/sh
# module: remotelogin
# summary: let who has a key log in over ssh while the node is installed
# after: init
#
# Starts dropbear, which goes on beside the modules that follow and ends with the installation. Its program is in the archive
# remotelogin.img, which only nodes load whose installer runs this module. The host key is made here, lives as long as this boot, and the
# server hears its public half in an event: so `lucie ssh` knows the node. Plan key: ssh_key *, from the definition's ssh_keys.
set -eu
. /lib/lucie/module.sh

key=/run/lucie/ssh_host_key
pid=/run/lucie/dropbear.pid

[ -n "${PLAN_SSH_KEY:-}" ] || die "the plan has no ssh_key: nobody could log in"
[ -x /sbin/dropbear ] || die "/sbin/dropbear is missing: the archive remotelogin.img was not loaded"

mkdir -p /root/.ssh /etc
chmod 700 /root /root/.ssh
printf '%s\n' "$PLAN_SSH_KEY" >/root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
echo 'root:x:0:0:root:/root:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
cat >/etc/motd <<END
$LUCIE_NODE is being installed by Lucie ($LUCIE_INSTALL). Its future root is in $LUCIE_TARGET, the log in /run/lucie/log;
lucie-continue lets it go on where it holds before a module.
END

[ -s "$key" ] || /sbin/dropbearkey -t ed25519 -f "$key" >/dev/null 2>&1 || die "cannot make a host key"
public=$(/sbin/dropbearkey -y -f "$key" | sed -n 's/^\(ssh-ed25519 [A-Za-z0-9+\/=]*\).*/\1/p')
[ -n "$public" ] || die "the host key '$key' cannot be read"

# Its second run, after a failure, finds the server as it was.
runs() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
if ! runs; then
	rm -f "$pid"
	/sbin/dropbear -p 22 -r "$key" -P "$pid" 3>&- || die "dropbear does not start"
	for _ in 1 2 3 4 5; do runs && break; sleep 1; done
	runs || die "dropbear has ended at once"
fi
host_key "$public"
log info "ssh is open for $(grep -c . /root/.ssh/authorized_keys) keys"
