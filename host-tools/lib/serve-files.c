/* GET of blobs, boot files and packages. A path is opened by the kernel below its folder and
 * nowhere else (openat2, RESOLVE_BENEATH): neither ".." nor a symbolic link leads out of it. Blobs
 * are named by their hash, so their folder may hold links to wherever the data lies.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* Not a terminal of ours, and never waiting for a pipe's other end. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int open_beneath(int folder, const char *path)
{
	struct open_how how = {.flags = OPEN_FLAGS,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_package(struct serve *s, const struct route *route)
{
	const struct cluster_object *server;
	_cleanup_close_ int folder = -1;
	const char *path;

	pthread_rwlock_rdlock(&s->cluster_lock);
	server = cluster_find(s->cluster, TYPE_PACKAGE_SERVER, route->name);
	path = server ? cluster_get(server, "path") : NULL;
	if (path)
		folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pthread_rwlock_unlock(&s->cluster_lock);
	return folder < 0 ? -ENOENT : open_beneath(folder, route->rest);
}

/* Looked up anew each time: another generation may be in force. */
static int open_boot_file(const struct serve *s, const struct route *route)
{
	_cleanup_close_ int folder = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tftp", s->options->state_dir);
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -errno : open_beneath(folder, route->rest);
}

static int open_route(struct serve *s, const struct route *route)
{
	int fd;

	switch (route->kind) {
	case ROUTE_BLOB:
		fd = openat(s->blobs_fd, route->rest, OPEN_FLAGS);
		return fd < 0 ? -errno : fd;
	case ROUTE_BOOT:
		return open_boot_file(s, route);
	default:
		return open_package(s, route);
	}
}

void serve_file(struct serve *s, const struct route *route, struct http_reply *reply)
{
	int fd = open_route(s, route);
	struct stat st;

	if (fd == -EMFILE || fd == -ENFILE) {
		http_reply_text(reply, HTTP_FAILED, "too many open files");
		log_err(fd, "cannot open '%s'", route->rest);
		return;
	}
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -ENOENT;
	}
	if (fd < 0) {
		http_reply_text(reply, HTTP_NOT_FOUND, "there is no such file");
		return;
	}
	reply->fd = fd;
	reply->size = (uint64_t)st.st_size;
	/* A blob's name is what is in it. Others may be written over, or get the number of the one that
	 * they replace. */
	if (route->kind == ROUTE_BLOB)
		snprintf(reply->etag, sizeof(reply->etag), "%s", route->rest);
	else
		snprintf(reply->etag, sizeof(reply->etag), "%llx-%llx-%llx.%lx",
			 (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
			 (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
}
