/* The disk of a machine with UEFI: shim and GRUB on the system partition, both signed by the
 * distribution, so that Secure Boot starts them. They are the base system's own where it has the
 * packages, else those of the archive uefi.img. GRUB reads EFI/VENDOR/grub.cfg beside it, which
 * leads to the configuration in /boot; see boot-loader.h.
 */
#include "modules/lib/boot-loader.h"

#include <blake3.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/target.h"

#define VENDOR	   "debian" /* of the image's GRUB: the folder that it reads */
#define OS_RELEASE "/etc/os-release"
#define LOADER_MAX ((size_t)16 << 20)
#define LOOK_AT	   "/run/lucie/esp"

static const struct {
	const char *shim, *grub;
} of_target = {BOOT_OWN_SHIM, BOOT_OWN_GRUB},
  of_image = {"/lib/lucie/shimx64.efi", "/lib/lucie/grubx64.efi"};

static void hash_of(const void *data, size_t len, uint8_t out[BOOT_FILE_HASH])
{
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, data, len);
	blake3_hasher_finalize(&h, out, BOOT_FILE_HASH);
}

/* Onto each system partition; what is written is remembered for the proof. */
static int put(struct boot_loader *b, const char *path, const void *data, size_t len)
{
	struct boot_file *file = &b->files[b->file_count++];
	char place[PATH_MAX];
	int ret = 0;

	snprintf(file->path, sizeof(file->path), "%s", path);
	file->bytes = len;
	hash_of(data, len, file->hash);
	for (size_t i = 0; !ret && i < b->esp_count; i++) {
		snprintf(place, sizeof(place), "%s/%s", b->esps[i]->part.mount, path);
		ret = target_write(b->target, place, data, len, 0644);
	}
	return ret;
}

/* From the target (its own links followed) or, target NULL, from the image. */
static int copy(struct boot_loader *b, const char *target, const char *from, const char *to)
{
	_cleanup_close_ int fd =
		target ? target_open(target, from, O_RDONLY) : open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	struct stat st;
	int ret;

	if (fd < 0 || fstat(fd, &st))
		return log_err(target ? fd : -errno, "cannot read '%s'", from);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)LOADER_MAX)
		return log_err(-EINVAL, "'%s' is no boot loader", from);
	data = malloc((size_t)st.st_size);
	ret = data ? read_full(fd, data, (size_t)st.st_size) : -ENOMEM;
	return ret ? log_err(ret, "cannot read '%s'", from) : put(b, to, data, (size_t)st.st_size);
}

bool boot_uefi_owns_loaders(const struct boot_loader *b)
{
	return target_exists(b->target, of_target.shim) && target_exists(b->target, of_target.grub);
}

static int copy_loaders(struct boot_loader *b, bool *own)
{
	int ret;

	*own = boot_uefi_owns_loaders(b);
	if (*own) {
		ret = copy(b, b->target, of_target.shim, BOOT_FILE_SHIM);
		return ret ? ret : copy(b, b->target, of_target.grub, BOOT_FILE_GRUB);
	}
	if (access(of_image.shim, R_OK) || access(of_image.grub, R_OK)) {
		log_err(0, "no boot loader for UEFI: the base has no shim-signed and "
			   "grub-efi-amd64-signed, and uefi.img was not loaded");
		return -ENOENT;
	}
	ret = copy(b, NULL, of_image.shim, BOOT_FILE_SHIM);
	return ret ? ret : copy(b, NULL, of_image.grub, BOOT_FILE_GRUB);
}

/* The folder that the base's own GRUB reads: the distribution's ID, of os-release(5). */
static void vendor_of(const struct boot_loader *b, char out[32])
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	strcpy(out, VENDOR);
	if (target_read(b->target, OS_RELEASE, LOADER_MAX, &text))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (!strncmp(line, "ID=", 3) && str_is_name(line + 3) && strlen(line + 3) < 32)
			strcpy(out, line + 3);
}

static int write_stub(struct boot_loader *b, bool own)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char vendor[32] = VENDOR, path[64];

	if (own)
		vendor_of(b, vendor);
	strbuf_addf(&text, "search --no-floppy --fs-uuid --set=root %s\nconfigfile ($root)%s%s\n",
		    b->boot->part.uuid, boot_is_own_partition(b) ? "" : "/boot",
		    &BOOT_CONFIG_GRUB[strlen("/boot")]);
	if (text.error)
		return log_err(text.error, "cannot write grub.cfg");
	snprintf(path, sizeof(path), "EFI/%s/grub.cfg", vendor);
	return put(b, path, text.buf, text.len);
}

/* What lies at its place really is the system partition that the stamp led to. */
static int check_mounted(const struct boot_loader *b, const struct volume *esp)
{
	char place[PATH_MAX];
	struct stat st;
	dev_t dev;
	int ret = target_place(b->target, esp->part.mount, place);

	if (ret || stat(esp->path, &st))
		return log_err(ret ? ret : -errno, "cannot find '%s'", esp->path);
	if (!target_is_mounted(place, &dev) || dev != st.st_rdev)
		return log_err(-EXDEV, "'%s' is not mounted at '%s'", esp->path, place);
	return 0;
}

int boot_uefi_install(struct boot_loader *b)
{
	int ret = 0;
	bool own;

	b->file_count = 0;
	if (!b->esp_count)
		return log_err(-ENXIO, "this machine boots by UEFI, and its disk has no system "
				       "partition");
	for (size_t i = 0; !ret && i < b->esp_count; i++)
		ret = check_mounted(b, b->esps[i]);
	if (!ret)
		ret = copy_loaders(b, &own);
	return ret ? ret : write_stub(b, own);
}

/* --- proof --- */

static int verify_file(const struct volume *esp, const struct boot_file *file)
{
	_cleanup_free_ char *data = NULL;
	uint8_t hash[BOOT_FILE_HASH];
	char path[PATH_MAX];
	size_t len = 0;
	int ret;

	snprintf(path, sizeof(path), LOOK_AT "/%s", file->path);
	ret = file_read(path, LOADER_MAX, &data, &len);
	if (!ret)
		hash_of(data, len, hash);
	if (!ret && (len != file->bytes || memcmp(hash, file->hash, sizeof(hash))))
		ret = -EIO;
	return ret ? log_err(ret, "'%s' of '%s' does not read back", file->path, esp->path) : 0;
}

static int verify_partition(const struct boot_loader *b, const struct volume *esp)
{
	int ret = 0;

	if (mount(esp->path, LOOK_AT, layout_fs_name(FS_VFAT), MS_RDONLY, NULL))
		return log_err(-errno, "cannot mount '%s' to look at it", esp->path);
	for (size_t i = 0; !ret && i < b->file_count; i++)
		ret = verify_file(esp, &b->files[i]);
	if (umount2(LOOK_AT, UMOUNT_NOFOLLOW) && !ret)
		ret = log_err(-errno, "cannot unmount '%s'", LOOK_AT);
	return ret;
}

int boot_uefi_verify(const struct boot_loader *b)
{
	int ret = mkdir_path(LOOK_AT, 0700);

	if (ret)
		return log_err(ret, "cannot make '%s'", LOOK_AT);
	for (size_t i = 0; !ret && i < b->esp_count; i++)
		ret = verify_partition(b, b->esps[i]);
	return ret;
}
