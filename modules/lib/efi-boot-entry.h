/* Boot entries of UEFI firmware: the bytes of a Boot#### variable (EFI_LOAD_OPTION, UEFI
 * specification 3.1.3, with the device paths of chapter 10), and the order in which the firmware
 * tries them. Pure; the variables themselves are efi-vars.h.
 */
#ifndef LUCIE_EFI_BOOT_ENTRY_H
#define LUCIE_EFI_BOOT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EFI_OPTION_MAX	((size_t)4096) /* of those that are looked at */
#define EFI_ENTRIES_MAX 256
#define EFI_TEXT_MAX	80

struct efi_option {
	bool active;
	char description[EFI_TEXT_MAX]; /* ASCII; what is not becomes '?' */
	bool network;			/* leads over a network card */
	bool on_partition;		/* leads to a file on a partition: */
	struct efi_partition {
		bool gpt; /* else MSDOS */
		uint32_t number;
		uint64_t start, blocks; /* logical blocks of the disk */
		uint8_t id
			[16]; /* GPT: the partition's GUID as on disk; MSDOS: 4 bytes of the table's */
	} partition;
	char file[EFI_TEXT_MAX]; /* as decoded */
};

/* An active entry for a file ("\\EFI\\BOOT\\BOOTX64.EFI") on that partition; returns its bytes, 0
 * if they are more than len. */
size_t efi_option_encode(const struct efi_option *o, uint8_t *out, size_t len);
/* -EBADMSG where it is not one. Of several device paths the first counts, as for the firmware. */
int efi_option_decode(struct efi_option *o, const uint8_t *bytes, size_t len);

/* The partition's GUID or the table's id, as libfdisk shows them, as the firmware has them. -EINVAL.
 */
int efi_partition_id(struct efi_partition *p, const char *text);

enum efi_kind {
	EFI_KIND_OTHER,
	EFI_KIND_NETWORK,
	EFI_KIND_OURS, /* made by an installation */
};

struct efi_order {
	uint16_t list[EFI_ENTRIES_MAX];
	size_t count;
};

/* Where `ours` come into the order: directly behind the last entry of the network, so that the
 * server goes on deciding what the machine boots; at the front if there is none. A machine that came
 * over the network now (`netbooted`) gets all those entries in front, whatever was there before.
 * kinds: of each entry of the old order; EFI_KIND_OURS leave it. Duplicates vanish. */
void efi_order_make(struct efi_order *out, const struct efi_order *old, const enum efi_kind *kinds,
		    const struct efi_order *ours, bool netbooted);

#endif
