/* Reading /dev/kmsg; see kmsg.h. A record is "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n", one a read. */
#include "init/lib/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/str.h"

#define RECORD_MAX  8192
#define RECORDS_MAX 100000 /* a disk may fail faster than it is read about */

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	return fd;
}

/* "I/O error, dev vda, sector 2048 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2": what comes
 * after the operation says nothing to a person. */
bool kmsg_parse_disk_error(const char *record, char *text, size_t len)
{
	const char *said = strchr(record, ';'), *end;

	if (!said || !strstr(said, " error, dev ") || !strstr(said, ", sector "))
		return false;
	end = strstr(said, " flags ");
	snprintf(text, len, "%.*s", (int)(end ? end - said - 1 : (long)strcspn(said + 1, "\n")),
		 said + 1);
	str_make_text(text);
	return true;
}

bool kmsg_disk_error(int fd, char *text, size_t len)
{
	char record[RECORD_MAX + 1];
	bool found = false;

	for (int i = 0; i < RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, RECORD_MAX);

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* EPIPE: records were overwritten before they were read */
		if (n <= 0)
			break;
		record[n] = '\0';
		found = found || kmsg_parse_disk_error(record, text, len);
	}
	return found;
}
