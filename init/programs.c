/* Unpacking the programs of the image; see programs.h. They come from the image itself, so they are
 * as trusted as this program. */
#include "init/programs.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/loop.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#define WAIT_MS	   60000
#define BLOCK_SIZE 65536

static struct child child = {.name = "programs", .line = child_log_line};

static int unpack_entries(struct archive *in)
{
	int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_UNLINK;
	struct archive_entry *e;
	int ret;

	while ((ret = archive_read_next_header(in, &e)) == ARCHIVE_OK)
		if (archive_read_extract(in, e, flags) != ARCHIVE_OK)
			return log_err(0, "cannot unpack '%s': %s", archive_entry_pathname(e),
				       archive_error_string(in));
	return ret == ARCHIVE_EOF ? 0
				  : log_err(0, "cannot read '%s': %s", PROGRAMS_PATH,
					    archive_error_string(in));
}

static int unpack(void *arg)
{
	struct archive *in = archive_read_new();
	int ret;

	(void)arg;
	if (!in || chdir("/"))
		return log_err(-ENOMEM, "cannot unpack '%s'", PROGRAMS_PATH), 1;
	archive_read_support_filter_xz(in);
	archive_read_support_format_cpio(in);
	if (archive_read_open_filename(in, PROGRAMS_PATH, BLOCK_SIZE) != ARCHIVE_OK)
		ret = log_err(0, "cannot open '%s': %s", PROGRAMS_PATH, archive_error_string(in));
	else
		ret = unpack_entries(in);
	archive_read_free(in);
	unlink(PROGRAMS_PATH); /* others wait for this too */
	return ret ? 1 : 0;
}

void programs_start(void)
{
	if (!child_running(&child) && !access(PROGRAMS_PATH, F_OK))
		child_start(&child, unpack, NULL);
}

void programs_wait(void)
{
	int64_t end = now_ms() + WAIT_MS;

	programs_start();
	while (child_running(&child) && now_ms() < end)
		loop_wait(100);
	if (child_running(&child))
		log_warn("the image's programs are not unpacked after %d s; going on",
			 WAIT_MS / 1000);
}
