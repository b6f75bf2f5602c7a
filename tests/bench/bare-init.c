/* The least that a kernel can start: says when it runs (kernel clock, milliseconds) and powers off.
 * The yardstick of `make bench-boot`. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec t;
	char line[64];
	int fd;

	clock_gettime(CLOCK_BOOTTIME, &t);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_WRONLY);
	snprintf(line, sizeof(line), "bare-init: %ld ms\n",
		 (long)t.tv_sec * 1000 + t.tv_nsec / 1000000);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		return 1;
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
