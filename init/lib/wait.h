/* Waiting for another thread with a bound: condition variables on CLOCK_MONOTONIC, which no setting
 * of the clock moves. */
#ifndef LUCIE_WAIT_H
#define LUCIE_WAIT_H

#include <pthread.h>

void wait_init(pthread_cond_t *c);
/* Until it is signalled, for at most ms, or without a reason: the caller looks again. */
void wait_ms(pthread_cond_t *c, pthread_mutex_t *held, unsigned int ms);

#endif
