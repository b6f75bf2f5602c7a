/* Installations as JSON; see install-json.h. lucie(1) lists the fields. */
#include "host-tools/lib/install-json.h"

#include "host-tools/lib/json-out.h"

const char *install_result(const struct state_install *i)
{
	if (i->ended)
		return i->ok ? event_outcome(i->message) : "failed";
	return i->latest ? "running" : "superseded";
}

json_t *install_json(const struct state_install *i)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "install",
			 json_text(i->id), "node", json_text(i->node), "variant",
			 json_text(i->variant), "mac", json_text(i->mac), "result",
			 install_result(i), "begun", json_time(i->begun), "ended",
			 json_time(i->ended), "module", json_text(i->module), "message",
			 json_text(i->message));
}

void install_json_module(const struct event *e, int64_t at, void *list)
{
	(void)at;
	if (e->kind == EVENT_END)
		json_array_append_new(list,
				      json_pack("{s:o, s:b, s:f}", "module", json_text(e->module),
						"ok", e->ok, "seconds", (double)e->millis / 1000));
}
