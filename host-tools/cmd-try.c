/* lucie try: one node of the definition as a virtual machine on image files, as an ordinary user:
 * the real image, a real plan from a real server, no network but the machine's own (trial.h). With
 * --boot the disk then shows that it comes up by itself.
 *
 * What the server's state says is the truth about the outcome, never that the machine ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/qemu-hardware.h"
#include "host-tools/lib/trial.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define DISKS_MAX     8
#define POLL_MS	      200
#define END_SECONDS   120  /* from a good report to the machine's end */
#define LINGER_MS     3000 /* for the last words of a machine that failed */
#define BOOT_SECONDS  900
#define BANNER_LINES  8
#define CONSOLE_TAIL  ((size_t)4000)
#define GUEST_NETWORK "10.0.2.15:10.0.2.2:10.0.2.2:255.255.255.0"

static const char usage[] =
	"lucie try NODE --disk FILE [--disk FILE...] [OPTION...]\n"
	"  --disk FILE     a disk of the machine; made, sparse, if it is not there\n"
	"  --size SIZE     of a disk that is made (4G)\n"
	"  --conf FILE     the definition (the state directory's)\n"
	"  --state DIR     where base systems, and without --conf the definition, come from "
	"(" DEFAULT_STATE_DIR ")\n"
	"  --images DIR    what `make image` made (as lucie setup)\n"
	"  --variant INSTALLER  of the definition (the host's own)\n"
	"  --wipe          foreign data on FILE may be overwritten\n"
	"  --memory MB     of the machine (512)\n"
	"  --bus BUS       of its disks: virtio, nvme, ahci, ide, scsi (virtio)\n"
	"  --uefi          a machine with UEFI, not a BIOS\n"
	"  --secure-boot   the same with Secure Boot on; --pxe, too\n"
	"  --pxe           boot as from a network card: DHCP, TFTP, pxelinux or shim and GRUB\n"
	"  --boot          then boot FILE without a network until it asks for a login; that leaves "
	"FILE as it is\n"
	"  --timeout S     for the installation (1800)\n"
	"  -v, --verbose   show what is done, and the machine's console\n"
	"  --keep          keep the folder of the trial\n";

struct try_options {
	struct trial_options trial;
	const char *disks[DISKS_MAX];
	size_t disk_count;
	struct qemu_hardware hardware;
	uint64_t size;
	unsigned int memory, timeout;
	bool pxe, boot, keep;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/* --- disks --- */

/* An image file that is there is used as it is; whether its content may be written is for the node
 * to decide. */
static int disk_prepare(const char *file, uint64_t size)
{
	_cleanup_close_ int fd =
		open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return log_err(-errno, "cannot open '%s'", file);
	if (!S_ISREG(st.st_mode))
		return log_err(0, "'%s' is not an image file, and a device is never used here",
			       file);
	if (!st.st_size && ftruncate(fd, (off_t)size))
		return log_err(-errno, "cannot make '%s'", file);
	return 0;
}

/* The machine's own flushes were not passed on, for speed. */
static int disk_sync(const char *file)
{
	_cleanup_close_ int fd = open(file, O_RDWR | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? log_err(-errno, "cannot sync '%s'", file) : 0;
}

static int each_disk(const struct try_options *o, bool before)
{
	int ret = 0;

	for (size_t i = 0; i < o->disk_count && !ret; i++)
		ret = before ? disk_prepare(o->disks[i], o->size) : disk_sync(o->disks[i]);
	return ret;
}

/* --- installation --- */

static int loader_args(const struct trial *t, const struct try_options *o, struct qemu *q)
{
	_cleanup_free_ char *tftp = NULL, *initrd = NULL;
	bool bios = o->hardware.firmware == FIRMWARE_BIOS;
	char card[BOOT_CARD_TEXT];

	if (o->pxe) {
		tftp = trial_tftp(t);
		if (!tftp)
			return -EIO;
		qemu_arg(q, "-netdev");
		qemu_arg(q, "user,id=n0,tftp=%s,bootfile=%s", tftp,
			 bios ? "lpxelinux.0" : "shimx64.efi");
		qemu_arg(q, "-device");
		/* UEFI has a driver of its own; with the card's, shim gets the length of files wrong.
		 */
		qemu_arg(q, "virtio-net-pci,netdev=n0,bootindex=0,mac=%s%s", t->mac,
			 bios ? "" : ",romfile=");
		return 0;
	}
	initrd = trial_initrd(t);
	if (!initrd)
		return -EIO;
	boot_card_name(t->mac, card);
	qemu_arg(q, "-netdev");
	qemu_arg(q, "user,id=n0");
	qemu_arg(q, "-device");
	qemu_arg(q, "virtio-net-pci,netdev=n0,romfile=,mac=%s", t->mac);
	qemu_arg(q, "-kernel");
	qemu_arg(q, "%s/tftp/%s%s", t->dir, t->boot.folder, t->boot.kernel);
	qemu_arg(q, "-initrd");
	qemu_arg(q, "%s", initrd);
	qemu_arg(q, "-append");
	qemu_arg(q, "%s ip=%s BOOTIF=%s", t->boot.args.buf, GUEST_NETWORK, card);
	return 0;
}

static void console_show(struct qemu *q, const char *title)
{
	_cleanup_free_ char *tail = qemu_console_tail(q, CONSOLE_TAIL), *errors = qemu_errors(q);

	fprintf(stderr, "--- %s\n%s\n---\n%s", title, tail ? tail : "", errors ? errors : "");
}

/* Waits until the state says how it went: 0 installed, or -errno (said). */
static int outcome_wait(struct trial *t, const struct try_options *o, struct qemu *q)
{
	int64_t limit = now_ms() + (int64_t)o->timeout * 1000;
	struct state_node node;
	bool running = true;

	for (;;) {
		int ret = state_node(t->site.state, o->trial.node, &node);

		if (ret && ret != -ENOENT)
			return ret;
		if (state_ended_well(&node))
			return 0;
		if (!strcmp(node.status, "failed"))
			return log_err(0, "%s was not installed: %s%s%s", node.name, node.module,
				       node.module[0] ? ": " : "", node.message);
		if (!running)
			return log_err(0, "the machine ended without a report (last module: '%s')",
				       node.module);
		if (!trial_serving(t))
			return log_err(0, "the server of the trial ended");
		if (interrupted)
			return log_err(0, "stopped by a signal");
		if (now_ms() > limit)
			return log_err(-ETIMEDOUT, "no report after %u s (last module: '%s')",
				       o->timeout, node.module);
		running = qemu_running(q); /* one more look at the state after its end */
		if (o->trial.verbose)
			qemu_show(q);
		sleep_ms(POLL_MS);
	}
}

/* A machine that was installed may still write; one that failed may still say why. */
static void machine_end(struct qemu *q, bool installed, bool verbose)
{
	int64_t limit = now_ms() + (installed ? END_SECONDS * 1000 : LINGER_MS);

	while (qemu_running(q) && now_ms() < limit && !interrupted)
		sleep_ms(POLL_MS);
	if (installed && q->pid)
		log_warn("the machine did not end by itself within %d s of its report",
			 END_SECONDS);
	qemu_stop(q);
	if (verbose)
		qemu_show(q);
}

static int install_run(struct trial *t, const struct try_options *o)
{
	char console[PATH_MAX + 16];
	struct qemu q;
	int ret;

	snprintf(console, sizeof(console), "%s/console", t->dir);
	qemu_init(&q, console, o->memory, "max");
	qemu_machine(&q, &o->hardware);
	qemu_disks(&q, &o->hardware, o->disks, o->disk_count);
	ret = loader_args(t, o, &q);
	if (!ret)
		ret = qemu_start(&q);
	if (!ret) {
		ret = outcome_wait(t, o, &q);
		machine_end(&q, !ret, o->trial.verbose);
		if (ret && !o->trial.verbose)
			console_show(&q, "last lines of the machine's console");
	}
	qemu_free(&q);
	return ret;
}

/* --- the installed system --- */

/* The login prompt, with the last lines that came before it. */
static bool banner_print(const char *console, const char *node)
{
	char prompt[80];
	const char *found, *from;

	snprintf(prompt, sizeof(prompt), "\n%s login:", node);
	found = strstr(console, prompt);
	if (!found)
		return false;
	from = found;
	for (int lines = 0; from > console && lines < BANNER_LINES; from--)
		lines += from[-1] == '\n';
	printf("%.*s%s\n", (int)(found - from), from, prompt);
	return true;
}

static bool login_seen(const struct qemu *q, const char *node)
{
	_cleanup_free_ char *tail = qemu_console_tail(q, (size_t)64 << 10);

	return tail && banner_print(tail, node);
}

static int login_wait(struct qemu *q, const struct try_options *o)
{
	int64_t limit = now_ms() + BOOT_SECONDS * 1000;
	bool running = true;

	for (;;) {
		if (o->trial.verbose)
			qemu_show(q);
		if (login_seen(q, o->trial.node))
			return 0;
		if (!running)
			return log_err(0,
				       "the installed machine ended before it asked for a login");
		if (interrupted)
			return log_err(0, "stopped by a signal");
		if (now_ms() > limit)
			return log_err(-ETIMEDOUT, "no '%s login:' on the console after %d s",
				       o->trial.node, BOOT_SECONDS);
		running = qemu_running(q);
		sleep_ms(POLL_MS);
	}
}

/* Some guests stall under TCG with every feature that there is; some disks say nothing without a
 * VGA card. */
static int boot_run(struct trial *t, const struct try_options *o)
{
	char console[PATH_MAX + 16];
	struct qemu q;
	int ret;

	snprintf(console, sizeof(console), "%s/console-boot", t->dir);
	qemu_init(&q, console, o->memory, "Nehalem");
	qemu_machine(&q, &o->hardware);
	qemu_disks(&q, &o->hardware, o->disks, o->disk_count);
	qemu_arg(&q, "-snapshot");
	qemu_arg(&q, "-device");
	qemu_arg(&q, "VGA");
	qemu_arg(&q, "-nic");
	qemu_arg(&q, "none");
	puts("booting the disk, without a network");
	ret = qemu_start(&q);
	if (!ret) {
		ret = login_wait(&q, o);
		qemu_stop(&q);
		if (ret && !o->trial.verbose)
			console_show(&q, "last lines of the installed machine's console");
	}
	qemu_free(&q);
	return ret;
}

/* --- command --- */

static int try_run(struct try_options *o)
{
	char variables[PATH_MAX + 16];
	struct trial t;
	int ret = qemu_hardware_check(&o->hardware);

	if (!ret)
		ret = each_disk(o, true);
	if (ret)
		return ret;
	ret = trial_begin(&t, &o->trial);
	snprintf(variables, sizeof(variables), "%s/uefi-variables", t.dir);
	if (!ret)
		ret = qemu_variables_make(&o->hardware, variables);
	if (!ret)
		ret = install_run(&t, o);
	if (!ret)
		ret = each_disk(o, false);
	if (!ret && o->boot)
		ret = boot_run(&t, o);
	trial_end(&t, o->keep);
	return ret;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

enum {
	OPT_DISK = 1,
	OPT_SIZE,
	OPT_CONF,
	OPT_STATE,
	OPT_IMAGES,
	OPT_VARIANT,
	OPT_WIPE,
	OPT_MEMORY,
	OPT_BUS,
	OPT_UEFI,
	OPT_SECURE_BOOT,
	OPT_PXE,
	OPT_BOOT,
	OPT_TIMEOUT,
	OPT_KEEP,
	OPT_VERBOSE = 'v'
};

/* True: the value is one. */
static bool size_take(struct try_options *o, const char *arg)
{
	return (!str_to_size(arg, &o->size) && o->size) ||
	       !command_bad("--size", arg, "a size, as 4G");
}

static bool bus_take(struct try_options *o, const char *arg)
{
	return qemu_bus_parse(&o->hardware.bus, arg) ||
	       !command_bad("--bus", arg, "virtio, nvme, ahci, ide or scsi");
}

static bool option_take(struct try_options *o, int c, const char *arg)
{
	switch (c) {
	case OPT_DISK:
		if (o->disk_count == DISKS_MAX)
			return !command_bad("--disk", arg, "not so many disks");
		o->disks[o->disk_count++] = arg;
		return true;
	case OPT_SIZE:
		return size_take(o, arg);
	case OPT_CONF:
		o->trial.conf = arg;
		return true;
	case OPT_STATE:
		o->trial.source = arg;
		return true;
	case OPT_IMAGES:
		o->trial.images = arg;
		return true;
	case OPT_VARIANT:
		o->trial.variant = arg;
		return true;
	case OPT_WIPE:
		return o->trial.wipe = true;
	case OPT_MEMORY:
		return !command_number("--memory", arg, 64, 1 << 20, &o->memory);
	case OPT_BUS:
		return bus_take(o, arg);
	case OPT_UEFI:
		if (o->hardware.firmware == FIRMWARE_BIOS)
			o->hardware.firmware = FIRMWARE_UEFI;
		return true;
	case OPT_SECURE_BOOT:
		o->hardware.firmware = FIRMWARE_SECURE_BOOT;
		return o->pxe = true; /* without a boot loader nobody vouches for the kernel */
	case OPT_PXE:
		return o->pxe = true;
	case OPT_BOOT:
		return o->boot = true;
	case OPT_TIMEOUT:
		return !command_number("--timeout", arg, 1, 7 * 86400, &o->timeout);
	case OPT_VERBOSE:
		return o->trial.verbose = true;
	case OPT_KEEP:
		return o->keep = true;
	default:
		return false;
	}
}

static int try_main(int argc, char **argv)
{
	static const struct option options[] = {{"disk", required_argument, NULL, OPT_DISK},
						{"size", required_argument, NULL, OPT_SIZE},
						{"conf", required_argument, NULL, OPT_CONF},
						{"state", required_argument, NULL, OPT_STATE},
						{"images", required_argument, NULL, OPT_IMAGES},
						{"variant", required_argument, NULL, OPT_VARIANT},
						{"wipe", no_argument, NULL, OPT_WIPE},
						{"memory", required_argument, NULL, OPT_MEMORY},
						{"bus", required_argument, NULL, OPT_BUS},
						{"uefi", no_argument, NULL, OPT_UEFI},
						{"secure-boot", no_argument, NULL, OPT_SECURE_BOOT},
						{"pxe", no_argument, NULL, OPT_PXE},
						{"boot", no_argument, NULL, OPT_BOOT},
						{"timeout", required_argument, NULL, OPT_TIMEOUT},
						{"verbose", no_argument, NULL, OPT_VERBOSE},
						{"keep", no_argument, NULL, OPT_KEEP},
						{0}};
	struct try_options o = {.trial.source = DEFAULT_STATE_DIR,
				.size = (uint64_t)4 << 30,
				.memory = 512,
				.timeout = 1800};
	int c, ret;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1)
		if (!option_take(&o, c, optarg))
			return command_help(argv[0]);
	if (optind != argc - 1 || !o.disk_count)
		return command_usage(argv[0]);
	o.trial.node = argv[optind];
	catch_signals();
	ret = try_run(&o);
	if (!ret)
		printf("%s: installed on %s\n", o.trial.node, o.disks[0]);
	return ret ? 1 : 0;
}

COMMAND(try, .summary = "install a node onto an image file in QEMU", .usage = usage,
	.run = try_main);
