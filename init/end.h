/* The end of PID 1's work: everything stopped, unmounted and written, then the machine does what it
 * is told. */
#ifndef LUCIE_END_H
#define LUCIE_END_H

enum end { END_REBOOT, END_POWEROFF, END_KEXEC };

/* Unmounts what lies under the target, switches swap off, writes everything to the disks. Bounded:
 * two minutes. */
void end_release_disks(void);
/* Does not return. */
void end_machine(enum end how) __attribute__((noreturn));

#endif
