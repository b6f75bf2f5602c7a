/* The power command: its words, its environment, and many of it at once; see power.h. */
#include "host-tools/lib/power.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/modules.h"
#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/proc.h"

#define WORDS_MAX   64
#define THREADS_MAX 256

bool power_is_action(const char *word)
{
	static const char *const actions[] = {"on", "off", "cycle", "status", "pxe"};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(word, actions[i]))
			return true;
	return false;
}

/* --- one call --- */

/* What a call is about; %-placeholders and variables say the same. */
struct call {
	const char *node, *address, *bmc, *action; /* "" where there is none */
	char *words[WORDS_MAX + 1];
	char **environment;
	char last[POWER_TEXT]; /* line of the program */
};

/* %n, %a, %b, %c and %% of a word; cluster.conf's own check let no others through. */
static char *substitute(const struct call *call, const char *word)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	for (; *word; word++) {
		if (*word != '%' || !word[1]) {
			strbuf_addf(&out, "%c", *word);
			continue;
		}
		word++;
		strbuf_adds(&out, *word == 'n'	 ? call->node
				  : *word == 'a' ? call->address
				  : *word == 'b' ? call->bmc
				  : *word == 'c' ? call->action
						 : "%");
	}
	return xstrdup(out.buf ? out.buf : "");
}

static void words_make(struct call *call, const char *command)
{
	_cleanup_free_ char *copy = xstrdup(command);
	char *rest = copy, *word;
	size_t n = 0;

	while (n < WORDS_MAX && (word = str_word(&rest)))
		call->words[n++] = substitute(call, word);
	call->words[n] = NULL;
}

/* That of this process, with the shipped commands found first. */
static void environment_make(struct call *call)
{
	const char *path = getenv("PATH");
	size_t count = 0, n = 0;

	while (environ[count])
		count++;
	call->environment = xcalloc(count + 6, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		if (!str_starts(environ[i], "PATH=") && !str_starts(environ[i], "LUCIE_"))
			call->environment[n++] = xstrdup(environ[i]);
	call->environment[n++] = xasprintf("PATH=%s/power:%s", installation_dir(),
					   path && *path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	call->environment[n++] = xasprintf("LUCIE_NODE=%s", call->node);
	call->environment[n++] = xasprintf("LUCIE_ADDRESS=%s", call->address);
	call->environment[n++] = xasprintf("LUCIE_BMC=%s", call->bmc);
	call->environment[n] = xasprintf("LUCIE_ACTION=%s", call->action);
}

static void list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
}

static void keep_line(const char *line, void *arg)
{
	struct call *call = arg;

	if (!*line)
		return;
	snprintf(call->last, sizeof(call->last), "%s", line);
	str_make_text(call->last);
}

/* 0, or -1 with the reason as text. */
static int call_run(struct call *call, const char *command, unsigned int seconds,
		    char text[POWER_TEXT])
{
	struct proc_options options = {.total_seconds = seconds, .line = keep_line, .arg = call};
	char result[128];
	int ret;

	words_make(call, command);
	environment_make(call);
	options.envp = call->environment;
	ret = call->words[0] ? proc_run(call->words, &options) : -EINVAL;
	if (!ret)
		snprintf(text, POWER_TEXT, "%s", call->last[0] ? call->last : "done");
	else
		snprintf(text, POWER_TEXT, "%s: %s%s%.150s",
			 call->words[0] ? call->words[0] : "power_command",
			 proc_result(ret, &options, result, sizeof(result)),
			 call->last[0] ? ": " : "", call->last);
	list_free(call->words);
	list_free(call->environment);
	free(call->environment);
	return ret ? -1 : 0;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static int node_run(const struct power_order *order, const struct cluster_object *host,
		    char text[POWER_TEXT])
{
	const char *command = cluster_host_get(order->c, host, "power_command");
	struct call names = {.node = host->name, .address = or_empty(cluster_get(host, "address"))};
	_cleanup_free_ char *bmc =
		substitute(&names, or_empty(cluster_host_get(order->c, host, "bmc")));
	int ret = 0;

	if (!command) {
		snprintf(text, POWER_TEXT, "the definition has no power_command for it");
		return -1;
	}
	if (!*bmc && strstr(command, "%b")) {
		snprintf(text, POWER_TEXT, "its power_command wants a bmc, and it has none");
		return -1;
	}
	for (const char *const *action = order->actions; !ret && *action; action++) {
		struct call call = names;

		call.bmc = bmc;
		call.action = *action;
		ret = module_cancelled() ? -1 : call_run(&call, command, order->seconds, text);
	}
	if (module_cancelled())
		snprintf(text, POWER_TEXT, "cancelled");
	return ret;
}

/* --- many of them --- */

struct pool {
	const struct power_order *order;
	const struct cluster_object *const *hosts;
	size_t count;
	pthread_mutex_t lock; /* for all below */
	size_t next, told, failed;
	struct outcome {
		bool done, ok;
		char text[POWER_TEXT];
	} * outcomes;
};

/* Under the lock. */
static void tell(struct pool *p)
{
	for (; p->told < p->count && p->outcomes[p->told].done; p->told++) {
		const struct outcome *o = &p->outcomes[p->told];

		p->order->done(p->hosts[p->told], o->ok, o->text, p->order->arg);
		p->failed += !o->ok;
	}
}

static void *work(void *arg)
{
	struct pool *p = arg;

	for (;;) {
		struct outcome o = {.done = true};
		size_t i;

		pthread_mutex_lock(&p->lock);
		i = p->next < p->count ? p->next++ : p->count;
		pthread_mutex_unlock(&p->lock);
		if (i == p->count)
			return NULL;
		o.ok = !node_run(p->order, p->hosts[i], o.text);
		pthread_mutex_lock(&p->lock);
		p->outcomes[i] = o;
		tell(p);
		pthread_mutex_unlock(&p->lock);
	}
}

size_t power_run(const struct power_order *order, const struct cluster_object *const *hosts,
		 size_t count)
{
	struct pool p = {.order = order, .hosts = hosts, .count = count};
	size_t wanted = order->parallel < count ? order->parallel : count, started = 0;
	pthread_t threads[THREADS_MAX];

	pthread_mutex_init(&p.lock, NULL);
	p.outcomes = xcalloc(count ? count : 1, sizeof(*p.outcomes));
	while (started < wanted && started < THREADS_MAX &&
	       !pthread_create(&threads[started], NULL, work, &p))
		started++;
	if (!started)
		work(&p);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(p.outcomes);
	pthread_mutex_destroy(&p.lock);
	return p.failed;
}
