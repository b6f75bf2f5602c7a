/* The state directory as verbs see it; see site.h. */
#include "host-tools/lib/site.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/log.h"
#include "init/lib/str.h"

static void definition_error(const char *line, void *arg)
{
	(void)arg;
	log_warn("%s", line);
}

static int read_from(struct cluster **out, const char *state_dir, const char *folder)
{
	char path[PATH_MAX], dir[PATH_MAX];
	int ret;

	*out = NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%sdefinition", state_dir, folder) >=
	    sizeof(path))
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	if (access(path, R_OK))
		return log_err(-errno, "cannot read '%s' (%s)", path,
			       errno == EACCES ? "the site is root's: sudo"
					       : "run lucie setup first");
	snprintf(dir, sizeof(dir), "%s/", state_dir);
	ret = cluster_load_beside(out, path, dir, definition_error, NULL);
	if (!ret)
		return 0;
	cluster_free(*out);
	*out = NULL;
	return ret > 0 ? log_err(0, "'%s' has errors (run lucie setup again)", path) : ret;
}

int definition_read(struct cluster **out, const char *state_dir)
{
	return read_from(out, state_dir, "key/");
}

int definition_read_served(struct cluster **out, const char *state_dir)
{
	return read_from(out, state_dir, "");
}

int site_open(struct site *site, const char *state_dir)
{
	int ret;

	*site = (struct site){.state_dir = state_dir};
	ret = definition_read(&site->cluster, state_dir);
	if (!ret)
		ret = state_open(&site->state, state_dir);
	if (ret)
		site_close(site);
	return ret;
}

void site_close(struct site *site)
{
	state_close(site->state);
	cluster_free(site->cluster);
	*site = (struct site){0};
}

static int all_hosts(const struct site *site, struct strbuf *pattern)
{
	size_t count = cluster_count(site->cluster, TYPE_HOST);

	for (size_t i = 0; i < count; i++)
		strbuf_addf(pattern, "%s%s", i ? "," : "",
			    cluster_at(site->cluster, TYPE_HOST, i)->name);
	return pattern->error;
}

int site_hosts(const struct site *site, int count, char **words, char ***names, size_t *name_count)
{
	_cleanup_strbuf_ struct strbuf pattern = STRBUF_INIT;
	char why[256];
	int ret;

	*names = NULL;
	*name_count = 0;
	for (int i = 0; i < count; i++)
		strbuf_addf(&pattern, "%s%s", i ? "," : "", words[i]);
	ret = count ? pattern.error : all_hosts(site, &pattern);
	if (ret)
		return log_err(ret, "the list of hosts");
	if (!pattern.len)
		return log_err(0, "the definition has no host");
	ret = cluster_hosts_expand(site->cluster, pattern.buf, names, name_count, why, sizeof(why));
	return ret ? log_err(0, "%s", why) : 0;
}
