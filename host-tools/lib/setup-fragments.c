/* Files for the system's own services, below the generation's fragments/; `lucie setup --enable`
 * links those that belong on this machine (fragments.c). */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "host-tools/lib/dnsmasq.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* What the processes of serve need: ports below 1024 and raw sockets (dnsmasq), a user of its own
 * for dnsmasq, a mount namespace in which the site's key is not (serve-confine.c). */
static const char hardening[] =
	"CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETUID "
	"CAP_SETGID CAP_SETPCAP CAP_SYS_ADMIN CAP_KILL CAP_CHOWN CAP_DAC_OVERRIDE "
	"CAP_DAC_READ_SEARCH CAP_FOWNER\n"
	"NoNewPrivileges=yes\nProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\n"
	"ProtectKernelTunables=yes\nProtectKernelModules=yes\nProtectKernelLogs=yes\n"
	"ProtectControlGroups=yes\nProtectClock=yes\nProtectHostname=yes\nRestrictRealtime=yes\n"
	"RestrictSUIDSGID=yes\nLockPersonality=yes\nMemoryDenyWriteExecute=yes\n"
	"SystemCallArchitectures=native\nRestrictNamespaces=mnt user\n"
	"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET\n";

static int write_unit(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return log_err(-EIO, "cannot find this program");
	self[n] = '\0';
	strbuf_adds(&text, "# Written by lucie setup, and again by the next one.\n[Unit]\n"
			   "Description=Lucie: installs the nodes of a cluster\n"
			   "Documentation=man:lucie(1)\n"
			   "After=network-online.target\nWants=network-online.target\n\n");
	strbuf_addf(&text, "[Service]\nExecStart=%s serve --state %s\n", self, s->dir);
	strbuf_adds(&text,
		    "ExecReload=/bin/kill -HUP $MAINPID\nKillMode=mixed\nRestart=on-failure\n"
		    "RestartSec=2\nLimitNOFILE=65536\n\n");
	strbuf_addf(&text, "ReadWritePaths=%s\n%s", s->dir, hardening);
	strbuf_adds(&text, "\n[Install]\nWantedBy=multi-user.target\n");
	return text.error
		       ? text.error
		       : setup_obeyed(s, "fragments/lucie-serve.service", text.buf, text.len, 0644);
}

int setup_fragments(struct setup *s)
{
	int ret = write_unit(s);

	if (!ret)
		ret = setup_rendering(s, "fragments/dhcpd.conf", dhcp_foreign_isc);
	return ret ? ret : setup_rendering(s, "fragments/kea-dhcp4.conf", dhcp_foreign_kea);
}
