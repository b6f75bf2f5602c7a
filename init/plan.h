/* The plan of this boot: network, request, verification (docs/plan-format.md, "On the wire"). Runs
 * as a child of PID 1, so that what a hostile answer can break is not PID 1. */
#ifndef LUCIE_PLAN_H
#define LUCIE_PLAN_H

#define PLAN_PATH     "/run/lucie/plan" /* the verified text, 0600 */
#define SITE_KEY_PATH "/etc/lucie/site.pub"

/* Body of a child (init/loop.h); arg: struct cmdline. 0: PLAN_PATH is written; 1: there is no plan,
 * the last error line says why. */
int plan_main(void *arg);

#endif
