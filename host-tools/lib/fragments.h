/* Files for the system's own services (STATE/key/fragments): shown, linked into the system, taken
 * out again. What somebody else has put in their places is never touched. */
#ifndef LUCIE_FRAGMENTS_H
#define LUCIE_FRAGMENTS_H

/* All print on stdout and log what is wrong; 0 or -errno. root: "" for the running system, else the
 * folder that stands for it. */
int fragment_print(const char *state_dir, const char *name);
int fragments_enable(const char *state_dir, const char *root);
int fragments_disable(const char *state_dir, const char *root);

#endif
