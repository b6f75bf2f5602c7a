/* PID 1 of a machine with two disks, which runs what modules/lib has for stacks of storage: makes
 * them, finds them again, takes them down, and proves that nothing of them comes back. The disks
 * have the same partitions (storage.sh): 1 is large, 2 and 3 are small.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"
#include "modules/lib/ext4.h"
#include "modules/lib/fsck.h"
#include "modules/lib/luks.h"
#include "modules/lib/lvm.h"
#include "modules/lib/probe.h"
#include "modules/lib/raid.h"
#include "modules/lib/takedown.h"
#include "modules/lib/tool.h"
#include "modules/lib/xfs.h"

#define KEY	 "a key\0with a zero"
#define KEY_LEN	 (sizeof(KEY) - 1)
#define MIB	 ((uint64_t)1 << 20)
#define XFS_SIZE (304 * MIB)
#define SWAP	 (16 * MIB)

#define UUID_RAID "11111111-2222-3333-4444-555555555555"
#define UUID_LUKS "66666666-7777-4888-9999-aaaaaaaaaaaa"
#define UUID_XFS  "bbbbbbbb-cccc-4ddd-8eee-ffffffffffff"
#define UUID_SWAP "12345678-1234-4234-8234-123456789abc"

static const char *const large[] = {"/dev/vda1", "/dev/vdb1"};
static const char *const small[] = {"/dev/vda2", "/dev/vdb2", "/dev/vda3", "/dev/vdb3"};

static void __attribute__((noreturn)) finish(const char *result)
{
	printf("storage: %s\n", result);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("storage.c:%d: %s\n", __LINE__, #what);                             \
			finish("FAILED");                                                          \
		}                                                                                  \
	} while (0)

static void show(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	printf("  %s\n", line);
}

static void start(void)
{
	static const char *const drivers[] = {"virtio_pci", "virtio_blk"};

	mkdir("/proc", 0755);
	mkdir("/mnt", 0755);
	CHECK(!mount("proc", "/proc", "proc", 0, NULL));
	CHECK(!mount("sysfs", "/sys", "sysfs", 0, NULL));
	CHECK(!mount("devtmpfs", "/dev", "devtmpfs", 0, NULL));
	CHECK(!mount("tmpfs", "/run", "tmpfs", 0, NULL));
	tool_load(drivers, ARRAY_SIZE(drivers));
	for (int i = 0; i < 100 && access("/dev/vdb3", F_OK); i++)
		sleep_ms(100);
	CHECK(!access("/dev/vda3", F_OK) && !access("/dev/vdb3", F_OK));
}

/* --- looking --- */

static const char *content(const char *path)
{
	static char text[256];
	struct strbuf out = STRBUF_INIT;
	unsigned int contents;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0 && !probe_describe(fd, 0, 0, &out, &contents));
	snprintf(text, sizeof(text), "%s", out.buf ? out.buf : "");
	strbuf_free(&out);
	close(fd);
	return text;
}

static bool runs(const char *prefix)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	bool found = false;

	CHECK(dir);
	while ((e = readdir(dir)))
		found = found || str_starts(e->d_name, prefix);
	closedir(dir);
	return found;
}

static void count_line(const char *line, void *arg)
{
	printf("  %s\n", line);
	++*(unsigned int *)arg;
}

/* What mdadm finds by itself on all devices. */
static unsigned int arrays_found(void)
{
	char *const argv[] = {"/sbin/mdadm", "--examine", "--scan", "--config=partitions", NULL};
	unsigned int lines = 0;
	struct proc_options o = {.total_seconds = 60, .line = count_line, .arg = &lines};

	CHECK(proc_run(argv, &o) == 0);
	return lines;
}

/* --- a stack: RAID 1, LUKS, LVM, and on it xfs and swap --- */

static struct luks on_array(const char *array)
{
	return (struct luks){
		.name = "safe", .uuid = UUID_LUKS, .device = array, .key = KEY, .key_len = KEY_LEN};
}

static void make_stack(void)
{
	const struct raid r = {.name = "root",
			       .uuid = UUID_RAID,
			       .level = 1,
			       .metadata = "1.2",
			       .members = large,
			       .count = 2};
	char array[DISK_PATH_MAX], mapping[DISK_PATH_MAX], lv[DISK_PATH_MAX];
	const char *members[] = {mapping};
	struct luks k;
	uint64_t free_bytes;

	CHECK(!raid_create(&r, array));
	k = on_array(array);
	CHECK(!luks_format(&k) && !luks_open(&k, mapping));
	CHECK(!lvm_create_vg("vg-0", members, 1));
	CHECK(!lvm_vg_bytes("vg-0", members, 1, &free_bytes) && free_bytes >= XFS_SIZE + SWAP);
	CHECK(!lvm_create_lv("vg-0", "root", XFS_SIZE, members, 1, lv));
	CHECK(!strcmp(lv, "/dev/mapper/vg--0-root"));
	xfs_load();
	CHECK(!xfs_make(lv, UUID_XFS, "top"));
	CHECK(!mount(lv, "/mnt", "xfs", 0, NULL));
	CHECK(!file_write("/mnt/file", "content", 7, 0644));
	CHECK(!umount("/mnt"));
	CHECK(!lvm_create_lv("vg-0", "swap", SWAP, members, 1, lv));
	CHECK(!swap_make(lv, SWAP, UUID_SWAP, ""));
	CHECK(!swapon(lv, 0));
}

static void find_stack(const char *const *members, size_t count)
{
	char array[DISK_PATH_MAX], mapping[DISK_PATH_MAX], again[DISK_PATH_MAX], why[160];
	_cleanup_free_ char *text = NULL;
	const char *pvs[] = {mapping};
	struct luks k;

	CHECK(!raid_assemble("root", UUID_RAID, members, count, array));
	CHECK(!raid_assemble("root", UUID_RAID, members, count, again) && !strcmp(array, again));
	k = on_array(array);
	CHECK(!luks_open(&k, mapping) && !luks_open(&k, mapping));
	CHECK(!lvm_activate("vg-0", pvs, 1) && !lvm_activate("vg-0", pvs, 1));
	CHECK(!xfs_mend("/dev/mapper/vg--0-root", why, sizeof(why)));
	CHECK(!mount("/dev/mapper/vg--0-root", "/mnt", "xfs", 0, NULL));
	CHECK(!file_read("/mnt/file", 100, &text, NULL) && !strcmp(text, "content"));
}

static void end_all(void)
{
	static const struct disk disks[] = {{.name = "vda", .path = "/dev/vda"},
					    {.name = "vdb", .path = "/dev/vdb"}};

	CHECK(!takedown_disk(&disks[0]) && !takedown_disk(&disks[1]));
	/* The kernel lets go of a stopped array a moment later. */
	for (int i = 0; i < 100 && runs("md"); i++)
		sleep_ms(100);
	CHECK(!runs("md") && !runs("dm-"));
	CHECK(access("/dev/mapper/safe", F_OK) && access("/dev/mapper/vg--0-root", F_OK));
}

static void test_stack(void)
{
	static const struct disk vda = {.name = "vda", .path = "/dev/vda"};
	struct luks wrong = {.name = "safe",
			     .uuid = UUID_LUKS,
			     .device = "/dev/md127",
			     .key = "wrong",
			     .key_len = 5};
	char path[DISK_PATH_MAX];

	make_stack();
	end_all();
	CHECK(arrays_found() == 1);
	find_stack(large, 2);
	CHECK(takedown_disk(&vda) == -EBUSY); /* mounted */
	CHECK(!umount("/mnt"));
	end_all();
	find_stack(&large[1], 1); /* degraded */
	CHECK(!umount("/mnt"));
	end_all();
	CHECK(!raid_assemble("root", UUID_RAID, large, 2, path));
	CHECK(luks_open(&wrong, path) == -EIO);
	end_all();
}

/* The same places, other stacks: nothing of the old one lives in them. */
static void test_again(void)
{
	struct raid r = {.name = "other",
			 .uuid = UUID_RAID,
			 .level = 1,
			 .metadata = "1.2",
			 .members = large,
			 .count = 2};
	char array[DISK_PATH_MAX], lv[DISK_PATH_MAX];
	const char *members[] = {array};

	for (size_t i = 0; i < 2; i++)
		CHECK(!takedown_erase(large[i], 0, 0) && !content(large[i])[0]);
	CHECK(!arrays_found());
	CHECK(!raid_create(&r, array) && !content(array)[0]);
	CHECK(!lvm_create_vg("vg-0", members, 1));
	CHECK(!lvm_create_lv("vg-0", "root", XFS_SIZE, members, 1, lv) && !content(lv)[0]);
	end_all();
	/* As the old one was, and erased as a whole: only the label of LVM is in the new array's way. */
	CHECK(!raid_create(&r, array) && !content(array)[0]);
	end_all();
	for (size_t i = 0; i < 2; i++)
		CHECK(!takedown_erase(large[i], 0, 0) && !content(large[i])[0]);
}

static void test_levels(void)
{
	static const unsigned int levels[] = {0, 5, 6, 10, 1};
	struct raid r = {.name = "data", .uuid = UUID_RAID, .members = small, .count = 4};
	static const struct ext4_spec ext4 = {
		.uuid = UUID_XFS, .label = "", .features = "", .reserved = -1};
	char path[DISK_PATH_MAX], why[160];

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		bool spare = levels[i] == 5;

		r.level = levels[i];
		r.spares = spare;
		r.chunk = levels[i] == 1 ? 0 : 128 << 10;
		r.metadata = levels[i] == 1 ? "1.0" : "1.2";
		CHECK(!raid_create(&r, path));
		CHECK(!ext4_make(path, 32 * MIB, &ext4));
		end_all();
		CHECK(!raid_assemble("data", UUID_RAID, small,
				     levels[i] == 10 || levels[i] == 1 ? 3 : 4, path));
		CHECK(fsck_ext4(path, why, sizeof(why)) == 0);
		end_all();
		for (size_t n = 0; n < ARRAY_SIZE(small); n++)
			CHECK(!takedown_erase(small[n], 0, 0) && !content(small[n])[0]);
		printf("RAID %u: well\n", levels[i]);
	}
}

/* Members whose nodes are no links and have names of their own, as those of mappings. */
static void test_names(void)
{
	static const char *const nodes[] = {"/dev/mapper-a", "/dev/mapper-b"};
	const struct raid r = {.name = "named",
			       .uuid = UUID_RAID,
			       .level = 1,
			       .metadata = "1.2",
			       .members = nodes,
			       .count = 2};
	char path[DISK_PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		CHECK(!stat(small[i], &st) && !mknod(nodes[i], S_IFBLK | 0600, st.st_rdev));
	CHECK(!raid_create(&r, path));
	end_all();
	CHECK(!raid_assemble("named", UUID_RAID, nodes, 2, path));
	end_all();
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		CHECK(!takedown_erase(nodes[i], 0, 0) && !unlink(nodes[i]));
}

static void test_swap(void)
{
	const struct luks k = {.name = "cryptswap", .device = small[0]};
	char path[DISK_PATH_MAX];

	CHECK(!luks_format(&k) && !luks_open(&k, path));
	CHECK(!swap_make(path, SWAP, UUID_SWAP, "") && !swapon(path, 0));
	CHECK(!strstr(content(small[0]), "swap"));
	end_all();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_sink(show, NULL);
	start();
	test_stack();
	test_again();
	test_levels();
	test_names();
	test_swap();
	finish("all well");
}
