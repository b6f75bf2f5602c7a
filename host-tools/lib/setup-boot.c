/* The boot tree: loader, kernels and images of the boards in use, one loader configuration for each
 * network card; and the address of the server where the definition gives only its name. */
#include "host-tools/lib/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

/* --- server_address --- */

static bool resolve_name(const char *name, char out[INET_ADDRSTRLEN])
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;

	if (getaddrinfo(name, NULL, &hints, &list))
		return false;
	inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, out, INET_ADDRSTRLEN);
	freeaddrinfo(list);
	return true;
}

static int find_server(struct setup *s, const struct cluster_object *group)
{
	const char *names = cluster_get(group, "lucie_server");
	char name[256], address[INET_ADDRSTRLEN];
	size_t pos = 0, offset;

	if (cluster_get(group, "server_address"))
		return 0;
	if (names && cluster_list_next(names, &pos, name, sizeof(name), &offset) &&
	    resolve_name(name, address)) {
		printf("lucie_group %s: server_address is %s, from lucie_server %s\n", group->name,
		       address, name);
		cluster_set(s->c, group, "server_address", address);
		return 0;
	}
	return log_err(0,
		       "%s:%u:%u: the address of lucie_group '%s' cannot be found by its "
		       "lucie_server, expected 'server_address A.B.C.D'",
		       group->at.file, group->at.line, group->at.column, group->name);
}

int setup_servers(struct setup *s)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_LUCIE_GROUP); i++)
		ret = find_server(s, cluster_at(s->c, TYPE_LUCIE_GROUP, i));
	return ret;
}

/* --- kernels and images --- */

/* Copies IMAGES/from to `to`. */
static int copy(struct setup *s, const char *from, const char *to, bool optional)
{
	_cleanup_free_ char *source = xasprintf("%s/%s", s->images, from);

	if (!access(source, R_OK))
		return setup_said(s, generation_copy(&s->g, to, source, 0644), to);
	if (optional && errno == ENOENT)
		return 0;
	return log_err(
		-errno,
		"cannot read '%s' (`make image BOARD=%.*s` builds it, --images says where it is)",
		source, (int)strcspn(from, "/"), from);
}

static int setup_board(struct setup *s, const char *board)
{
	static const struct {
		const char *from, *to, *suffix; /* suffix NULL: the same file for every board */
		bool optional;			/* a site may have no machine that needs it */
	} files[] = {
		{"vmlinuz", "vmlinuz-", "", false},
		{"initramfs.img", "initramfs-", ".img", false},
		{"boot/lpxelinux.0", "lpxelinux.0", NULL, false},
		{"boot/ldlinux.c32", "ldlinux.c32", NULL, false},
		{"boot/shimx64.efi", "shimx64.efi", NULL, true},
		{"boot/grubx64.efi", "grubx64.efi", NULL, true},
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(files); i++) {
		const char *suffix = files[i].suffix;
		_cleanup_free_ char *from = xasprintf("%s/%s", board, files[i].from);
		_cleanup_free_ char *to = xasprintf("tftp/%s%s%s", files[i].to, suffix ? board : "",
						    suffix ? suffix : "");

		ret = copy(s, from, to, files[i].optional);
	}
	for (const char *const *name = boot_addons; !ret && *name; name++) {
		_cleanup_free_ char *from = xasprintf("%s/%s.img", board, *name);
		_cleanup_free_ char *to = xasprintf("tftp/%s-%s.img", *name, board);

		ret = copy(s, from, to, true);
	}
	return ret;
}

int setup_tftp(struct setup *s)
{
	struct map seen = {0};
	int ret = 0;

	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_HOST); i++) {
		const char *board = cluster_host_get(s->c, cluster_at(s->c, TYPE_HOST, i), "board");

		if (!map_put(&seen, board, s))
			ret = setup_board(s, board);
	}
	if (!ret && cluster_discovers(s->c)) {
		const char *board = cluster_host_get(s->c, cluster_discovers(s->c), "board");

		ret = map_put(&seen, board, s) ? 0 : setup_board(s, board);
	}
	map_free(&seen);
	return ret;
}

/* --- what machines boot that have no files of their own --- */

static int rendering_write(const struct setup *s, const char *folder, const char *name,
			   const struct strbuf *text)
{
	_cleanup_free_ char *parent = xasprintf("%s/tftp/%s", s->g.dir, folder),
			    *path = xasprintf("%s/%s", parent, name);
	int ret = mkdir_path(parent, 0755);

	if (!ret)
		ret = file_replace(path, text->buf, text->len, 0644);
	return ret ? log_err(ret, "cannot write '%s'", path) : 0;
}

int setup_unknown(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf pxelinux = STRBUF_INIT, grub = STRBUF_INIT;
	struct boot_entry e;
	int ret = boot_entry_unknown(&e, s->g.dir, s->c);

	if (!ret)
		ret = boot_entry_pxelinux(&pxelinux, &e);
	if (!ret)
		ret = boot_entry_grub_start(&grub, &e);
	boot_entry_free(&e);
	if (ret)
		return log_err(ret, "cannot say what other machines boot");
	ret = rendering_write(s, "pxelinux.cfg", "default", &pxelinux);
	return ret ? ret : rendering_write(s, "grub", "grub.cfg", &grub);
}
