/* Loading of kernel modules; see kmod.h.
 *
 * It is on the boot path, so: each file is read and split once, a pattern is compared by its fixed
 * beginning before fnmatch(3) sees it, and a modalias that was seen before (there is one for each
 * processor) is not looked up again.
 */
#include "init/lib/kmod.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/kmod-extra.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/lib/unxz.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define INDEX_MAX    ((size_t)8 << 20)
#define MODALIAS_MAX 1024
#define NAME_MAX_LEN 64
#define MODULE_MAX   ((size_t)64 << 20)

struct alias {
	const char *pattern, *name;
	size_t fixed; /* bytes before the first wildcard */
};

struct entry {
	char name[NAME_MAX_LEN]; /* '-' written as '_' */
	const char *path;	 /* below dir */
	char *needs;		 /* paths, blanks between them */
	bool tried;
	int result;
};

struct kmod {
	char dir[PATH_MAX];
	char *alias_text, *dep_text, *builtin_text;
	struct alias *aliases;
	struct entry *entries;
	size_t alias_count, entry_count;
	uint64_t *seen; /* hashes of modaliases */
	size_t seen_count, seen_room;
};

/* Name of a module from its path or from itself: without folders and suffixes, '-' as '_'. */
static void normal_name(const char *path, char out[NAME_MAX_LEN])
{
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strcspn(base, ".");
	if (n >= NAME_MAX_LEN)
		n = NAME_MAX_LEN - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = base[i] == '-' ? '_' : base[i];
	out[n] = '\0';
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static char *next_line(char **rest)
{
	return *rest ? strsep(rest, "\n") : NULL;
}

static int index_aliases(struct kmod *k)
{
	char *rest = k->alias_text, *line;

	k->aliases = calloc(count_lines(rest), sizeof(*k->aliases));
	if (!k->aliases)
		return -ENOMEM;
	while ((line = next_line(&rest))) {
		char *word = str_word(&line), *pattern = word ? str_word(&line) : NULL;
		char *name = pattern ? str_word(&line) : NULL;

		if (name && !strcmp(word, "alias"))
			k->aliases[k->alias_count++] =
				(struct alias){pattern, name, strcspn(pattern, "*?[\\")};
	}
	return 0;
}

static int index_entries(struct kmod *k)
{
	char *rest = k->dep_text, *line;

	k->entries = calloc(count_lines(rest), sizeof(*k->entries));
	if (!k->entries)
		return -ENOMEM;
	while ((line = next_line(&rest))) {
		struct entry *e = &k->entries[k->entry_count];
		char *needs = strchr(line, ':');

		if (!needs || needs == line)
			continue;
		*needs++ = '\0';
		e->path = line;
		e->needs = needs;
		normal_name(line, e->name);
		k->entry_count++;
	}
	return 0;
}

int kmod_open_text(struct kmod **out, const char *alias, const char *dep, const char *builtin)
{
	struct kmod *k = calloc(1, sizeof(*k));
	int ret = -ENOMEM;

	if (!k)
		return -ENOMEM;
	k->alias_text = strdup(alias);
	k->dep_text = strdup(dep);
	k->builtin_text = strdup(builtin);
	if (k->alias_text && k->dep_text && k->builtin_text)
		ret = index_aliases(k);
	if (!ret)
		ret = index_entries(k);
	if (ret)
		kmod_close(k);
	else
		*out = k;
	return ret;
}

/* A missing file is an empty one. */
static int read_index(const char *dir, const char *name, char **text)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ret = file_read(path, INDEX_MAX, text, NULL);
	if (ret != -ENOENT)
		return ret;
	*text = strdup("");
	return *text ? 0 : -ENOMEM;
}

/* What the administrator brought comes first: a newer driver of the same name is meant to win. */
static int open_with_extra(struct kmod **out, const char *dir, const char *alias, const char *dep,
			   const char *builtin)
{
	_cleanup_strbuf_ struct strbuf all_alias = STRBUF_INIT, all_dep = STRBUF_INIT;
	int ret = kmod_extra(dir, dep, &all_alias, &all_dep);

	if (!ret)
		ret = strbuf_adds(&all_alias, alias);
	if (!ret)
		ret = strbuf_adds(&all_dep, dep);
	return ret ? ret : kmod_open_text(out, all_alias.buf, all_dep.buf, builtin);
}

int kmod_open(struct kmod **out, const char *dir)
{
	_cleanup_free_ char *alias = NULL, *dep = NULL, *builtin = NULL;
	char own[PATH_MAX];
	struct utsname u;
	int ret;

	if (!dir) {
		uname(&u);
		snprintf(own, sizeof(own), "/lib/modules/%s", u.release);
		dir = own;
	}
	if (access(dir, R_OK))
		return -errno;
	ret = read_index(dir, "modules.alias", &alias);
	if (!ret)
		ret = read_index(dir, "modules.dep", &dep);
	if (!ret)
		ret = read_index(dir, "modules.builtin", &builtin);
	if (!ret)
		ret = open_with_extra(out, dir, alias, dep, builtin);
	if (!ret)
		snprintf((*out)->dir, sizeof((*out)->dir), "%s", dir);
	return ret;
}

void kmod_close(struct kmod *k)
{
	if (!k)
		return;
	free(k->alias_text);
	free(k->dep_text);
	free(k->builtin_text);
	free(k->aliases);
	free(k->entries);
	free(k->seen);
	free(k);
}

static struct entry *find_entry(struct kmod *k, const char *name)
{
	char wanted[NAME_MAX_LEN];

	normal_name(name, wanted);
	for (size_t i = 0; i < k->entry_count; i++)
		if (!strcmp(k->entries[i].name, wanted))
			return &k->entries[i];
	return NULL;
}

static bool is_builtin(struct kmod *k, const char *name)
{
	char wanted[NAME_MAX_LEN], have[NAME_MAX_LEN];
	const char *line = k->builtin_text;

	normal_name(name, wanted);
	while (*line) {
		size_t n = strcspn(line, "\n");
		char path[256];

		snprintf(path, sizeof(path), "%.*s", (int)(n < 255 ? n : 255), line);
		normal_name(path, have);
		if (!strcmp(have, wanted))
			return true;
		line += n + (line[n] == '\n');
	}
	return false;
}

/* Not every kernel can decode a module itself (CONFIG_MODULE_DECOMPRESS), so we do. */
static int insert_packed(const char *path)
{
	_cleanup_free_ char *module = NULL;
	size_t len;
	int ret = unxz_file(path, MODULE_MAX, &module, &len);

	if (ret)
		return ret;
	return syscall(SYS_init_module, module, len, "") ? -errno : 0;
}

static int insert_plain(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
}

static int insert(const struct kmod *k, const struct entry *e)
{
	char path[PATH_MAX * 2];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", k->dir, e->path);
	ret = str_ends(path, ".xz") ? insert_packed(path) : insert_plain(path);
	if (!ret || ret == -EEXIST)
		return 0;
	if (ret == -ENODEV)
		log_debug("kernel module '%s': no such device", e->name);
	else
		log_warn("cannot load kernel module '%s': %s", path, strerror(-ret));
	return ret;
}

/* modules.dep lists everything that a module needs, the most basic one last; a line of kmod-extra.c
 * only what it needs itself. */
static int insert_with_needs(struct kmod *k, struct entry *e)
{
	_cleanup_free_ char *needs = strdup(e->needs);
	char *end = needs ? needs + strlen(needs) : NULL;

	if (e->tried)
		return e->result;
	e->tried = true;
	e->result = -ELOOP; /* what two that need each other get */
	while (end && end > needs) {
		struct entry *need;
		char *start;

		while (end > needs && end[-1] == ' ')
			*--end = '\0';
		for (start = end; start > needs && start[-1] != ' '; start--)
			;
		need = *start ? find_entry(k, start) : NULL;
		if (need)
			insert_with_needs(k, need);
		*start = '\0';
		end = start;
	}
	return e->result = insert(k, e);
}

void kmod_match(struct kmod *k, const char *modalias, void (*found)(const char *name, void *arg),
		void *arg)
{
	if (strlen(modalias) >= MODALIAS_MAX)
		return;
	for (size_t i = 0; i < k->alias_count; i++) {
		const struct alias *a = &k->aliases[i];

		if (!strncmp(a->pattern, modalias, a->fixed) && !fnmatch(a->pattern, modalias, 0))
			found(a->name, arg);
	}
}

struct search {
	struct kmod *kmod;
	int result;
};

static void load_found(const char *name, void *arg)
{
	struct search *s = arg;
	struct entry *e = find_entry(s->kmod, name);

	if (e)
		s->result = insert_with_needs(s->kmod, e);
}

static uint64_t hash_text(const char *s)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

/* True the first time. Without memory every time is the first, which is only slower. */
static bool is_new(struct kmod *k, const char *modalias)
{
	uint64_t h = hash_text(modalias);

	for (size_t i = 0; i < k->seen_count; i++)
		if (k->seen[i] == h)
			return false;
	if (k->seen_count == k->seen_room) {
		size_t room = k->seen_room ? k->seen_room * 2 : 256;
		uint64_t *p = room <= 65536 ? realloc(k->seen, room * sizeof(*p)) : NULL;

		if (!p)
			return true;
		k->seen = p;
		k->seen_room = room;
	}
	k->seen[k->seen_count++] = h;
	return true;
}

void kmod_load_alias(struct kmod *k, const char *modalias)
{
	struct search s = {.kmod = k};

	if (is_new(k, modalias))
		kmod_match(k, modalias, load_found, &s);
}

int kmod_load(struct kmod *k, const char *name)
{
	struct search s = {.kmod = k, .result = -ENOENT};
	struct entry *e = find_entry(k, name);

	if (e)
		return insert_with_needs(k, e);
	if (is_builtin(k, name))
		return 0;
	kmod_match(k, name, load_found, &s);
	return s.result;
}
