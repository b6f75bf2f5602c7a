/* A blob into a file; see fetch-blob.h. */
#include "init/fetch-blob.h"
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

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

int fetch_blob(const char *server, const char *root, const char *path)
{
	char url[512], part[PATH_MAX];
	const char *urls[] = {url};
	struct blob_reader *r;
	int ret;

	snprintf(url, sizeof(url), "%s/blob/%s", server, root);
	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return log_err(-ENAMETOOLONG, "cannot create '%s'", path), 1;
	if (blob_open(&r, &(struct blob_request){.root = root, .urls = urls, .url_count = 1}))
		return 1;
	ret = copy(r, part);
	blob_close(r);
	if (!ret && rename(part, path))
		ret = log_err(-errno, "cannot rename '%s'", part);
	if (ret)
		unlink(part);
	return ret ? 1 : 0;
}
