/* The folder that a test works in: made by temp_folder_make() and gone, with all that is in it,
 * after temp_folder_remove(). Both have the form of a fixture of cmocka; one folder at a time. */
#ifndef LUCIE_TEST_TEMP_FOLDER_H
#define LUCIE_TEST_TEMP_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/io.h"

static char temp_folder[32];

static inline int temp_folder_make(void **state)
{
	(void)state;
	strcpy(temp_folder, "/tmp/lucie-test-XXXXXX");
	return mkdtemp(temp_folder) ? 0 : -1;
}

static inline int temp_folder_remove(void **state)
{
	(void)state;
	return remove_tree(temp_folder);
}

/* The path of something in it; returns buf. */
static inline char *temp_path(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", temp_folder, name);
	return buf;
}

#endif
