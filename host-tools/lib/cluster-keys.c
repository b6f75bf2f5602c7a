/* The vocabulary of cluster.conf: which types and keys there are and what form each value has.
 * cluster.conf(5) says what they mean; a new key is one line here and its use. */
#include "host-tools/lib/cluster-internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/nfs-source.h"
#include "init/lib/str.h"

static const struct {
	const char *name, *identity;
} types[TYPE_COUNT] = {
	[TYPE_HOST] = {"host", "host_name"},
	[TYPE_LUCIE_GROUP] = {"lucie_group", "name"},
	[TYPE_HOST_GROUP] = {"host_group", "hostgroup_name"},
	[TYPE_INSTALLER] = {"installer", "name"},
	[TYPE_DISK_LAYOUT] = {"disk_layout", "name"},
	[TYPE_BASE] = {"base", "name"},
	[TYPE_DATASET] = {"dataset", "name"},
	[TYPE_INTERFACE] = {"interface", "name"},
	[TYPE_PACKAGE_SERVER] = {"package_server", "name"},
	[TYPE_SERVICE] = {"service", "name"},
};

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

/* Not empty, at most max bytes, all of them in set. */
static bool consists_of(const char *s, const char *set, size_t max)
{
	size_t n = strlen(s);

	return n && n <= max && strspn(s, set) == n;
}

static bool is_host_name(const char *s)
{
	return consists_of(s, LETTERS DIGITS "-.", 63) && isalnum((unsigned char)s[0]) &&
	       isalnum((unsigned char)s[strlen(s) - 1]) && !strstr(s, "..");
}

static bool is_domain(const char *s)
{
	return consists_of(s, LETTERS DIGITS "-.", 253) && isalnum((unsigned char)s[0]) &&
	       !strstr(s, "..");
}

static bool is_address(const char *s)
{
	struct in_addr a;

	return inet_pton(AF_INET, s, &a) == 1;
}

static bool is_netmask(const char *s)
{
	struct in_addr a;
	uint32_t host_bits;

	if (inet_pton(AF_INET, s, &a) != 1)
		return false;
	host_bits = ~ntohl(a.s_addr);
	return host_bits != UINT32_MAX && !(host_bits & (host_bits + 1));
}

bool cluster_netmask(const struct cluster_object *o, uint32_t *out)
{
	const char *text = cluster_get(o, "subnet");

	return text && is_netmask(text) && cluster_address(text, out);
}

/* FIRST-LAST; that they make sense together cluster-check.c looks at. */
static bool is_address_range(const char *s)
{
	char first[INET_ADDRSTRLEN];
	size_t n = strcspn(s, "-");

	if (!s[n] || n >= sizeof(first))
		return false;
	memcpy(first, s, n);
	first[n] = '\0';
	return is_address(first) && is_address(s + n + 1);
}

static bool is_server(const char *s)
{
	return is_host_name(s) || is_domain(s);
}

static bool is_mac(const char *s)
{
	char mac[MAC_TEXT];
	unsigned char first;

	return !str_to_mac(s, mac) && !str_from_hex((char[3]){mac[0], mac[1]}, &first, 1) &&
	       !(first & 1) && strcmp(mac, "00:00:00:00:00:00");
}

static bool is_register(const char *s)
{
	return !strcmp(s, "0") || !strcmp(s, "1");
}

/* Packages, services: Debian's names are a subset. */
static bool is_package(const char *s)
{
	return consists_of(s, LETTERS DIGITS "+-._:~=", 200) && isalnum((unsigned char)s[0]);
}

static bool is_interface(const char *s)
{
	return consists_of(s, LETTERS DIGITS "-._@", 15) && !is_address(s);
}

static bool is_number(const char *s, uint64_t least, uint64_t most)
{
	uint64_t v;

	return !str_to_u64(s, &v) && v >= least && v <= most;
}

static bool is_port(const char *s)
{
	return is_number(s, 1, 65535);
}

static bool is_mtu(const char *s)
{
	return is_number(s, 68, 65535);
}

static bool is_vlan(const char *s)
{
	return is_number(s, 1, 4094);
}

static bool is_bond_mode(const char *s)
{
	static const char *const modes[] = {"balance-rr", "active-backup", "balance-xor",
					    "broadcast",  "802.3ad",	   "balance-tlb",
					    "balance-alb"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(s, modes[i]))
			return true;
	return false;
}

static bool is_role(const char *s)
{
	return !strcmp(s, "data");
}

static bool is_yes_or_no(const char *s)
{
	return !strcmp(s, "yes") || !strcmp(s, "no");
}

static bool is_on_failure(const char *s)
{
	return !strcmp(s, "shell") || !strcmp(s, "retry") || !strcmp(s, "reboot") ||
	       !strcmp(s, "poweroff");
}

static bool is_at_end(const char *s)
{
	return !strcmp(s, "reboot") || !strcmp(s, "poweroff") || !strcmp(s, "kexec") ||
	       !strcmp(s, "shell");
}

static bool is_web_access(const char *s)
{
	return !strcmp(s, "all") || !strcmp(s, "states") || !strcmp(s, "token");
}

static bool is_boot(const char *s)
{
	return !strcmp(s, "initramfs") || !strcmp(s, "nfsroot");
}

static bool is_nfs_version(const char *s)
{
	return !nfs_version_check(s);
}

static bool is_nfs_path(const char *s)
{
	return !nfs_path_check(s) && !strpbrk(s, "#\"") && s[strlen(s) - 1] != '/';
}

static bool is_word(const char *s)
{
	return *s && !strpbrk(s, " \t") && strlen(s) < 256;
}

static bool is_suite(const char *s)
{
	return consists_of(s, LETTERS DIGITS "-._/", 100) && s[0] != '-';
}

/* [USER@]HOST[:PORT][/PATH]; an IPv6 address stands in brackets. */
static bool has_host(const char *s)
{
	size_t user = strcspn(s, "@/"), n;

	if (s[user] == '@')
		s += user + 1;
	n = *s == '[' ? strcspn(s, "]/") + 1 : strcspn(s, ":/");
	if (!n || (*s == '[' && s[n - 1] != ']'))
		return false;
	if (*s != '[' && strspn(s, LETTERS DIGITS "-._") < n)
		return false;
	s += n;
	n = strcspn(s, "/");
	return !n || (*s == ':' && n > 1 && n < 7 && strspn(s + 1, DIGITS) == n - 1 &&
		      strtoul(s + 1, NULL, 10) - 1 < 65535);
}

static bool is_uri(const char *s)
{
	return is_word(s) &&
	       ((str_starts(s, "http://") && has_host(s + 7)) || (str_starts(s, "file:/") && s[6]));
}

/* Where blobs lie: a machine that serves as the server does, or a folder of any HTTP server. */
static bool is_mirror(const char *s)
{
	return is_server(s) || (is_uri(s) && str_starts(s, "http://") && !strpbrk(s, "?#"));
}

/* A path that no part of is empty, '.' or '..'; or the label of a raw partition. */
static bool is_target(const char *s)
{
	if (str_starts(s, "raw:"))
		return consists_of(s + 4, LETTERS DIGITS "_-.+@/", 16);
	if (s[0] != '/' || strlen(s) >= 512)
		return false;
	while (*s) {
		size_t n = strcspn(++s, "/");

		if (!n || (n <= 2 && strspn(s, ".") == n))
			return false;
		s += n;
	}
	return true;
}

/* Words like tty0, ttyAMA0 or ttyS0,115200n8. */
static bool is_console(const char *s)
{
	if (!consists_of(s, LETTERS DIGITS ", ", 200))
		return false;
	while (*s) {
		size_t driver = strspn(s, LETTERS), number = strspn(s + driver, DIGITS);

		s += driver + number;
		if (!driver || !strchr(", ", *s))
			return false;
		s += strcspn(s, " ");
		s += strspn(s, " ");
	}
	return true;
}

/* crypt(5) with a method that is still good enough, or a locked account. */
static bool is_password_hash(const char *s)
{
	static const char *const methods[] = {"$y$", "$gy$", "$7$", "$2b$", "$6$", "$5$"};

	if (!strcmp(s, "!") || !strcmp(s, "*"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_starts(s, methods[i]))
			return strlen(s) >= 30 && consists_of(s, LETTERS DIGITS "$./=,", 400);
	return false;
}

/* Each % is one of the placeholders. */
static bool has_placeholders(const char *s, const char *allowed)
{
	for (; (s = strchr(s, '%')); s += 2)
		if (!s[1] || !strchr(allowed, s[1]))
			return false;
	return true;
}

static bool is_power_command(const char *s)
{
	const char *slash = strchr(s, '/'); /* in the program: whose folder would it be below? */

	return *s != '%' && strlen(s) < 2048 && has_placeholders(s, "nabc%") &&
	       (*s == '/' || !slash || slash > s + strcspn(s, " \t"));
}

static bool is_luks_key(const char *s)
{
	size_t n = strlen(s);

	return is_word(s) && n >= 8 && n <= 128;
}

static bool is_bmc(const char *s)
{
	return is_word(s) && *s != '-' && has_placeholders(s, "n");
}

#define H     (1U << TYPE_HOST)
#define L     (1U << TYPE_LUCIE_GROUP)
#define G     (1U << TYPE_HOST_GROUP)
#define I     (1U << TYPE_INSTALLER)
#define D     (1U << TYPE_DISK_LAYOUT)
#define B     (1U << TYPE_BASE)
#define T     (1U << TYPE_DATASET)
#define N     (1U << TYPE_INTERFACE)
#define P     (1U << TYPE_PACKAGE_SERVER)
#define S     (1U << TYPE_SERVICE)
#define ALL   ((1U << TYPE_COUNT) - 1)
#define LEVEL (H | G | L) /* where what holds for a host may be said */

#define A_NAME	   "a name of letters, digits, '.', '_' and '-', at most 63 long"
#define AN_ADDRESS "an IPv4 address like 192.168.10.1"

static const struct key_spec keys[] = {
	{"name", ALL, KEY_OWN, str_is_name, A_NAME, 0, NULL},
	{"use", ALL, KEY_OWN | KEY_LIST, str_is_name, "names of templates", 0, NULL},
	{"register", ALL, KEY_OWN, is_register, "0 or 1", 0, NULL},

	{"host_name", H, KEY_OWN, is_host_name,
	 "letters, digits, '-' and '.', at most 63, or one range like cnode[00-31]", 0, NULL},
	{"address", H, 0, is_address, AN_ADDRESS, 0, NULL},
	{"mac_address", H, KEY_LIST, is_mac, "the address of a network card like 00:50:56:40:40:b6",
	 0, NULL},
	{"mac_file", H, KEY_OWN, NULL, "a file of lines 'HOST MAC' or 'MAC'", 0, NULL},
	{"lucie_group", H | G, KEY_REF, str_is_name, "the name of a lucie_group", TYPE_LUCIE_GROUP,
	 NULL},

	{"hostgroup_name", G, KEY_OWN, str_is_name, A_NAME, 0, NULL},
	{"members", G, KEY_LIST, NULL, "host names or ranges like cnode[00-31]", 0, NULL},

	{"domain_name", L, 0, is_domain, "a domain like cluster.example", 0, NULL},
	{"gateway", L | N, 0, is_address, AN_ADDRESS, 0, NULL},
	{"subnet", L | N, 0, is_netmask, "a netmask like 255.255.255.0", 0, NULL},
	{"dns1", L, 0, is_address, AN_ADDRESS, 0, NULL},
	{"dns2", L, 0, is_address, AN_ADDRESS, 0, NULL},
	{"dns3", L, 0, is_address, AN_ADDRESS, 0, NULL},
	{"lucie_server", L, KEY_LIST, is_server, "a host name or an address", 0, NULL},
	{"dhcp_server", L, KEY_LIST, is_server, "a host name or an address", 0, NULL},
	{"http_server", L, KEY_LIST | KEY_URI, is_mirror,
	 "a host name, an address or http://HOST/PATH", 0, NULL},
	{"server_address", L, 0, is_address, AN_ADDRESS, 0, NULL},
	{"http_port", L, 0, is_port, "a port from 1 to 65535", 0, "8077"},
	{"web_access", L, 0, is_web_access, "all, states or token", 0, "states"},
	{"dhcp_interface", L, 0, is_interface, "a network interface like eth0", 0, NULL},
	{"discover_range", L, 0, is_address_range, "FIRST-LAST like 192.168.10.200-192.168.10.249",
	 0, NULL},
	{"nfs_server", L, 0, is_address, AN_ADDRESS, 0, NULL},
	{"nfs_path", L, 0, is_nfs_path, "an absolute path like /srv/nfsroot", 0, NULL},
	{"nfs_version", L, 0, is_nfs_version, "3, 4.1 or 4.2", 0, "4.1"},

	{"services", LEVEL, KEY_LIST, is_package, "names of services", 0, NULL},
	{"installer", LEVEL, KEY_REF, str_is_name, "the name of an installer", TYPE_INSTALLER,
	 "full"},
	{"disk_layout", LEVEL, KEY_REF, str_is_name, "the name of a disk_layout", TYPE_DISK_LAYOUT,
	 "default"},
	{"base", LEVEL, KEY_REF, str_is_name, "the name of a base", TYPE_BASE, "default"},
	{"luks_key", LEVEL, 0, is_luks_key, "8 to 128 characters without blanks", 0, NULL},
	{"root_password", LEVEL, 0, is_password_hash,
	 "a crypt(5) hash as `openssl passwd -6` prints it, or '!'", 0, NULL},
	{"ssh_keys", LEVEL, KEY_LIST | KEY_FILE, NULL, "files of public keys", 0, NULL},
	{"packages", LEVEL | B | S, KEY_LIST, is_package, "names of packages", 0, NULL},
	{"package_server", LEVEL, KEY_LIST | KEY_REF, str_is_name, "the name of a package_server",
	 TYPE_PACKAGE_SERVER, NULL},
	{"datasets", LEVEL, KEY_LIST | KEY_REF, str_is_name, "names of datasets", TYPE_DATASET,
	 NULL},
	{"interfaces", LEVEL, KEY_LIST | KEY_REF, str_is_name, "names of interfaces",
	 TYPE_INTERFACE, NULL},
	{"board", LEVEL, 0, str_is_name, "the name of a board that an image was built for", 0,
	 "pc-x86_64"},
	{"console", LEVEL, 0, is_console, "consoles like tty0 ttyS0,115200", 0,
	 "tty0 ttyS0,115200"},
	{"ntp_server", LEVEL, KEY_LIST, is_server, "a host name or an address", 0, NULL},
	{"keep_machine_id", LEVEL, 0, is_yes_or_no, "yes or no", 0, "no"},
	{"kernel_args", LEVEL, 0, NULL, "kernel arguments", 0, NULL},
	{"files", LEVEL, KEY_FOLDER, NULL,
	 "a folder with default/, group/NAME/ and host/NAME/ in it", 0, NULL},

	{"power_command", LEVEL, 0, is_power_command,
	 "a program (its name or its whole path) and its arguments, with %n, %a, %b, %c or %%", 0,
	 NULL},
	{"bmc", LEVEL, 0, is_bmc, "an address or a name, which may have %n in it", 0, NULL},

	{"modules", I, KEY_LIST, str_is_name, "names of modules in the order in which they run", 0,
	 NULL},
	{"on_failure", I, 0, is_on_failure, "shell, retry, reboot or poweroff", 0, "shell"},
	{"boot", I, 0, is_boot, "initramfs or nfsroot", 0, "initramfs"},
	{"read_only", I, 0, is_yes_or_no, "yes or no", 0, "no"},
	{"break", I, KEY_LIST, str_is_name, "names of modules before which it always holds", 0,
	 NULL},
	{"at_end", I, 0, is_at_end, "reboot, poweroff, kexec or shell", 0, "reboot"},

	{"disk", D, KEY_REPEAT, NULL, "NAME SELECTOR [table=gpt|msdos]", 0, NULL},
	{"partition", D, KEY_REPEAT, NULL, "MOUNT SIZE FILESYSTEM [OPTION...]", 0, NULL},
	{"raid", D, KEY_REPEAT, NULL, "NAME LEVEL MEMBER... [spare=MEMBER,...] [chunk=SIZE]", 0,
	 NULL},
	{"luks", D, KEY_REPEAT, NULL, "NAME MEMBER [key=plan|random|tpm2]", 0, NULL},
	{"vg", D, KEY_REPEAT, NULL, "NAME MEMBER...", 0, NULL},
	{"lv", D, KEY_REPEAT, NULL, "VG NAME MOUNT SIZE FILESYSTEM [OPTION...]", 0, NULL},
	{"filesystem", D, KEY_REPEAT, NULL, "MOUNT DEVICE FILESYSTEM [OPTION...]", 0, NULL},

	{"suite", B | P, 0, is_suite, "a distribution's suite like bookworm", 0, NULL},
	{"kernel", B, 0, is_package, "the name of a kernel package", 0, NULL},
	{"file", B, KEY_FILE, NULL, "a tar file (.tar.gz, .tar.xz, .tar.zst)", 0, NULL},
	{"source", B, KEY_LIST | KEY_URI, is_uri, "http://HOST/FILE or file:/FILE", 0, NULL},

	{"ring", B, 0, is_yes_or_no, "yes or no", 0, "no"},
	{"port", B | T, 0, is_port, "a port from 1 to 65535", 0, NULL},

	{"source", T, KEY_PLACE, NULL, "a file, a folder or a disk of the server", 0, NULL},
	{"target", T, 0, is_target, "an absolute path on the node, or raw:LABEL", 0, NULL},

	{"device", N, 0, is_interface, "what it is called on the node, at most 15 letters", 0,
	 NULL},
	{"address", N, KEY_LIST, NULL, "addresses and ranges, one for each host", 0, NULL},
	{"mac_address", N, KEY_LIST, NULL, "addresses of network cards, one for each host", 0,
	 NULL},
	{"mtu", N, 0, is_mtu, "a number from 68 to 65535", 0, NULL},
	{"vlan", N, 0, is_vlan, "a number from 1 to 4094", 0, NULL},
	{"parent", N, 0, str_is_name, "the name of an interface, or boot", 0, NULL},
	{"bond", N, KEY_LIST, str_is_name, "names of interfaces, boot among them or not", 0, NULL},
	{"bond_mode", N, 0, is_bond_mode,
	 "balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb or balance-alb",
	 0, "active-backup"},
	{"role", N, 0, is_role, "data", 0, NULL},

	{"uri", P, KEY_URI, is_uri, "http://HOST/PATH or file:/PATH", 0, NULL},
	{"components", P, 0, NULL, "components like main contrib", 0, NULL},
	{"key", P, KEY_FILE, NULL, "the file of the repository's public key", 0, NULL},
	{"trusted", P, 0, is_yes_or_no, "yes or no", 0, "no"},
	{"path", P, KEY_FOLDER, NULL, "a folder with a package repository in it", 0, NULL},
};

const char *cluster_type_name(enum cluster_type type)
{
	return types[type].name;
}

int cluster_type_find(const char *name)
{
	for (int t = 0; t < TYPE_COUNT; t++)
		if (!strcmp(types[t].name, name))
			return t;
	return -1;
}

const char *cluster_identity_key(enum cluster_type type)
{
	return types[type].identity;
}

const struct key_spec *cluster_key_at(size_t index)
{
	return index < ARRAY_SIZE(keys) ? &keys[index] : NULL;
}

const struct key_spec *cluster_key(enum cluster_type type, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].types & 1U << type && !strcmp(keys[i].name, key))
			return &keys[i];
	return NULL;
}

bool cluster_is_module_key(const char *key, char *module, size_t len)
{
	const char *dot = strchr(key, '.'), *k;
	size_t n = dot ? (size_t)(dot - key) : 0;

	if (!n || n >= len)
		return false;
	memcpy(module, key, n);
	module[n] = '\0';
	k = dot + 1;
	return str_is_name(module) && *k >= 'a' && *k <= 'z' &&
	       consists_of(k, "abcdefghijklmnopqrstuvwxyz" DIGITS "_", 63);
}
