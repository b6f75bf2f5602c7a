/* lucie data: makes the blobs of data sets: reads each source once and keeps its manifest, which
 * plans name and the ring's master holds the source to. The data stay where they are. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/rings.h"
#include "host-tools/lib/server-user.h"
#include "host-tools/lib/site.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/ring.h"

static const char usage[] =
	"lucie data [NAME...] [--state DIR]\n"
	"Makes the data sets NAME of the state directory's definition (default: all of them) ready "
	"to be sent:\n"
	"reads their sources and writes STATE/datasets/NAME.blob. To be called again when a source "
	"has changed.\n"
	"  --state DIR     the state directory (" DEFAULT_STATE_DIR ")\n";

struct show {
	const char *name;
	int64_t last;
	bool terminal;
};

static void show_progress(uint64_t done, uint64_t total, void *arg)
{
	struct show *show = arg;
	char a[16], b[16];

	if (!show->terminal || now_ms() - show->last < 500)
		return;
	show->last = now_ms();
	fprintf(stderr, "\r\033[K%s: %s of %s", show->name, str_from_size(done, a, sizeof(a)),
		str_from_size(total, b, sizeof(b)));
}

/* In a folder for its owner, and for the server that has worked here. */
static int keep(const char *state_dir, const char *name, const struct blob_manifest *m)
{
	_cleanup_strbuf_ struct strbuf text = {.max = BLOB_MANIFEST_MAX};
	struct server_user user;
	char path[PATH_MAX];
	int ret = store_dataset_path(state_dir, name, path);
	_cleanup_free_ char *folder =
		ret ? NULL : strndup(path, (size_t)(strrchr(path, '/') - path));

	if (!ret)
		ret = folder ? mkdir_path(folder, 0700) : -ENOMEM;
	server_user_of(&user, state_dir);
	if (!ret)
		ret = server_user_share(&user, state_dir, "datasets");
	if (!ret)
		ret = blob_manifest_write(m, &text);
	if (!ret)
		ret = file_update(path, text.buf, text.len, 0644);
	return ret < 0 ? log_err(ret, "cannot keep the manifest of dataset '%s'", name) : ret;
}

static const char *const kinds[] = {[RING_FILE] = "a file", [RING_TREE] = "a folder"};

static int make(const char *state_dir, const struct cluster_object *o)
{
	struct show show = {.name = o->name, .terminal = isatty(STDERR_FILENO)};
	char *paths[] = {(char *)cluster_get(o, "source")};
	struct blob_manifest m = {0};
	enum ring_kind kind;
	char size[16];
	int ret = ring_manifest(&m, paths, 1, &kind, show_progress, &show);

	if (show.last)
		fputs("\r\033[K", stderr);
	if (ret)
		return log_err(0, "dataset '%s' is not made", o->name);
	ret = keep(state_dir, o->name, &m);
	if (ret >= 0)
		printf("%s: %s of %s, root %.16s%s\n", o->name, kinds[kind],
		       str_from_size(m.length, size, sizeof(size)), m.root,
		       ret ? "" : ", as before");
	blob_manifest_free(&m);
	return ret < 0 ? ret : 0;
}

/* One that cannot be made does not keep the others from it. */
static int make_all(const char *state_dir, const struct cluster *c)
{
	int ret = 0;

	for (size_t i = 0; i < cluster_count(c, TYPE_DATASET); i++)
		if (make(state_dir, cluster_at(c, TYPE_DATASET, i)))
			ret = -EIO;
	return ret;
}

static int make_named(const char *state_dir, const struct cluster *c, int count, char **names)
{
	int ret = 0;

	for (int i = 0; i < count; i++) {
		const struct cluster_object *o = cluster_find(c, TYPE_DATASET, names[i]);

		if (!o)
			log_err(0, "no dataset is named '%s'", names[i]);
		if (!o || make(state_dir, o))
			ret = -EIO;
	}
	return ret;
}

static int data_run(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {0}};
	const char *state = DEFAULT_STATE_DIR;
	struct cluster *c = NULL;
	int option, ret;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 's')
			return command_help("data");
		state = optarg;
	}
	ret = definition_read(&c, state);
	if (!ret && optind == argc && !cluster_count(c, TYPE_DATASET))
		ret = log_err(0, "the definition of '%s' has no dataset", state);
	else if (!ret)
		ret = optind == argc ? make_all(state, c)
				     : make_named(state, c, argc - optind, argv + optind);
	cluster_free(c);
	return ret ? 1 : 0;
}

COMMAND(data, .summary = "make data sets ready to be sent", .usage = usage, .run = data_run);
