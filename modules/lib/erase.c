/* See erase.h. NVMe's own format command and ATA's secure erase are left alone: both can end in a
 * drive that is locked, or that belongs to another controller. */
#include "modules/lib/erase.h"

#include <errno.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "modules/lib/probe.h"

#define STEP ((uint64_t)64 << 20)

static bool is_stopped(const struct erase *e, uint64_t done, const char *what)
{
	return e->progress && e->progress(e->arg, done, what);
}

static int command(const struct erase *e, unsigned long request, uint64_t from, uint64_t to)
{
	uint64_t range[2] = {from, to - from};

	return ioctl(e->fd, request, range) ? -errno : 0;
}

/* Zeros by the device's own command where it has one, else by writing them. */
static int zero(const struct erase *e, uint64_t from, uint64_t to)
{
	for (uint64_t at = from, next; at < to; at = next) {
		int ret;

		next = to - at > STEP ? at + STEP : to;
		if (is_stopped(e, at, "writing zeros"))
			return -ECANCELED;
		ret = command(e, BLKZEROOUT, at, next);
		if (ret)
			ret = probe_zero(e->fd, at, next - at);
		if (ret)
			return ret;
	}
	return fsync(e->fd) ? -errno : 0;
}

/* As much at once as a device takes without a sign of life for too long. */
static int discard(const struct erase *e, unsigned long request, uint64_t from, uint64_t to)
{
	const uint64_t step = 16 * STEP;
	int ret = 0;

	for (uint64_t at = from, next; !ret && at < to; at = next) {
		next = to - at > step ? at + step : to;
		ret = is_stopped(e, at, "discarding") ? -ECANCELED : command(e, request, at, next);
	}
	return ret;
}

/* Samples of all but [skip, skip + skip_len). */
static int prove(const struct erase *e, uint64_t skip, uint64_t skip_len)
{
	uint64_t where;
	int ret;

	/* What is read is to come from the device. */
	if (fsync(e->fd) || ioctl(e->fd, BLKFLSBUF, 0))
		return -errno;
	ret = probe_is_zero(e->fd, e->bytes, skip, skip_len, &where);
	return ret < 0 ? ret : ret ? 0 : -EIO;
}

static int erase_most(const struct erase *e, uint64_t last, enum erase_how *how)
{
	static const struct {
		unsigned long request;
		enum erase_how how;
	} ways[] = {{BLKSECDISCARD, ERASE_SECURE}, {BLKDISCARD, ERASE_DISCARD}};
	int ret;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		ret = discard(e, ways[i].request, last, e->bytes);
		if (ret == -ECANCELED)
			return ret;
		*how = ways[i].how;
		if (!ret && !prove(e, 0, last))
			return 0;
	}
	*how = ERASE_ZEROS;
	ret = zero(e, last, e->bytes);
	return ret ? ret : prove(e, 0, last);
}

int erase_disk(const struct erase *e, uint64_t last, enum erase_how *how)
{
	int ret = erase_most(e, last, how);

	if (!ret)
		ret = zero(e, 0, last);
	return ret ? ret : prove(e, 0, 0);
}

const char *erase_word(enum erase_how how)
{
	static const char *const words[] = {"securely discarded", "discarded",
					    "overwritten with zeros"};

	return words[how];
}
