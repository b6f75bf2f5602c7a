/* What the files plan-*.c share while they write one plan: the head and the order of its sections
 * (plan-make.c), what is fetched (plan-data.c), packages (plan-packages.c), and what the node is told
 * about itself (plan-configure.c). */
#ifndef LUCIE_PLAN_INTERNAL_H
#define LUCIE_PLAN_INTERNAL_H

#include "host-tools/lib/cluster-internal.h"
#include "host-tools/lib/plan-make.h"
#include "init/lib/plan-format.h"

#define PLAN_KEY_FILE_MAX ((size_t)1 << 20) /* of a file of keys that the definition names */

struct plan_maker {
	const struct cluster *c;
	const struct plan_order *order;
	const struct cluster_object *host, *group, *installer;
	struct strbuf *out;
	char *why;
	size_t why_len;
};

/* Why there is no plan; returns err. */
int plan_refuse(struct plan_maker *m, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A key of the host, its groups or the default. */
const char *plan_host_get(const struct plan_maker *m, const char *key);

/* One line for each item of a list (NULL: none). */
void plan_write_items(struct plan_maker *m, const char *key, const char *list);

/* A module's lines, below its "[MODULE]". 0, or -errno with a reason. */
int plan_write_extrbase(struct plan_maker *m);
int plan_write_verify(struct plan_maker *m);
int plan_write_restore(struct plan_maker *m);
int plan_write_record(struct plan_maker *m); /* a part of finalize's */
int plan_write_dolly(struct plan_maker *m);
int plan_write_install(struct plan_maker *m);
int plan_write_configure(struct plan_maker *m);
int plan_write_finalize(struct plan_maker *m);
int plan_write_remotelogin(struct plan_maker *m);

#endif
