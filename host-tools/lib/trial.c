/* State directory and server of a trial; see trial.h. */
#include "host-tools/lib/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-tools/lib/serve.h"
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"

#define VERB_SECONDS 900
#define VERB_WORDS   16
#define KEY_FILE_MAX ((size_t)4096)
#define STOP_MS	     5000
#define GUEST_HOST   "10.0.2.2" /* this machine's loopback, in QEMU's user network */

/* --- verbs of this program --- */

struct output {
	struct strbuf lines;
	bool show;
};

static void take_line(const char *line, void *arg)
{
	struct output *out = arg;

	if (out->show)
		puts(line);
	else
		strbuf_addf(&out->lines, "%s\n", line);
}

/* What it says is shown if it fails, or where everything is. NULL words are left out. */
static int verb(const struct trial *t, const char *const *words, size_t count)
{
	struct output out = {.show = t->options->verbose, .lines.max = 1 << 20};
	struct proc_options options = {
		.total_seconds = VERB_SECONDS, .line = take_line, .arg = &out};
	char self[PATH_MAX], text[80], *argv[VERB_WORDS + 2] = {self};
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t n = 1;
	int ret;

	if (len <= 0)
		return log_err(-errno, "cannot find this program");
	self[len] = '\0';
	for (size_t i = 0; i < count && n <= VERB_WORDS; i++)
		if (words[i])
			argv[n++] = (char *)words[i];
	fflush(NULL);
	ret = proc_run(argv, &options);
	if (ret && out.lines.buf)
		fputs(out.lines.buf, stderr);
	strbuf_free(&out.lines);
	return ret ? log_err(0, "lucie %s: %s", words[0],
			     proc_result(ret, &options, text, sizeof(text)))
		   : 0;
}

/* --- state directory --- */

/* TRIAL/FOLDER/NAME -> FROM/NAME */
static int link_file(const struct trial *t, const char *folder, const char *from, const char *name)
{
	_cleanup_free_ char *entry = NULL, *target = NULL;

	if (asprintf(&entry, "%s/%s/%s", t->dir, folder, name) < 0 ||
	    asprintf(&target, "%s/%s", from, name) < 0)
		return -ENOMEM;
	return symlink(target, entry) && errno != EEXIST
		       ? log_err(-errno, "cannot make '%s'", entry)
		       : 0;
}

/* What nodes fetch of a base, by the name that its manifest tells: blobs/ cannot be listed. */
static int link_blob(const struct trial *t, const char *source, const char *manifest)
{
	_cleanup_free_ char *path = NULL, *blobs = NULL;
	char name[BLOB_ROOT_TEXT + 5];
	struct blob_manifest m;
	int ret;

	if (asprintf(&path, "%s/bases/%s", source, manifest) < 0 ||
	    asprintf(&blobs, "%s/blobs", source) < 0)
		return -ENOMEM;
	ret = blob_manifest_load(&m, path);
	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	snprintf(name, sizeof(name), "%s.blob", m.root);
	ret = link_file(t, "blobs", blobs, name);
	if (!ret)
		ret = link_file(t, "blobs", blobs, m.root);
	blob_manifest_free(&m);
	return ret;
}

/* A state directory without bases is one, too. */
static int link_bases(const struct trial *t)
{
	_cleanup_free_ char *source = realpath(t->options->source, NULL), *from = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	char made[PATH_MAX + 16];
	struct dirent *e;
	int ret = 0;

	for (size_t i = 0; i < 2; i++) {
		snprintf(made, sizeof(made), "%s/%s", t->dir, i ? "blobs" : "bases");
		if (mkdir(made, 0755))
			return log_err(-errno, "cannot make '%s'", made);
	}
	if (!source)
		return 0;
	ret = link_file(t, ".", source, "datasets");
	if (ret)
		return ret;
	if (asprintf(&from, "%s/bases", source) < 0)
		return -ENOMEM;
	dir = opendir(from);
	while (dir && !ret && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		ret = link_file(t, "bases", from, e->d_name);
		if (!ret && str_ends(e->d_name, ".blob"))
			ret = link_blob(t, source, e->d_name);
	}
	return ret;
}

static int copy_key(const struct trial *t, const char *name)
{
	_cleanup_free_ char *key = NULL;
	char from[PATH_MAX], to[PATH_MAX + 32];
	size_t len;
	int ret;

	snprintf(from, sizeof(from), "%s/%s", t->options->source, name);
	if (file_read(from, KEY_FILE_MAX, &key, &len))
		return 0;
	snprintf(to, sizeof(to), "%s/%s", t->dir, name);
	ret = file_write(to, key, len, 0600);
	explicit_bzero(key, len);
	return ret ? log_err(ret, "cannot make '%s'", to) : 0;
}

/* Where this user may read the site's key, the disks of the trial carry the site's stamp: they can
 * be tried again, and repaired. Else setup makes a key for this trial. With the key of its rings
 * the trial takes data sets from the site's server where that runs on this machine, and has their
 * ports. */
static int copy_keys(const struct trial *t)
{
	char folder[PATH_MAX + 16];
	int ret;

	snprintf(folder, sizeof(folder), "%s/key", t->dir);
	if (mkdir(folder, 0700))
		return log_err(-errno, "cannot make '%s'", folder);
	ret = copy_key(t, "key/site.key");
	return ret ? ret : copy_key(t, "ring.key");
}

static int state_make(struct trial *t)
{
	const struct trial_options *o = t->options;
	_cleanup_free_ char *definition = NULL;
	const char *temp = getenv("TMPDIR");
	int ret;

	snprintf(t->dir, sizeof(t->dir), "%s/lucie-try.XXXXXX",
		 temp && temp[0] == '/' ? temp : "/var/tmp");
	if (!mkdtemp(t->dir)) {
		t->dir[0] = '\0';
		return log_err(-errno, "cannot make a folder for the trial");
	}
	ret = link_bases(t);
	if (!ret)
		ret = copy_keys(t);
	if (ret)
		return ret;
	if (asprintf(&definition, "%s/definition", o->source) < 0)
		return -ENOMEM;
	return verb(t,
		    (const char *[]){"setup", "--state", t->dir, "--conf",
				     o->conf ? o->conf : definition, o->images ? "--images" : NULL,
				     o->images},
		    7);
}

static int arm(const struct trial *t)
{
	const struct trial_options *o = t->options;

	return verb(t,
		    (const char *[]){"install", "--state", t->dir, o->variant ? "--variant" : NULL,
				     o->variant, o->wipe ? "--wipe" : NULL, o->node},
		    7);
}

/* --- what the boot loader would read --- */

/* The definition's servers are out of reach in a trial. */
static int args_change(struct trial *t)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct strbuf *args = &t->boot.args, old;
	char *rest = args->buf, *word;

	while ((word = str_word(&rest)))
		if (!str_starts(word, "lucie.server="))
			strbuf_addf(&b, "%s ", word);
	strbuf_addf(&b, "lucie.server=%s", t->server);
	if (!strstr(b.buf ? b.buf : "", "console=ttyS0"))
		strbuf_adds(&b, " console=ttyS0,115200");
	old = *args;
	*args = b;
	b = old;
	return args->error;
}

static int boot_make(struct trial *t)
{
	const char *node = t->options->node, *macs;
	const struct cluster_object *host = cluster_find(t->site.cluster, TYPE_HOST, node);
	struct state_node state;
	char first[MAC_TEXT] = "";
	int ret;

	if (!host)
		return log_err(0, "the definition has no host '%s'", node);
	macs = cluster_get(host, "mac_address");
	snprintf(first, sizeof(first), "%s", macs ? macs : "");
	if (str_to_mac(first, t->mac))
		return log_err(0, "host '%s' has no mac_address", host->name);
	ret = state_node(t->site.state, node, &state);
	if (!ret)
		ret = boot_entry_make(&t->boot, t->dir, t->site.cluster, host, &state);
	if (!ret)
		ret = t->boot.what == BOOT_INSTALL ? args_change(t) : -ENOENT;
	return ret ? log_err(ret, "cannot tell what '%s' boots", node) : 0;
}

static int append_file(int out, const char *path)
{
	_cleanup_free_ char *data = NULL;
	size_t len, padding;
	int ret = file_read(path, (size_t)1 << 30, &data, &len);

	if (!ret)
		ret = write_full(out, data, len);
	padding = (4 - len % 4) % 4; /* the kernel looks for the next archive at a multiple of 4 */
	if (!ret)
		ret = write_full(out, "\0\0\0", padding);
	return ret ? log_err(ret, "cannot read '%s'", path) : 0;
}

char *trial_initrd(const struct trial *t)
{
	_cleanup_close_ int fd = -1;
	char *path, from[2 * PATH_MAX];
	int ret = 0;

	if (asprintf(&path, "%s/initrd", t->dir) < 0)
		return NULL;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		log_err(-errno, "cannot make '%s'", path);
	for (size_t i = 0; fd >= 0 && !ret && i < t->boot.initrd_count; i++) {
		snprintf(from, sizeof(from), "%s/tftp/%s%s", t->dir, t->boot.folder,
			 t->boot.initrds[i]);
		ret = append_file(fd, from);
	}
	if (fd >= 0 && !ret)
		return path;
	free(path);
	return NULL;
}

/* FOLDER/NAME, a new folder in which only the file of a boot loader lies. */
static int config_write(const char *folder, const char *name, const struct strbuf *text)
{
	char path[PATH_MAX + 300];
	int ret = text->error;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	*strrchr(path, '/') = '\0';
	if (!ret)
		ret = mkdir_path(path, 0755);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return ret ? ret : file_write(path, text->buf, text->len, 0644);
}

static int configs_write(const struct trial *t, const char *folder)
{
	_cleanup_strbuf_ struct strbuf pxelinux = STRBUF_INIT, grub = STRBUF_INIT;
	int ret = boot_entry_pxelinux(&pxelinux, &t->boot);

	if (!ret)
		ret = boot_entry_grub(&grub, &t->boot, t->mac);
	if (!ret)
		ret = config_write(folder, "pxelinux.cfg/default", &pxelinux);
	return ret ? ret : config_write(folder, "grub/grub.cfg", &grub);
}

/* Everything of tftp/ but its configuration, which names servers that the guest cannot reach. */
char *trial_tftp(const struct trial *t)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char *path, from[PATH_MAX + 300], to[PATH_MAX + 300];
	struct dirent *e;
	int ret;

	if (asprintf(&path, "%s/pxe", t->dir) < 0)
		return NULL;
	ret = configs_write(t, path);
	snprintf(from, sizeof(from), "%s/tftp", t->dir);
	dir = opendir(from);
	while (dir && !ret && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "pxelinux.cfg") ||
		    !strcmp(e->d_name, "grub"))
			continue;
		snprintf(from, sizeof(from), "../tftp/%s", e->d_name);
		snprintf(to, sizeof(to), "%s/%s", path, e->d_name);
		ret = symlink(from, to) ? -errno : 0;
	}
	if (!ret)
		return path;
	log_err(ret, "cannot make '%s'", path);
	free(path);
	return NULL;
}

/* --- server --- */

static void __attribute__((noreturn)) become_server(const struct trial *t, pid_t parent)
{
	const char *servers[] = {t->server, NULL};
	struct serve_options options = {.state_dir = t->dir,
					.listen_fd = t->listen_fd,
					.servers = servers,
					.user = geteuid() ? NULL : "root"};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	signal(SIGINT, SIG_IGN); /* its end comes from the trial */
	_exit(serve_run(&options) ? 1 : 0);
}

static int server_start(struct trial *t)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		become_server(t, parent);
	if (pid < 0)
		return log_err(-errno, "cannot start the server");
	t->serve = pid;
	return 0;
}

bool trial_serving(struct trial *t)
{
	if (t->serve && waitpid(t->serve, NULL, WNOHANG) == t->serve)
		t->serve = 0;
	return t->serve;
}

static void server_stop(struct trial *t)
{
	int64_t limit = now_ms() + STOP_MS;

	if (t->serve)
		kill(t->serve, SIGTERM);
	while (trial_serving(t)) {
		if (now_ms() > limit)
			kill(t->serve, SIGKILL);
		sleep_ms(20);
	}
}

/* --- begin and end --- */

int trial_begin(struct trial *t, const struct trial_options *options)
{
	int ret;

	*t = (struct trial){.options = options, .listen_fd = -1};
	t->listen_fd = http_listen("127.0.0.1", 0);
	if (t->listen_fd < 0)
		return t->listen_fd;
	snprintf(t->server, sizeof(t->server), "http://%s:%u", GUEST_HOST, http_port(t->listen_fd));
	ret = state_make(t);
	if (!ret)
		ret = arm(t);
	/* The server is forked before this process opens the database: a connection must not be
	 * shared. */
	if (!ret)
		ret = server_start(t);
	if (!ret)
		ret = site_open(&t->site, t->dir);
	return ret ? ret : boot_make(t);
}

void trial_end(struct trial *t, bool keep)
{
	int ret;

	server_stop(t);
	site_close(&t->site);
	if (t->listen_fd >= 0)
		close(t->listen_fd);
	boot_entry_free(&t->boot);
	if (t->dir[0] && keep)
		printf("kept: %s\n", t->dir);
	else if (t->dir[0] && (ret = remove_tree(t->dir)))
		log_warn("cannot remove '%s': %s", t->dir, strerror(-ret));
}
