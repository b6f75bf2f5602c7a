/* Parser of the kernel command line; see cmdline.h. Pure. */
#include "init/lib/cmdline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int copy_value(char *out, size_t size, const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n >= size || !str_is_text(value, n))
		return -EINVAL;
	memcpy(out, value, n + 1);
	return 0;
}

static int on_server(struct cmdline *c, char *value)
{
	size_t n = strlen(value);

	if (c->server_count == CMDLINE_SERVERS_MAX || !str_starts(value, "http://") || n < 8)
		return -EINVAL;
	if (value[n - 1] == '/')
		value[n - 1] = '\0';
	if (copy_value(c->servers[c->server_count], CMDLINE_VALUE_MAX, value))
		return -EINVAL;
	c->server_count++;
	return 0;
}

static int on_plan(struct cmdline *c, char *value)
{
	return *value == '/' ? copy_value(c->plan_file, sizeof(c->plan_file), value) : -EINVAL;
}

static int on_break(struct cmdline *c, char *value)
{
	if (c->break_count == CMDLINE_BREAKS_MAX || !str_is_name(value))
		return -EINVAL;
	return copy_value(c->breaks[c->break_count++], sizeof(c->breaks[0]), value);
}

/* "01-aa-bb-cc-dd-ee-ff": hardware type and address. */
static int on_bootif(struct cmdline *c, char *value)
{
	return str_starts(value, "01-") ? str_to_mac(value + 3, c->bootif) : -EINVAL;
}

/* CLIENT:NEXT:GATEWAY:NETMASK[:...]; a word without ':' ("dhcp") asks for no fixed address. */
static int on_ip(struct cmdline *c, char *value)
{
	struct in_addr a[4] = {0};

	if (!strchr(value, ':'))
		return 0;
	for (int i = 0; i < 4 && value; i++) {
		char *end = strchr(value, ':');

		if (end)
			*end++ = '\0';
		if (*value && inet_pton(AF_INET, value, &a[i]) != 1)
			return -EINVAL;
		value = end;
	}
	if (!a[0].s_addr || !a[3].s_addr)
		return -EINVAL;
	c->address = a[0];
	c->next_server = a[1];
	c->gateway = a[2];
	c->netmask = a[3];
	c->has_address = true;
	return 0;
}

static int on_nfsroot(struct cmdline *c, char *value)
{
	return nfs_source_parse(&c->nfsroot, value);
}

static const struct {
	const char *key;
	int (*take)(struct cmdline *c, char *value);
} words[] = {
	{"lucie.server=", on_server}, {"lucie.plan=", on_plan}, {"lucie.break=", on_break},
	{"BOOTIF=", on_bootif},	      {"ip=", on_ip},		{"lucie.nfsroot=", on_nfsroot},
};

static void parse_word(struct cmdline *c, char *word)
{
	char shown[64];

	if (!strcmp(word, "lucie.shell")) {
		c->shell = true;
		return;
	}
	if (!strcmp(word, "lucie.discover")) {
		c->discover = true;
		return;
	}
	snprintf(shown, sizeof(shown), "%s", word);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_starts(word, words[i].key))
			continue;
		if (words[i].take(c, word + strlen(words[i].key)) && !*c->wrong)
			snprintf(c->wrong, sizeof(c->wrong), "'%s' cannot be used", shown);
		return;
	}
	if (str_starts(word, "lucie.") && !*c->wrong)
		snprintf(c->wrong, sizeof(c->wrong), "'%s' is not known", shown);
}

void cmdline_parse(struct cmdline *c, const char *text, size_t len)
{
	char copy[CMDLINE_MAX], *rest = copy, *word;

	*c = (struct cmdline){0};
	if (len >= sizeof(copy)) {
		snprintf(c->wrong, sizeof(c->wrong), "what comes after byte %d is not read",
			 CMDLINE_MAX - 1);
		len = sizeof(copy) - 1;
	}
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	while ((word = str_word(&rest)))
		parse_word(c, word);
	str_make_text(c->wrong);
}

bool cmdline_breaks_at(const struct cmdline *c, const char *module)
{
	for (size_t i = 0; i < c->break_count; i++)
		if (!strcmp(c->breaks[i], module))
			return true;
	return false;
}
