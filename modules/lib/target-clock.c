/* See target-clock.h. */
#include "modules/lib/target-clock.h"

#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/target.h"

static const struct {
	const char *program, *file;
	const char *head;	  /* first line, "" for none */
	const char *line, *after; /* around each server */
	const char *gap;	  /* between two servers */
} programs[] = {
	{"/lib/systemd/systemd-timesyncd", "/etc/systemd/timesyncd.conf.d/lucie.conf",
	 "[Time]\nNTP=", "", "", " "},
	{"/usr/sbin/chronyd", "/etc/chrony/sources.d/lucie.sources", "", "server ", " iburst",
	 "\n"},
	{"/usr/sbin/ntpd", "/etc/ntpsec/ntp.d/lucie.conf", "", "server ", " iburst", "\n"},
};

static int write_servers(const char *target, const struct plan_section *section, size_t i)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	bool first = true;

	strbuf_adds(&text, programs[i].head);
	plan_for_each (line, section, "ntp_server") {
		strbuf_addf(&text, "%s%s%s%s", first ? "" : programs[i].gap, programs[i].line,
			    line->value, programs[i].after);
		first = false;
	}
	strbuf_adds(&text, "\n");
	return text.error ? log_err(text.error, "cannot write '%s'", programs[i].file)
			  : target_write(target, programs[i].file, text.buf, text.len, 0644);
}

int target_clock(const char *target, const struct plan_section *section)
{
	unsigned int found = 0;
	int ret = 0;

	if (!plan_get(section, "ntp_server"))
		return 0;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(programs); i++)
		if (target_exists(target, programs[i].program)) {
			found++;
			ret = write_servers(target, section, i);
		}
	if (!ret && !found)
		log_warn(
			"the base system has none of systemd-timesyncd, chrony and ntpsec: nothing "
			"keeps its clock right");
	return ret;
}
