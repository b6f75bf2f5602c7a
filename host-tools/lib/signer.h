/* The site key's own process. What faces the network asks it for signatures over a socket pair and
 * never has the key: text of a plan in, Ed25519 signature out; or the identity of a node
 * (init/lib/identity.h), which is sealed to this process, in, and the same sealed to the key of a
 * node's boot out; or such an identity in, and whether it is that of a node, out. It ends with its
 * owner.
 *
 * Wire: what to do and the length of what follows, 4 bytes each in host order; to be signed the
 * text, to be sealed anew the boot's key and the sealed identity, to be checked the node's name (64
 * bytes, filled up with zeros) and the sealed identity. The answer is one status byte (0: done) and,
 * where that is 0, the signature, or length and sealed bytes, or nothing more. Once at the start: a
 * status byte, the public key, and the key that identities are sealed to.
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
	uint8_t identity_key[BOX_KEY_LEN]; /* public */
};

/* Forks: call it before threads are started and before anything listens. Reads
 * STATE/key/site.key, which must be for its owner alone. Logs; -errno. */
int signer_start(struct signer *s, const char *state_dir);
/* -EFBIG, -EINVAL (not a plan), -EIO (the process is gone or silent). Logs nothing. */
int signer_sign(struct signer *s, const char *text, size_t len, uint8_t signature[SIGNATURE_LEN]);
/* Appends the sealed bytes. -EBADMSG: it was not sealed to this site, or is no identity; -EIO. Logs
 * nothing. */
int signer_reseal(struct signer *s, const void *sealed, size_t len,
		  const uint8_t boot_key[BOX_KEY_LEN], struct strbuf *out);
/* Whether it is an identity of this node, sealed to this site. -EBADMSG: it is not; -EIO. Logs
 * nothing. */
int signer_check(struct signer *s, const char *node, const void *sealed, size_t len);
void signer_stop(struct signer *s);

#endif
