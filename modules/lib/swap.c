/* Swap areas. The header is the kernel's `union swap_header` (include/linux/swap.h), version 1: it
 * lies in the first page, after 1024 bytes for a boot sector, and the page ends in the signature.
 * Numbers are in the machine's own byte order. */
#include "modules/lib/ext4.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <uuid/uuid.h>

#define SWAP_HEADER    1024
#define SWAP_SIGNATURE "SWAPSPACE2" /* the last 10 bytes of the page */
#define SWAP_LABEL_LEN 16
#define SWAP_PAGES_MIN 10

struct swap_header {
	uint32_t version, last_page, bad_pages;
	uint8_t uuid[16];
	char label[SWAP_LABEL_LEN];
};

int swap_make(const char *path, uint64_t bytes, const char *uuid, const char *label)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t pages = bytes / page;
	struct swap_header header = {.version = 1};
	_cleanup_free_ char *first = calloc(1, page);
	_cleanup_close_ int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	int ret;

	if (fd < 0 || !first)
		return log_err(fd < 0 ? -errno : -ENOMEM, "cannot open '%s' for swap", path);
	if (pages < SWAP_PAGES_MIN || uuid_parse(uuid, header.uuid))
		return log_err(-EINVAL, "cannot make swap on '%s' of %llu bytes", path,
			       (unsigned long long)bytes);
	header.last_page = pages - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(pages - 1);
	memcpy(header.label, label, strnlen(label, sizeof(header.label)));
	memcpy(first + SWAP_HEADER, &header, sizeof(header));
	memcpy(first + page - strlen(SWAP_SIGNATURE), SWAP_SIGNATURE, strlen(SWAP_SIGNATURE));
	ret = pwrite_full(fd, first, page, 0);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot make swap on '%s'", path) : 0;
}
