/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): what a frame on the ring is checked with at every
 * hop. */
#ifndef LUCIE_CRC32C_H
#define LUCIE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t len);
/* The portable one, for machines without the instruction; the tests compare the two. */
uint32_t crc32c_table(const void *data, size_t len);

#endif
