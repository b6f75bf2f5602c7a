/* See link.h. */
#include "modules/lib/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"

#define TEXT_MAX 512

/* Safe in every file that it is written to. */
static bool is_name(const char *s)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	size_t n = strlen(s);

	return n && n < LINK_NAME && strspn(s, letters) == n && *s != '.' && *s != '-';
}

static bool take_name(char out[LINK_NAME], const char *value)
{
	if (!is_name(value))
		return false;
	snprintf(out, LINK_NAME, "%s", value);
	return true;
}

static bool take_address(char *out, size_t size, const char *value, bool prefix)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a;
	size_t n = strcspn(value, "/");
	uint64_t bits = 0;

	if (n >= sizeof(text) || !value[n] == prefix || strlen(value) >= size)
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &a) != 1 ||
	    (prefix && (str_to_u64(value + n + 1, &bits) || bits > 32)))
		return false;
	snprintf(out, size, "%s", value);
	return true;
}

static bool take_number(unsigned int *out, const char *value, unsigned int most)
{
	uint64_t v;

	if (str_to_u64(value, &v) || !v || v > most)
		return false;
	*out = (unsigned int)v;
	return true;
}

static bool take_mode(struct link *l, const char *value)
{
	if (strlen(value) >= sizeof(l->mode) ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(value))
		return false;
	snprintf(l->mode, sizeof(l->mode), "%s", value);
	return true;
}

static bool take_parts(struct link *l, char *value)
{
	char *part;

	while ((part = strsep(&value, ",")))
		if (l->part_count == LINK_PARTS_MAX || !take_name(l->parts[l->part_count++], part))
			return false;
	return true;
}

static bool take_word(struct link *l, const char *key, char *value)
{
	if (!strcmp(key, "mac"))
		return !str_to_mac(value, l->mac);
	if (!strcmp(key, "address"))
		return take_address(l->address, sizeof(l->address), value, true);
	if (!strcmp(key, "gateway"))
		return take_address(l->gateway, sizeof(l->gateway), value, false);
	if (!strcmp(key, "mtu"))
		return take_number(&l->mtu, value, 65535);
	if (!strcmp(key, "vlan"))
		return take_number(&l->vlan, value, 4094);
	if (!strcmp(key, "parent"))
		return take_name(l->parent, value);
	if (!strcmp(key, "mode"))
		return take_mode(l, value);
	return !strcmp(key, "bond") && take_parts(l, value);
}

int link_parse(struct link *l, const char *text)
{
	char copy[TEXT_MAX], *rest = copy, *word, *value;

	memset(l, 0, sizeof(*l));
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -EINVAL;
	word = str_word(&rest);
	if (!word || !take_name(l->name, word))
		return -EINVAL;
	while ((word = str_word(&rest))) {
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!take_word(l, word, value))
			return -EINVAL;
	}
	return !l->vlan == !*l->parent && !l->part_count == !*l->mode ? 0 : -EINVAL;
}

int links_parse(struct links *all, const struct plan_section *section, const char **wrong)
{
	int ret = 0;

	all->count = 0;
	plan_for_each (line, section, "link") {
		*wrong = line->value;
		ret = all->count == LINKS_MAX ? -E2BIG
					      : link_parse(&all->list[all->count++], line->value);
		if (ret)
			return ret;
	}
	return 0;
}

const struct link *links_bond_of(const struct links *all, const char *part)
{
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; k < all->list[i].part_count; k++)
			if (!strcmp(all->list[i].parts[k], part))
				return &all->list[i];
	return NULL;
}

bool links_use(const struct links *all, const char *part)
{
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].parent, part))
			return true;
	return links_bond_of(all, part);
}
