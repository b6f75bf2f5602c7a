/* Nodes without machines, for tests of the server and for storms. They speak the protocol of PID 1:
 * requests, verification of what comes back, events in order with the installation's code, and
 * trying again.
 *
 *	sim-nodes --server URL --mac MAC --site-key FILE [--nonce HEX] [--fail MODULE] [--repeat]
 *		[--plan-only] [--no-blobs]
 *	sim-nodes --server URL --mac FIRST --site-key FILE --nodes N [--seconds S] [--at-once N]
 *		[--ledger FILE]
 *
 * One node installs: it fetches what its plan names. --fail reports that MODULE failed; --repeat
 * sends every batch of events twice; --plan-only prints the plan and ends. Exit: 0 what was meant to
 * happen happened and every event is acknowledged, 1 not, 3 the server refused a plan (its reason is
 * printed).
 *
 * Many nodes, each with an address of its own (127.0.0.0/8) and the address of a network card after
 * the one before, get their plans, at most --at-once at a time; when all have one, each reports once
 * a second for S seconds, on a new connection each time, and then that it is installed. Latencies
 * are printed; the ledger gets "INSTALLATION LAST-SEQ KEPT-EVENTS" of each.
 */
#include "tests/bench/sim.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/log.h"

void sim_nonce(char nonce[2 * NONCE_LEN + 1])
{
	uint8_t raw[NONCE_LEN];

	seal_random(raw, sizeof(raw));
	str_to_hex(raw, sizeof(raw), nonce);
}

void sim_plan_request(struct strbuf *out, const char *mac, const char *nonce,
		      const struct box_keys *keys)
{
	char key[2 * BOX_KEY_LEN + 1];

	str_to_hex(keys->public_key, BOX_KEY_LEN, key);
	strbuf_addf(out,
		    "{\"mac\": \"%s\", \"nonce\": \"%s\", \"key\": \"%s\", \"inventory\": "
		    "{\"ram\": 268435456, \"cpus\": 1, "
		    "\"disks\": [{\"name\": \"vda\", \"bytes\": 4294967296, \"serial\": \"\", "
		    "\"model\": \"simulated\"}]}}",
		    mac, nonce, key);
}

int sim_plan_take(struct plan *plan, struct strbuf *text, const void *sealed, size_t len,
		  const struct box_keys *keys, const char *nonce,
		  const uint8_t site_public[SITE_PUBLIC_LEN])
{
	const char *echo;
	char why[256];
	int ret = plan_open(text, sealed, len, keys, site_public);

	if (ret)
		return log_err(ret, "the plan");
	ret = plan_parse(plan, text->buf, text->len, why, sizeof(why));
	if (ret)
		return log_err(ret, "the plan: %s", why);
	echo = plan_head(plan, "nonce");
	if (!echo || strcmp(echo, nonce) != 0)
		return log_err(-EBADMSG, "the plan has another nonce");
	return 0;
}

enum { SERVER = 256, MAC, SITE_KEY, NONCE, FAIL, NODES, SECONDS, AT_ONCE, LEDGER };

static int number(const char *text, unsigned int *out)
{
	uint64_t n;

	if (str_to_u64(text, &n) || !n || n > 1000000)
		return log_err(-EINVAL, "'%s' is not a number from 1 to 1000000", text);
	*out = (unsigned int)n;
	return 0;
}

static int take_option(struct sim_options *o, int c)
{
	switch (c) {
	case SERVER:
		o->server = optarg;
		return 0;
	case MAC:
		o->mac = optarg;
		return 0;
	case SITE_KEY:
		if (!site_public_read(optarg, o->site_public))
			return 0;
		return log_err(-EINVAL, "cannot read the site key '%s'", optarg);
	case NONCE:
		o->nonce = optarg;
		return 0;
	case FAIL:
		o->fail = optarg;
		return 0;
	case NODES:
		return number(optarg, &o->nodes);
	case SECONDS:
		return number(optarg, &o->seconds);
	case AT_ONCE:
		return number(optarg, &o->at_once);
	case LEDGER:
		o->ledger = optarg;
		return 0;
	default:
		return c == '?' ? -EINVAL : 0; /* a flag is set already */
	}
}

static int parse(struct sim_options *o, int argc, char **argv)
{
	int repeat = 0, plan_only = 0, no_blobs = 0, c;
	const struct option options[] = {{"server", required_argument, NULL, SERVER},
					 {"mac", required_argument, NULL, MAC},
					 {"site-key", required_argument, NULL, SITE_KEY},
					 {"nonce", required_argument, NULL, NONCE},
					 {"fail", required_argument, NULL, FAIL},
					 {"nodes", required_argument, NULL, NODES},
					 {"seconds", required_argument, NULL, SECONDS},
					 {"at-once", required_argument, NULL, AT_ONCE},
					 {"ledger", required_argument, NULL, LEDGER},
					 {"repeat", no_argument, &repeat, 1},
					 {"plan-only", no_argument, &plan_only, 1},
					 {"no-blobs", no_argument, &no_blobs, 1},
					 {0}};

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take_option(o, c))
			return -EINVAL;
	o->repeat = repeat;
	o->plan_only = plan_only;
	o->no_blobs = no_blobs;
	return o->server && o->mac && optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct sim_options options = {.seconds = 10, .at_once = 100};

	log_set_program("sim-nodes");
	if (seal_init())
		return 1;
	if (parse(&options, argc, argv)) {
		fputs("usage: see the start of tests/bench/sim-nodes.c\n", stderr);
		return 2;
	}
	return options.nodes ? sim_many(&options) : sim_one(&options);
}
