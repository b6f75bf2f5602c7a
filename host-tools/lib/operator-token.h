/* The operator's token: who has it may arm nodes over HTTP, and read what the board shows to nobody
 * else. 64 hex digits in STATE/operator-token (0600), made when it is first asked for. */
#ifndef LUCIE_OPERATOR_TOKEN_H
#define LUCIE_OPERATOR_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#define OPERATOR_TOKEN_TEXT 65

/* The token that there is; else makes one. 0 or -errno (logged). */
int operator_token(const char *state_dir, char token[OPERATOR_TOKEN_TEXT]);
/* Another one; the one before is worth nothing from now on. */
int operator_token_renew(const char *state_dir, char token[OPERATOR_TOKEN_TEXT]);

enum operator_answer {
	OPERATOR_NO, /* no token, or a wrong one */
	OPERATOR_YES,
	OPERATOR_TOO_MANY /* this address has given too many wrong ones: wait a minute */
};

/* token: what somebody at the address `peer` presents; NULL: nothing. At the time now_ms. Compared
 * in constant time. Any thread. */
enum operator_answer operator_check(const char *state_dir, const char *token, const char *peer,
				    int64_t now_ms);

#endif
