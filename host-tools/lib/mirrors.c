/* Mirrors and their order; see mirrors.h. The order is that of a hash of host and URL, largest first
 * ("rendezvous hashing"): a mirror that comes or goes moves only the hosts that it serves. */
#include "host-tools/lib/mirrors.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <blake3.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/str.h"

#define SCHEME "http://"

struct list {
	struct mirror {
		uint64_t score;
		char *url;
	} * items;
	size_t count;
};

static uint64_t score(const char *host, const char *url)
{
	uint8_t hash[8];
	uint64_t value = 0;
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, host, strlen(host) + 1);
	blake3_hasher_update(&h, url, strlen(url));
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	for (size_t i = 0; i < sizeof(hash); i++)
		value = value << 8 | hash[i];
	return value;
}

static int by_score(const void *a, const void *b)
{
	const struct mirror *x = a, *y = b;

	return x->score == y->score ? strcmp(x->url, y->url) : x->score > y->score ? -1 : 1;
}

/* Takes url; one that is there already counts once. */
static void add(struct list *l, const char *host, char *url)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->items[i].url, url)) {
			free(url);
			return;
		}
	l->items = xrealloc(l->items, l->count + 1, sizeof(*l->items));
	l->items[l->count++] = (struct mirror){score(host, url), url};
}

/* The address of a host of the definition: nodes need no name server to find it. */
static const char *address_of(const struct cluster *c, const char *name)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, name);

	return host ? cluster_get(host, "address") : NULL;
}

/* "http://[USER@]HOST[:PORT][/PATH]" without the '/' at its end. */
static char *uri_url(const struct cluster *c, const char *uri)
{
	const char *host = uri + strlen(SCHEME), *address;
	size_t user = strcspn(host, "@/"), n, len = strlen(uri);
	_cleanup_free_ char *name = NULL;

	if (host[user] == '@')
		host += user + 1;
	n = strcspn(host, ":/");
	name = xasprintf("%.*s", (int)n, host);
	address = address_of(c, name);
	while (uri[len - 1] == '/')
		len--;
	if (!address)
		return xasprintf("%.*s", (int)len, uri);
	return xasprintf("%.*s%s%.*s", (int)(host - uri), uri, address, (int)(uri + len - host - n),
			 host + n);
}

/* A machine that serves blobs as the server does: by its address, or the name of a host that is
 * defined; NULL where it is neither. */
static char *machine_url(const struct cluster *c, const char *name, const char *port)
{
	struct in_addr a;
	const char *address = inet_pton(AF_INET, name, &a) == 1 ? name : address_of(c, name);

	return address ? xasprintf(SCHEME "%s:%s/blob", address, port) : NULL;
}

static void add_named(struct list *l, const struct cluster *c, const struct cluster_object *host,
		      const struct cluster_object *group)
{
	const char *names = cluster_get(group, "http_server"),
		   *port = cluster_get(group, "http_port");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	port = port ? port : cluster_default(c, "http_port");
	while (names && cluster_list_next(names, &pos, item, sizeof(item), &offset)) {
		char *url =
			str_starts(item, SCHEME) ? uri_url(c, item) : machine_url(c, item, port);

		if (url)
			add(l, host->name, url);
	}
}

char **mirrors_of(const struct cluster *c, const struct cluster_object *host,
		  const char *const *servers)
{
	const struct cluster_object *group =
		cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	struct list l = {0};
	char **urls;
	size_t own;

	for (size_t i = 0; servers && servers[i]; i++)
		add(&l, host->name, xasprintf("%s/blob", servers[i]));
	own = l.count;
	if (group)
		add_named(&l, c, host, group);
	urls = l.count > own ? xcalloc(l.count + 1, sizeof(*urls)) : NULL;
	if (urls)
		qsort(l.items, l.count, sizeof(*l.items), by_score);
	for (size_t i = 0; i < l.count; i++) {
		if (urls)
			urls[i] = l.items[i].url;
		else
			free(l.items[i].url);
	}
	free(l.items);
	return urls;
}

void mirrors_free(char **urls)
{
	for (size_t i = 0; urls && urls[i]; i++)
		free(urls[i]);
	free(urls);
}
