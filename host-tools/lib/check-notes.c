/* See check-notes.h. Only what this machine knows by itself: whether a name server knows a
 * lucie_server, or --images names another folder, setup will see. */
#include "host-tools/lib/check-notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/dnsmasq.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/setup.h"
#include "init/lib/cleanup.h"

static void note_server(const struct cluster_object *group)
{
	if (!cluster_get(group, "server_address") && !cluster_get(group, "lucie_server"))
		printf("note: lucie_group '%s' has no server_address: `lucie setup` needs "
		       "'server_address A.B.C.D' in it\n",
		       group->name);
}

/* A server that does not know itself by this name would give out no address without a word. */
static void note_dhcp(const struct cluster_object *group)
{
	if (dhcp_is_foreign(group))
		printf("note: lucie_group '%s' gets its addresses from '%s': `lucie serve` only "
		       "adds what there is to boot\n",
		       group->name, cluster_get(group, "dhcp_server"));
}

static void note_board(const char *images, const char *board)
{
	_cleanup_free_ char *kernel = xasprintf("%s/%s/vmlinuz", images, board);

	if (access(kernel, F_OK))
		printf("note: no image of board '%s' is in '%s': `make image BOARD=%s` builds it, "
		       "`lucie setup --images` says where else\n",
		       board, images, board);
}

/* The node says INSTALLED all the same. */
static void note_unfinished(const struct cluster_object *installer)
{
	const char *modules = cluster_get(installer, "modules");

	if (cluster_list_has(modules, "partition") && !cluster_list_has(modules, "finalize"))
		printf("note: installer '%s' runs 'partition' without 'finalize', which writes "
		       "the boot loader\n",
		       installer->name);
}

/* Few want that. */
static void note_closed(const struct cluster *c)
{
	const char *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(c, TYPE_HOST, i);

		if (cluster_host_get(c, host, "ssh_keys") ||
		    cluster_host_get(c, host, "root_password"))
			continue;
		first = first ? first : host->name;
		count++;
	}
	if (count == 1)
		printf("note: nobody can log into '%s': it has no ssh_keys and no root_password\n",
		       first);
	else if (count)
		printf("note: nobody can log into %zu hosts ('%s'): they have no ssh_keys and no "
		       "root_password\n",
		       count, first);
}

void check_notes(const struct cluster *c)
{
	_cleanup_free_ char *found = setup_images(NULL), *real = realpath(found, NULL);
	const char *images = real ? real : found;
	struct map seen = {0};

	note_closed(c);
	for (size_t i = 0; i < cluster_count(c, TYPE_INSTALLER); i++)
		note_unfinished(cluster_at(c, TYPE_INSTALLER, i));
	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++) {
		note_server(cluster_at(c, TYPE_LUCIE_GROUP, i));
		note_dhcp(cluster_at(c, TYPE_LUCIE_GROUP, i));
	}
	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		const char *board = cluster_host_get(c, cluster_at(c, TYPE_HOST, i), "board");

		if (!map_put(&seen, board, found))
			note_board(images, board);
	}
	map_free(&seen);
}
