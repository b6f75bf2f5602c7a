/* Programs in the target; see target-run.h. The environment is ours alone: nothing of the
 * installer's leaks into package scripts, and none of them may ask a question. */
#include "modules/lib/target-run.h"

#include "init/lib/log.h"
#include "init/lib/proc.h"

#include <errno.h>
#include <stdio.h>

#define SILENCE_SECONDS 300

static char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LC_ALL=C.UTF-8",
	"TERM=dumb",
	"DEBIAN_FRONTEND=noninteractive",
	"DEBCONF_NONINTERACTIVE_SEEN=true",
	"DEBCONF_NOWARNINGS=yes",
	NULL,
};

struct listener {
	const struct target_command *command;
	char reason[TARGET_REASON_MAX], last[TARGET_REASON_MAX];
};

static void hear(const char *line, void *arg)
{
	struct listener *l = arg;

	if (!*line || (l->command->line && l->command->line(line, l->reason, l->command->arg)))
		return;
	snprintf(l->last, sizeof(l->last), "%s", line);
	log_debug("%s", line);
}

int target_run(const char *target, const struct target_command *command)
{
	struct listener l = {.command = command};
	struct proc_options options = {
		.chroot = target,
		.envp = environment,
		.silence_seconds =
			command->silence_seconds ? command->silence_seconds : SILENCE_SECONDS,
		.line = hear,
		.arg = &l,
		.input = command->input,
	};
	int ret = proc_run(command->argv, &options);
	char how[80];

	if (!ret)
		return 0;
	proc_result(ret, &options, how, sizeof(how));
	log_err(0, "'%s' in the target failed (%s)%s%s", command->argv[0], how,
		l.reason[0] || l.last[0] ? ": " : "", l.reason[0] ? l.reason : l.last);
	return ret > 0 ? -EIO : ret;
}
