/* The site key's own process. What faces the network asks it for signatures over a socket pair and
 * never has the key: text of a plan in, Ed25519 signature out. It ends with its owner.
 *
 * Wire: length as 4 bytes in host order, then the text; the answer is one status byte (0: signed)
 * and, where that is 0, the signature. Once at the start: a status byte and the public key.
 */
#ifndef LUCIE_SIGNER_H
#define LUCIE_SIGNER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/lib/seal.h"

struct signer {
	pid_t pid;
	int fd;
	pthread_mutex_t lock; /* one exchange at a time; any thread */
	uint8_t public_key[SITE_PUBLIC_LEN];
};

/* Forks: call it before threads are started and before anything listens. Reads
 * STATE/key/site.key, which must be for its owner alone. Logs; -errno. */
int signer_start(struct signer *s, const char *state_dir);
/* -EFBIG, -EINVAL (not a plan), -EIO (the process is gone or silent). Logs nothing. */
int signer_sign(struct signer *s, const char *text, size_t len, uint8_t signature[SIGNATURE_LEN]);
void signer_stop(struct signer *s);

#endif
