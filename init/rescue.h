/* A shell for a person, on every console at once; PID 1 goes on with what it has to do meanwhile.
 */
#ifndef LUCIE_RESCUE_H
#define LUCIE_RESCUE_H

#include <stdbool.h>

/* Opens the shells, says why and what leaving one does ("goes on"), and waits until a person leaves
 * one. seconds: not 0, a shell is only offered, and after so long without a key press the offer
 * ends. False when no person was there: none could be opened, or nobody wanted one. */
bool rescue_shell(const char *why, const char *next, unsigned int seconds);

enum rescue_end { RESCUE_NOBODY, RESCUE_PERSON, RESCUE_OVER };
/* The same, without an offer, but the wait also ends when over() says so: RESCUE_OVER. It is asked
 * about twice a second. */
enum rescue_end rescue_wait(const char *why, const char *next, bool (*over)(void *arg), void *arg);

#endif
