/* THE contract of an installer module. A C module is one file in modules/ that ends in one MODULE()
 * descriptor; a shell module is one file with the same fields as a header comment (lucie-module(7),
 * docs/adding-a-module.md).
 *
 * run() is called in a child process of PID 1, as root, at the place that the plan's module list
 * gives it. It returns 0, or the negative errno of the problem that it logged with log_err() (that
 * line becomes the report's reason). It must be idempotent: after a power cut it runs again and
 * comes to the same end, unless stands() says that its work stands. It finds what earlier modules did on the disk and under ctx->target, not
 * in memory. A module that neither logs nor reports progress for `silence` seconds is killed and
 * reported.
 */
#ifndef LUCIE_MODULE_H
#define LUCIE_MODULE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "init/lib/cancel.h" /* module_cancelled() */
#include "init/lib/log.h"
#include "init/lib/plan-format.h"

#define MODULE_TARGET "/target" /* where the node's future root is mounted */

struct module_context {
	const struct plan *plan;
	const struct plan_section
		*section;   /* the plan's section of this module; NULL if there is none */
	const char *target; /* MODULE_TARGET on a node */
	void (*report)(struct module_context *ctx, uint64_t done, uint64_t total,
		       const char *what);			      /* use module_progress() */
	void (*result)(struct module_context *ctx, const char *text); /* use module_result() */
};

/* bytes (or other units) done of total (0: not known), and what is being done, in a few words.
 * Cheap: call it as often as you like. */
static inline void module_progress(struct module_context *ctx, uint64_t done, uint64_t total,
				   const char *what)
{
	ctx->report(ctx, done, total, what);
}

/* What came out, where that is more than "it is installed": one line, which the report carries and the
 * server shows as the node's state. Of several modules the last one's. */
static inline __attribute__((format(printf, 2, 3))) void module_result(struct module_context *ctx,
								       const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctx->result(ctx, text);
}

/* Host-side validation of the plan (lucie check): one call of error() for each thing that is wrong
 * in its section. */
struct module_check {
	const struct plan *plan;
	const struct plan_section *section;
	void (*error)(struct module_check *check, const char *fmt, ...)
		__attribute__((format(printf, 2, 3)));
	void *arg;
};

struct module {
	const char *name;
	const char *summary;
	const char *after;    /* modules, space-separated, that must come earlier if they are in the
				 list at all */
	const char *needs;    /* modules, space-separated, that must be in the list, earlier */
	unsigned int silence; /* seconds without a sign of life before it is killed; 0: 300 */
	int (*run)(struct module_context *ctx);
	/* Whether the boot before, which a power cut ended, has finished this module, and the disk
	 * proves it: then run() is not called. NULL: it always is. */
	bool (*stands)(struct module_context *ctx);
	void (*check)(struct module_check *check); /* may be NULL */
};

/* MODULE(mount, .summary = "mount the target file systems", .run = mount_run); registers by a
 * pointer in a linker section. */
#define MODULE(ident, ...)                                                                         \
	static const struct module module_##ident = {.name = #ident, __VA_ARGS__};                 \
	__attribute__((used, retain, section("lucie_modules"),                                     \
		       aligned(sizeof(void *)))) static const struct module                        \
		*const module_##ident##_entry = &module_##ident

extern const struct module *const __start_lucie_modules[];
extern const struct module *const __stop_lucie_modules[];

/* In no particular order. */
#define for_each_module(m)                                                                         \
	for (const struct module *const *m##_p = __start_lucie_modules, *m = NULL;                 \
	     m##_p < __stop_lucie_modules && (m = *m##_p); m##_p++)

#endif
