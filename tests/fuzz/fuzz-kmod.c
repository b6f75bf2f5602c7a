/* modules.alias, modules.dep and a device's modalias, a zero byte between them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/kmod.h"

static void ignore(const char *name, void *arg)
{
	(void)name, (void)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[4096 + 3] = "", *dep, *modalias;
	struct kmod *k;

	if (size > 4096)
		return 0;
	if (size)
		memcpy(text, data, size);
	dep = text + strlen(text) + 1;
	if (dep > text + size)
		return 0;
	modalias = dep + strlen(dep) + 1;
	if (modalias > text + size)
		return 0;
	if (kmod_open_text(&k, text, dep, ""))
		return 0;
	kmod_match(k, modalias, ignore, NULL);
	kmod_close(k);
	return 0;
}
