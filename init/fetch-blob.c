/* A blob into a file; see fetch-blob.h. */
#include "init/fetch-blob.h"
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/plan-format.h"
#include "init/lib/silent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define URLS_MAX 64

static int copy(struct blob_reader *r, const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const void *block;
	ssize_t n;
	int ret;

	if (fd < 0)
		return log_err(-errno, "cannot create '%s'", path);
	while ((n = blob_next(r, &block)) > 0) {
		ret = write_full(fd, block, (size_t)n);
		if (ret)
			return log_err(ret, "cannot write '%s'", path);
	}
	return (int)n;
}

/* Through any of the plan's sources. */
static int fetch(const struct plan *plan, const char *root, const char *part)
{
	char *urls[URLS_MAX];
	int count = plan_blob_urls(plan, root, urls, URLS_MAX);
	struct blob_reader *r;
	int ret;

	if (count < 0)
		return log_err(count, "cannot fetch blob '%.16s'", root);
	ret = blob_open(&r, &(struct blob_request){.root = root,
						   .silent = SILENT_PATH,
						   .urls = (const char *const *)urls,
						   .url_count = (size_t)count});
	while (count)
		free(urls[--count]);
	if (ret)
		return ret;
	ret = copy(r, part);
	blob_close(r);
	return ret;
}

static int fetch_to(const struct plan *plan, const char *root, const char *path)
{
	char part[PATH_MAX];
	int ret;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return log_err(-ENAMETOOLONG, "cannot create '%s'", path);
	ret = fetch(plan, root, part);
	if (!ret && rename(part, path))
		ret = log_err(-errno, "cannot rename '%s'", part);
	if (ret)
		unlink(part);
	return ret;
}

int fetch_blob(const char *plan_path, const char *root, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct plan plan;
	char why[160];
	size_t len;
	int ret = file_read(plan_path, PLAN_MAX, &text, &len);

	if (ret)
		return log_err(ret, "cannot read '%s'", plan_path), 1;
	if (plan_parse(&plan, text, len, why, sizeof(why)))
		return log_err(0, "'%s' is no plan: %s", plan_path, why), 1;
	ret = fetch_to(&plan, root, path);
	plan_free(&plan);
	return ret ? 1 : 0;
}
