/* CRC-32C. With SSE 4.2 three blocks are summed side by side, because the instruction has a latency
 * of three cycles, and joined by advancing a sum over as many zero bytes as a block has; elsewhere
 * one table, a byte at a time. The tables are made at the first use. */
#include "ring/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */
#define BLOCK	   ((size_t)1024)

static uint32_t byte_table[256];
static uint32_t advance_table[4][256]; /* of a sum, by BLOCK zero bytes */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t step(uint32_t crc, uint8_t byte)
{
	return byte_table[(crc ^ byte) & 0xff] ^ (crc >> 8);
}

static uint32_t advance_slowly(uint32_t crc)
{
	for (size_t i = 0; i < BLOCK; i++)
		crc = step(crc, 0);
	return crc;
}

/* A sum is linear over GF(2): the advance of a byte value is the xor of the advances of its bits.
 */
static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		byte_table[b] = crc;
	}
	for (int lane = 0; lane < 4; lane++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t value = advance_slowly((uint32_t)1 << (8 * lane + bit));

			for (int b = 0; b < 256; b++)
				if (b >> bit & 1)
					advance_table[lane][b] ^= value;
		}
}

uint32_t crc32c_table(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = ~0u;

	pthread_once(&once, make_tables);
	while (len--)
		crc = step(crc, *p++);
	return ~crc;
}

#if defined(__x86_64__)
static uint32_t advance(uint32_t crc)
{
	return advance_table[0][crc & 0xff] ^ advance_table[1][crc >> 8 & 0xff] ^
	       advance_table[2][crc >> 16 & 0xff] ^ advance_table[3][crc >> 24];
}

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = ~0u, b, c;

	for (; len >= 3 * BLOCK; len -= 3 * BLOCK, p += 3 * BLOCK) {
		b = c = 0;
		for (size_t i = 0; i < BLOCK; i += 8) {
			a = __builtin_ia32_crc32di(a, load(p + i));
			b = __builtin_ia32_crc32di(b, load(p + BLOCK + i));
			c = __builtin_ia32_crc32di(c, load(p + 2 * BLOCK + i));
		}
		a = advance(advance((uint32_t)a) ^ (uint32_t)b) ^ c;
	}
	for (; len >= 8; len -= 8, p += 8)
		a = __builtin_ia32_crc32di(a, load(p));
	while (len--)
		a = __builtin_ia32_crc32qi((uint32_t)a, *p++);
	return ~(uint32_t)a;
}

uint32_t crc32c(const void *data, size_t len)
{
	if (!__builtin_cpu_supports("sse4.2"))
		return crc32c_table(data, len);
	pthread_once(&once, make_tables);
	return crc32c_sse42(data, len);
}
#else
uint32_t crc32c(const void *data, size_t len)
{
	return crc32c_table(data, len);
}
#endif
