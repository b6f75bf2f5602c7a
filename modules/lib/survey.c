/* See survey.h. */
#include "modules/lib/survey.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "init/lib/log.h"
#include "modules/lib/guard.h"
#include "modules/lib/keep.h"

/* An image file has no sectors of its own. */
static void read_geometry(struct survey *s)
{
	unsigned int optimal = 0;
	int sector = 0;

	s->sector = ioctl(s->fd, BLKSSZGET, &sector) || sector < 512 || sector > 4096
			    ? 512
			    : (unsigned int)sector;
	s->optimal_io = ioctl(s->fd, BLKIOOPT, &optimal) ? 0 : optimal;
}

int survey_read(struct survey *s)
{
	const struct guard_disk disk = {.fd = s->fd, .bytes = s->bytes};
	int ret;

	read_geometry(s);
	ret = table_read(s->path, &s->table);
	if (!ret)
		ret = table_probe(s->fd, s->path, s->bytes, &s->table);
	if (ret)
		return ret;
	s->stamp_read = ret = stamp_read(s->fd, &s->stamp);
	if (!ret || ret == -ENODATA || ret == -EBADMSG)
		ret = guard_is_blank(&disk, &s->blank);
	return ret ? log_err(ret, "cannot read '%s'", s->path) : 0;
}

int survey_place(const struct survey *s, struct layout *l, size_t disk, const char *site,
		 uint64_t ram, char *why, size_t why_len)
{
	bool ours = !s->stamp_read && site && !strcmp(s->stamp.site, site);
	const struct keep_disk found = {
		.table = &s->table, .stamp = ours ? &s->stamp : NULL, .blank = s->blank};
	int ret;

	layout_geometry(l, disk, s->sector, s->optimal_io);
	ret = keep_find(l, disk, &found, why, why_len);
	return ret ? ret : layout_place(l, disk, s->bytes, ram, why, why_len);
}

int survey_judge(const struct survey *s, const struct layout *l, size_t disk, const char *site,
		 struct strbuf *why)
{
	const struct guard_disk d = {
		.fd = s->fd, .bytes = s->bytes, .table = &s->table, .layout = l, .index = disk};

	return guard_judge(&d, site, why);
}
