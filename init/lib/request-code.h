/* The code by which a request says which installation it is of, and its answer that it is the
 * server's: the installation's token, which both know from the plan, is never on the wire.
 *
 *	key     = BLAKE3(token), what the server keeps of it
 *	request = keyed BLAKE3 of "lucie-request-1\n", method, path, body
 *	answer  = keyed BLAKE3 of "lucie-answer-1\n", the request's code, status in digits, body
 *
 * The first is as it is; before each of the others comes its length as 8 bytes little-endian.
 *
 *	Authorization: Lucie CODE        in the request, 64 hex digits
 *	Lucie-Code: CODE                 in the answer
 *
 * Pure.
 */
#ifndef LUCIE_REQUEST_CODE_H
#define LUCIE_REQUEST_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_KEY_LEN	   32
#define REQUEST_CODE_LEN   32
#define REQUEST_CODE_TEXT  (2 * REQUEST_CODE_LEN + 1)
#define REQUEST_SCHEME	   "Lucie "
#define ANSWER_CODE_HEADER "Lucie-Code"

/* Of a token in hex. -EINVAL. */
int request_key(const char *token, uint8_t key[REQUEST_KEY_LEN]);

/* path: as in the request's first line; one that has nothing escaped, and no '?'. */
void request_code(const uint8_t key[REQUEST_KEY_LEN], const char *method, const char *path,
		  const void *body, size_t len, uint8_t code[REQUEST_CODE_LEN]);
void answer_code(const uint8_t key[REQUEST_KEY_LEN], const uint8_t request[REQUEST_CODE_LEN],
		 unsigned int status, const void *body, size_t len, uint8_t code[REQUEST_CODE_LEN]);

/* Whether this hex (NULL: none) is the code; how long that takes does not say where it differs. */
bool code_is(const uint8_t code[REQUEST_CODE_LEN], const char *hex);

#endif
