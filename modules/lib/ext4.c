/* mkfs for ext4 through libext2fs; see ext4.h. The features and ratios are those of Debian's
 * mke2fs.conf, so that the file system is one that every tool and boot loader of the distribution
 * knows.
 *
 * Inode tables are never claimed to be zeroed: on a used disk they are not. The kernel's lazy
 * initialisation zeroes them after the first mount. Only the blocks that hold the reserved inodes
 * are zeroed here, because e2fsck looks at every slot of a block in use.
 */
#include "modules/lib/ext4.h"

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#include <errno.h>
#include <sys/types.h> /* ext2fs.h does not include all that it uses */
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <uuid/uuid.h>

#define MIB		  ((uint64_t)1 << 20)
#define TIB		  ((uint64_t)1 << 40)
#define RESERVED_PERCENT  5
#define FLEX_GROUPS_LOG	  4
#define LOST_FOUND_BYTES  16384 /* made large at once: e2fsck must not have to allocate there */
#define LOST_FOUND_BLOCKS 12

/* libext2fs returns system errors as they are and its own from a base of its own; those say nothing
 * that errno has a word for. */
static int ext4_error(errcode_t err, const char *path, const char *what)
{
	if (err > 0 && err < 4096)
		return log_err(-(int)err, "cannot make the ext4 file system of '%s': %s", path,
			       what);
	log_err(0, "cannot make the ext4 file system of '%s': %s: libext2fs error %ld", path, what,
		(long)err);
	return -EIO;
}

/* Block size and bytes per inode by the size of the file system (mke2fs.conf: small, big, huge). */
static void choose_ratio(uint64_t bytes, unsigned int *log_block, uint64_t *per_inode)
{
	*log_block = bytes < 512 * MIB ? 0 : 2;
	*per_inode = 16384;
	if (bytes < 512 * MIB)
		*per_inode = 4096;
	else if (bytes >= 16 * TIB)
		*per_inode = 65536;
	else if (bytes >= 4 * TIB)
		*per_inode = 32768;
}

static void set_features(struct ext2_super_block *super)
{
	ext2fs_set_feature_journal(super);
	ext2fs_set_feature_sparse_super(super);
	ext2fs_set_feature_large_file(super);
	ext2fs_set_feature_filetype(super);
	ext2fs_set_feature_resize_inode(super);
	ext2fs_set_feature_dir_index(super);
	ext2fs_set_feature_xattr(super);
	ext2fs_set_feature_extents(super);
	ext2fs_set_feature_huge_file(super);
	ext2fs_set_feature_flex_bg(super);
	ext2fs_set_feature_metadata_csum(super);
	ext2fs_set_feature_64bit(super);
	ext2fs_set_feature_dir_nlink(super);
	ext2fs_set_feature_extra_isize(super);
}

/* Those that need nothing but their bit, or for which there is a default that goes. */
static const struct {
	const char *name;
	unsigned int word; /* 0: compat, 1: incompat, 2: ro_compat */
	uint32_t mask;
} features[] = {
	{"has_journal", 0, EXT3_FEATURE_COMPAT_HAS_JOURNAL},
	{"dir_index", 0, EXT2_FEATURE_COMPAT_DIR_INDEX},
	{"resize_inode", 0, EXT2_FEATURE_COMPAT_RESIZE_INODE},
	{"64bit", 1, EXT4_FEATURE_INCOMPAT_64BIT},
	{"extent", 1, EXT3_FEATURE_INCOMPAT_EXTENTS},
	{"large_dir", 1, EXT4_FEATURE_INCOMPAT_LARGEDIR},
	{"ea_inode", 1, EXT4_FEATURE_INCOMPAT_EA_INODE},
	{"metadata_csum", 2, EXT4_FEATURE_RO_COMPAT_METADATA_CSUM},
	{"huge_file", 2, EXT4_FEATURE_RO_COMPAT_HUGE_FILE},
	{"dir_nlink", 2, EXT4_FEATURE_RO_COMPAT_DIR_NLINK},
	{"extra_isize", 2, EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE},
	{"verity", 2, EXT4_FEATURE_RO_COMPAT_VERITY},
};

/* The feature of a word like "^64bit" of this length; ARRAY_SIZE: none. */
static size_t find_feature(const char *word, size_t len)
{
	size_t skip = *word == '^', i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (strlen(features[i].name) == len - skip &&
		    !strncmp(features[i].name, word + skip, len - skip))
			break;
	return i;
}

bool ext4_features_known(const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (!n || find_feature(list, n) == ARRAY_SIZE(features))
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static void change_features(struct ext2_super_block *super, const char *list)
{
	uint32_t *const words[] = {&super->s_feature_compat, &super->s_feature_incompat,
				   &super->s_feature_ro_compat};

	while (*list) {
		size_t n = strcspn(list, ","), i = find_feature(list, n);

		if (i == ARRAY_SIZE(features))
			;
		else if (*list == '^')
			*words[features[i].word] &= ~features[i].mask;
		else
			*words[features[i].word] |= features[i].mask;
		list += n + (list[n] == ',');
	}
}

static void set_parameters(struct ext2_super_block *super, uint64_t bytes,
			   const struct ext4_spec *spec)
{
	unsigned int log_block;
	uint64_t per_inode, blocks, inodes;

	choose_ratio(bytes, &log_block, &per_inode);
	blocks = bytes >> (EXT2_MIN_BLOCK_LOG_SIZE + log_block);
	inodes = bytes / per_inode;
	memset(super, 0, sizeof(*super));
	super->s_rev_level = EXT2_DYNAMIC_REV;
	super->s_log_block_size = super->s_log_cluster_size = log_block;
	super->s_inode_size = 256;
	super->s_inodes_count = inodes > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)inodes;
	super->s_log_groups_per_flex = FLEX_GROUPS_LOG;
	ext2fs_blocks_count_set(super, blocks);
	ext2fs_r_blocks_count_set(
		super,
		blocks * (spec->reserved < 0 ? RESERVED_PERCENT : (uint64_t)spec->reserved) / 100);
	set_features(super);
	change_features(super, spec->features);
}

static void set_identity(struct ext2_super_block *super, const uuid_t uuid, const char *label)
{
	uuid_t seed;

	memcpy(super->s_uuid, uuid, sizeof(super->s_uuid));
	uuid_generate_random(seed);
	memcpy(super->s_hash_seed, seed, sizeof(super->s_hash_seed));
	super->s_checksum_type = EXT2_CRC32C_CHKSUM;
	super->s_def_hash_version = EXT2_HASH_HALF_MD4;
	super->s_flags |= EXT2_FLAGS_SIGNED_HASH;
	super->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	super->s_errors = EXT2_ERRORS_CONTINUE;
	super->s_max_mnt_count = -1;
	super->s_creator_os = EXT2_OS_LINUX;
	strncpy((char *)super->s_volume_name, label, sizeof(super->s_volume_name));
}

static errcode_t zero_reserved_inodes(ext2_filsys fs)
{
	unsigned int bytes = EXT2_FIRST_INODE(fs->super) * EXT2_INODE_SIZE(fs->super);
	int blocks = (int)((bytes + fs->blocksize - 1) / fs->blocksize);

	return ext2fs_zero_blocks2(fs, ext2fs_inode_table_loc(fs, 0), blocks, NULL, NULL);
}

static errcode_t make_lost_found(ext2_filsys fs)
{
	ext2_ino_t ino;
	errcode_t err;

	fs->umask = 077;
	err = ext2fs_mkdir(fs, EXT2_ROOT_INO, 0, "lost+found");
	if (!err)
		err = ext2fs_lookup(fs, EXT2_ROOT_INO, "lost+found", strlen("lost+found"), NULL,
				    &ino);
	for (unsigned int i = 1;
	     !err && i < LOST_FOUND_BLOCKS && (i + 1) * fs->blocksize <= LOST_FOUND_BYTES; i++)
		err = ext2fs_expand_dir(fs, ino);
	return err;
}

static errcode_t make_reserved_inodes(ext2_filsys fs)
{
	for (ext2_ino_t i = EXT2_ROOT_INO + 1; i < EXT2_FIRST_INODE(fs->super); i++)
		ext2fs_inode_alloc_stats2(fs, i, +1, 0);
	ext2fs_mark_ib_dirty(fs);
	ext2fs_inode_alloc_stats2(fs, EXT2_BAD_INO, +1, 0);
	return ext2fs_update_bb_inode(fs, NULL);
}

static errcode_t make_journal(ext2_filsys fs)
{
	struct ext2fs_journal_params params = {0};
	errcode_t err;

	if (!ext2fs_has_feature_journal(fs->super))
		return 0;
	err = ext2fs_get_journal_params(&params, fs);
	return err ? err : ext2fs_add_journal_inode3(fs, &params, ~0ULL, EXT2_MKJOURNAL_LAZYINIT);
}

static errcode_t make_resize_inode(ext2_filsys fs)
{
	return ext2fs_has_feature_resize_inode(fs->super) ? ext2fs_create_resize_inode(fs) : 0;
}

static errcode_t make_root(ext2_filsys fs)
{
	return ext2fs_mkdir(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, 0);
}

static int fill(ext2_filsys fs, const char *path)
{
	static const struct {
		errcode_t (*make)(ext2_filsys fs);
		const char *what;
	} steps[] = {
		{ext2fs_allocate_tables, "tables"},
		{zero_reserved_inodes, "inode table"},
		{make_root, "root directory"},
		{make_lost_found, "lost+found"},
		{make_reserved_inodes, "reserved inodes"},
		{make_resize_inode, "resize inode"},
		{make_journal, "journal"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		errcode_t err = steps[i].make(fs);

		if (err)
			return ext4_error(err, path, steps[i].what);
	}
	return 0;
}

static int sync_device(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return log_err(-errno, "cannot write to '%s'", path);
	return 0;
}

int ext4_make(const char *path, uint64_t bytes, const struct ext4_spec *spec)
{
	struct ext2_super_block param;
	ext2_filsys fs;
	uuid_t id;
	errcode_t err;
	int ret;

	if (uuid_parse(spec->uuid, id))
		return log_err(-EINVAL, "'%s' for '%s' is not a UUID", spec->uuid, path);
	set_parameters(&param, bytes, spec);
	err = ext2fs_initialize(path, EXT2_FLAG_EXCLUSIVE | EXT2_FLAG_64BITS, &param,
				unix_io_manager, &fs);
	if (err)
		return ext4_error(err, path, "superblock");
	set_identity(fs->super, id, spec->label);
	ext2fs_init_csum_seed(fs);
	ret = fill(fs, path);
	if (ret) {
		ext2fs_free(fs);
		return ret;
	}
	err = ext2fs_close_free(&fs);
	return err ? ext4_error(err, path, "superblocks and bitmaps") : sync_device(path);
}

int ext4_check_clean(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ext2_super_block *super;
	ext2_filsys fs;
	errcode_t err;
	bool clean;

	if (fd < 0 || ioctl(fd, BLKFLSBUF, 0))
		return log_err(-errno, "cannot read '%s' back", path);
	err = ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
	if (err) {
		log_err(0, "'%s' does not read back as ext4 (libext2fs error %ld)", path,
			(long)err);
		return -EUCLEAN;
	}
	super = fs->super;
	clean = super->s_state & EXT2_VALID_FS && !(super->s_state & EXT2_ERROR_FS) &&
		!ext2fs_has_feature_journal_needs_recovery(super);
	ext2fs_free(fs);
	if (clean)
		return 0;
	log_err(0, "the file system of '%s' is not clean", path);
	return -EUCLEAN;
}
