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
#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/state.h"
#include "host-tools/lib/update.h"
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

/* Copies IMAGES/from to STATE/to; what may be missing and is, is removed. */
static int copy(struct setup *s, const char *from, const char *to, bool optional)
{
	_cleanup_free_ char *source = xasprintf("%s/%s", s->images, from),
			    *path = xasprintf("%s/%s", s->dir, to);
	int ret;

	if (access(source, R_OK)) {
		if (optional && errno == ENOENT)
			return setup_drop(s, to);
		return log_err(
			-errno,
			"cannot read '%s' (`make image` builds it, --images says where it is)",
			source);
	}
	ret = file_copy_update(path, source, 0644);
	return setup_said(s, ret, "%s", to);
}

static int setup_board(struct setup *s, const char *board)
{
	static const struct {
		const char *from, *to, *suffix; /* suffix NULL: the same file for every board */
	} files[] = {
		{"vmlinuz", "vmlinuz-", ""},
		{"initramfs.img", "initramfs-", ".img"},
		{"boot/lpxelinux.0", "lpxelinux.0", NULL},
		{"boot/ldlinux.c32", "ldlinux.c32", NULL},
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(files); i++) {
		const char *suffix = files[i].suffix;
		_cleanup_free_ char *from = xasprintf("%s/%s", board, files[i].from);
		_cleanup_free_ char *to = xasprintf("tftp/%s%s%s", files[i].to, suffix ? board : "",
						    suffix ? suffix : "");

		ret = copy(s, from, to, false);
	}
	for (const char *const *name = boot_addons; !ret && *name; name++) {
		_cleanup_free_ char *from = xasprintf("%s/%s.img", board, *name);
		_cleanup_free_ char *to = xasprintf("tftp/%s-%s.img", *name, board);

		ret = copy(s, from, to, true);
	}
	return ret;
}

static int make_folder(struct setup *s, const char *name)
{
	_cleanup_free_ char *folder = xasprintf("%s/tftp/%s", s->dir, name);
	int ret = mkdir_path(folder, 0755);

	return ret ? log_err(ret, "cannot make '%s'", folder) : 0;
}

int setup_tftp(struct setup *s)
{
	struct map seen = {0};
	int ret = make_folder(s, "pxelinux.cfg");

	if (!ret)
		ret = make_folder(s, "grub");
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

/* --- one configuration for each card --- */

/* Those of cards that the definition no longer has. prefix: BOOT_PXELINUX or BOOT_GRUB. */
static int remove_old(struct setup *s, const char *prefix)
{
	const char *start = strrchr(prefix, '/') + 1;
	_cleanup_free_ char *path =
		xasprintf("%s/tftp/%.*s", s->dir, (int)(start - prefix), prefix);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return log_err(-errno, "cannot read '%s'", path);
	while ((e = readdir(dir))) {
		const char *card = e->d_name + strlen(start);

		if (!str_starts(e->d_name, start) || strlen(card) != BOOT_CARD_TEXT - 1 ||
		    !str_starts(card, "01-") || cluster_host_by_mac(s->c, card + 3))
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0))
			return log_err(-errno, "cannot remove '%s%s'", path, e->d_name);
		s->changed++;
		printf("removed tftp/%s%s\n", prefix, card);
	}
	return 0;
}

/* What any other machine boots. */
static int setup_unknown(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct boot_entry e;
	int ret = boot_entry_unknown(&e, s->dir, s->c);

	if (!ret)
		ret = boot_entry_pxelinux(&text, &e);
	boot_entry_free(&e);
	return ret ? log_err(ret, "cannot say what other machines boot")
		   : setup_update(s, "tftp/pxelinux.cfg/default", text.buf, text.len, 0644);
}

int setup_boot_files(struct setup *s)
{
	struct state *state;
	unsigned int before;
	int ret = setup_unknown(s);

	if (!ret)
		ret = state_open(&state, s->dir);
	if (ret)
		return ret;
	before = s->changed;
	s->quiet = true;
	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(s->c, TYPE_HOST, i);
		struct state_node node;

		ret = state_node(state, host->name, &node);
		if (!ret || ret == -ENOENT)
			ret = setup_said(s, boot_files_update(s->dir, s->c, host, &node),
					 "tftp/pxelinux.cfg");
	}
	s->quiet = false;
	state_close(state);
	if (s->changed > before)
		printf("wrote the boot loader's files of %u hosts\n", s->changed - before);
	if (!ret)
		ret = remove_old(s, BOOT_PXELINUX);
	return ret ? ret : remove_old(s, BOOT_GRUB);
}
