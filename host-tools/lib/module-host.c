/* The host links the modules for their descriptors and checks; none runs here, so none is ever cancelled. */
#include "init/module.h"

bool module_cancelled(void)
{
	return false;
}
