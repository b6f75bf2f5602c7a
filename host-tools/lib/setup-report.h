/* What a setup changed, kept until it is in force and said then: per class of files, and per kind
 * of object. */
#ifndef LUCIE_SETUP_REPORT_H
#define LUCIE_SETUP_REPORT_H

#include "init/lib/str.h"

#define REPORT_CLASSES 12

/* Owner: whoever declared it, zeroed; released by report_free(). */
struct report {
	struct report_class {
		const char *verb; /* a constant: "wrote", "removed" */
		char name[32];	  /* the folder; "": the generation itself */
		struct strbuf names;
		unsigned int count;
	} classes[REPORT_CLASSES];
	struct strbuf objects; /* report_definition() */
	unsigned int changes;  /* files */
};

/* path: below the generation. */
void report_file(struct report *r, const char *verb, const char *path);
/* The compiled definition as it was (NULL: there was none) and as it is. */
void report_definition(struct strbuf *out, const char *before, const char *now);
void report_print(const struct report *r);
void report_free(struct report *r);

#endif
