/* dolly: the ring by itself (dolly(1)). `dolly send` is the master, `dolly recv` a node; the exit
 * code is 0 only when everything is verified. Command line only; the work is ring_send() and
 * ring_recv().
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "ring/dolly-config.h"
#include "ring/dolly-output.h"
#include "ring/ring.h"

#define CONFIG_MAX ((size_t)8 << 20)
#define HELP_SHOWN (-1)

static atomic_bool interrupted;

static const char usage[] =
	"usage: dolly send [-p PORT] [-n NODES] [--hosts FILE] [--json] [-k KEYFILE] PATH...\n"
	"       dolly recv [-p PORT] [-k KEYFILE] MASTER[:PORT] DEST\n"
	"  -p, --port PORT          to listen on (send: 9998; recv: any)\n"
	"  -k, --key FILE           shared key: nobody without it can join or inject\n"
	"  -i, --interface NAME     card or address for the data\n"
	"      --pool MB            memory for chunks (16 to 64; default: an eighth of the RAM)\n"
	"      --wait SECONDS       for missing nodes, or for the master (30)\n"
	"      --config FILE        of the older dolly: paths and hosts from it\n"
	"  -q, --quiet              no progress\n"
	"send only:\n"
	"  -n, --nodes NODES        end when so many have reported (else: when interrupted)\n"
	"      --hosts FILE         the order, a name or address on each line\n"
	"      --json               events as JSON lines on the standard output\n"
	"      --detect SECONDS     a node silent for so long is dropped (2)\n"
	"      --chunk-timeout SECONDS  or one that takes nothing for so long (10)\n"
	"      --buffer PERCENT     of the pool that waits for a node before it may be slow (1)\n"
	"      --slow PERCENT       of the rate before it: moved to the end; 0: never (75)\n"
	"recv only:\n"
	"      --name NAME          instead of the host's name\n"
	"      --root HEX           take only the content with this BLAKE3 root\n";

enum {
	OPT_HOSTS = 256,
	OPT_JSON,
	OPT_CONFIG,
	OPT_WAIT,
	OPT_POOL,
	OPT_DETECT,
	OPT_CHUNK,
	OPT_BUFFER,
	OPT_SLOW,
	OPT_NAME,
	OPT_ROOT
};

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},
	{"nodes", required_argument, NULL, 'n'},
	{"key", required_argument, NULL, 'k'},
	{"interface", required_argument, NULL, 'i'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"hosts", required_argument, NULL, OPT_HOSTS},
	{"json", no_argument, NULL, OPT_JSON},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"wait", required_argument, NULL, OPT_WAIT},
	{"pool", required_argument, NULL, OPT_POOL},
	{"detect", required_argument, NULL, OPT_DETECT},
	{"chunk-timeout", required_argument, NULL, OPT_CHUNK},
	{"buffer", required_argument, NULL, OPT_BUFFER},
	{"slow", required_argument, NULL, OPT_SLOW},
	{"name", required_argument, NULL, OPT_NAME},
	{"root", required_argument, NULL, OPT_ROOT},
	{NULL, 0, NULL, 0},
};

struct dolly {
	struct ring_send send;
	struct ring_recv recv;
	struct dolly_config config;
	struct dolly_output output;
	bool sending, has_config;
	char *hosts_text;
	char **hosts;
};

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&interrupted, true);
}

static bool is_interrupted(void)
{
	return atomic_load(&interrupted);
}

static int bad_usage(const char *fmt, const char *what)
{
	fputs("dolly: ", stderr);
	fprintf(stderr, "%s '%s'\n", fmt, what);
	fputs(usage, stderr);
	return 2;
}

static int take_number(const char *text, uint64_t max, uint64_t *out)
{
	return str_to_u64(text, out) || *out > max ? -EINVAL : 0;
}

/* "2", "0.5": milliseconds. */
static int take_seconds(const char *text, uint32_t *out)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= 1000000))
		return -EINVAL;
	*out = (uint32_t)(v * 1000);
	return 0;
}

static int read_hosts(struct dolly *d, const char *path)
{
	int ret = file_read(path, CONFIG_MAX, &d->hosts_text, NULL);
	char *rest = d->hosts_text, *word;
	size_t n = 0, cap = 0;

	if (ret)
		return log_err(ret, "cannot read the hosts '%s'", path);
	while ((word = str_word(&rest))) {
		if (n == cap) {
			char **grown = realloc(d->hosts, (cap = cap * 2 + 64) * sizeof(*grown));

			if (!grown)
				return log_err(-ENOMEM, "cannot read the hosts '%s'", path);
			d->hosts = grown;
		}
		d->hosts[n++] = word;
	}
	if (!n)
		return log_err(-EINVAL, "no host in '%s'", path);
	d->send.hosts = d->hosts;
	d->send.host_count = n;
	return 0;
}

static int read_config(struct dolly *d, const char *path)
{
	_cleanup_free_ char *text = NULL;
	char why[160];
	size_t len;
	int ret = file_read(path, CONFIG_MAX, &text, &len);

	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	ret = dolly_config_parse(&d->config, text, len, why, sizeof(why));
	if (ret)
		return log_err(0, "%s: %s", path, why);
	d->has_config = true;
	d->send.paths = &d->config.infile;
	d->send.path_count = 1;
	d->send.hosts = d->config.clients;
	d->send.host_count = d->send.nodes = d->config.count;
	d->recv.master = d->config.server;
	d->recv.dest = d->config.outfile;
	return 0;
}

/* Options of both; 1: not one of them. */
static int take_common(struct dolly *d, int option, const char *value)
{
	struct ring_common *c = d->sending ? &d->send.common : &d->recv.common;
	uint64_t n;

	switch (option) {
	case 'p':
		if (take_number(value, 65535, &n) || !n)
			return -EINVAL;
		c->port = (uint16_t)n;
		return 0;
	case 'k':
		return ring_key_read(&c->key, value);
	case 'i':
		c->interface = value;
		return 0;
	case 'q':
		d->output.quiet = true;
		return 0;
	case OPT_POOL:
		if (take_number(value, 64, &n) || n < 16)
			return -EINVAL;
		c->pool_bytes = (size_t)n << 20;
		return 0;
	case OPT_CONFIG:
		return read_config(d, value);
	case OPT_WAIT:
		return take_seconds(value, d->sending ? &d->send.wait_ms : &d->recv.wait_ms);
	default:
		return 1;
	}
}

static int take_send(struct dolly *d, int option, const char *value)
{
	struct ring_send *s = &d->send;
	uint64_t n;
	int ret = 0;

	switch (option) {
	case 'n':
		ret = take_number(value, RING_ID_MAX, &n);
		s->nodes = (size_t)n;
		return ret;
	case OPT_HOSTS:
		return read_hosts(d, value);
	case OPT_JSON:
		d->output.json = true;
		return 0;
	case OPT_DETECT:
		ret = take_seconds(value, &s->detect_ms);
		return s->detect_ms < 100 || s->detect_ms > 3600000 ? -EINVAL : ret;
	case OPT_CHUNK:
		return take_seconds(value, &s->chunk_ms);
	case OPT_BUFFER:
	case OPT_SLOW:
		if (take_number(value, 100, &n))
			return -EINVAL;
		*(option == OPT_SLOW ? &s->slow_percent : &s->buffer_percent) = (uint32_t)n;
		return 0;
	default:
		return 1;
	}
}

static int take_recv(struct dolly *d, int option, const char *value)
{
	switch (option) {
	case OPT_NAME:
		d->recv.name = value;
		return ring_name_is_safe(value) && strlen(value) < RING_NAME_MAX ? 0 : -EINVAL;
	case OPT_ROOT:
		d->recv.has_root = true;
		return str_from_hex(value, d->recv.root, sizeof(d->recv.root));
	default:
		return 1;
	}
}

static int take_options(struct dolly *d, int argc, char **argv)
{
	int option, ret;

	while ((option = getopt_long(argc, argv, "p:n:k:i:qh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return HELP_SHOWN;
		}
		if (option == '?') {
			fputs(usage, stderr);
			return 2;
		}
		ret = take_common(d, option, optarg);
		if (ret == 1)
			ret = d->sending ? take_send(d, option, optarg)
					 : take_recv(d, option, optarg);
		if (ret == 1)
			return bad_usage("not an option here:", argv[optind - 1]);
		if (ret)
			return *log_last_error()
				       ? 1
				       : bad_usage("not a value for this option:", optarg);
	}
	return 0;
}

static int run_send(struct dolly *d, int argc, char **argv)
{
	if (argc && d->has_config)
		return bad_usage("a path beside --config:", argv[0]);
	if (!argc && !d->has_config)
		return bad_usage("nothing to", "send");
	if (argc) {
		d->send.paths = argv;
		d->send.path_count = (size_t)argc;
	}
	d->send.event = dolly_output_event;
	d->send.arg = &d->output;
	d->send.common.cancelled = is_interrupted;
	return ring_send(&d->send) ? 1 : 0;
}

static int run_recv(struct dolly *d, int argc, char **argv)
{
	if (argc > 0)
		d->recv.master = argv[0];
	if (argc > 1)
		d->recv.dest = argv[1];
	if (argc > 2 || !d->recv.master || !d->recv.dest)
		return bad_usage("needs a master and a destination:", "recv");
	d->recv.progress = dolly_output_received;
	d->recv.arg = &d->output;
	d->recv.common.cancelled = is_interrupted;
	return ring_recv(&d->recv) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct dolly d = {.output.terminal = isatty(STDERR_FILENO)};
	int ret;

	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 2 || (strcmp(argv[1], "send") && strcmp(argv[1], "recv"))) {
		fputs(usage, stderr);
		return 2;
	}
	d.sending = !strcmp(argv[1], "send");
	ring_send_defaults(&d.send);
	ring_recv_defaults(&d.recv);
	log_set_sink(dolly_output_log, &d.output);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	argc--;
	argv++;
	ret = take_options(&d, argc, argv);
	if (ret == HELP_SHOWN)
		ret = 0;
	else if (!ret)
		ret = d.sending ? run_send(&d, argc - optind, argv + optind)
				: run_recv(&d, argc - optind, argv + optind);
	dolly_output_end(&d.output);
	dolly_config_free(&d.config);
	free(d.hosts);
	free(d.hosts_text);
	return ret;
}
