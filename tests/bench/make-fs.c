/* Makes one file system or swap area with the installer's own code: make-fs ext4|vfat|swap FILE
 * BYTES. For tests/bench/mkfs.sh. */
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/ext4.h"
#include "modules/lib/vfat.h"

#include <stdio.h>
#include <string.h>

#define UUID "01234567-89ab-cdef-0123-456789abcdef"

int main(int argc, char **argv)
{
	static const struct ext4_spec ext4 = {
		.uuid = UUID, .label = "bench", .features = "", .reserved = -1};
	uint64_t bytes;
	char id[64];

	if (argc != 4 || str_to_u64(argv[3], &bytes)) {
		fputs("usage: make-fs ext4|vfat|swap FILE BYTES\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "ext4"))
		return ext4_make(argv[2], bytes, &ext4) ? 1 : 0;
	if (!strcmp(argv[1], "swap"))
		return swap_make(argv[2], bytes, UUID, "bench") ? 1 : 0;
	vfat_new_uuid(id);
	return vfat_make(argv[2], bytes, id, "bench") ? 1 : 0;
}
