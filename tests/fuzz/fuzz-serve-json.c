/* The JSON that machines post before the server knows them: plan requests and alarms; what a node
 * that holds asks; and what who has the operator's token orders. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/inventory.h"
#include "host-tools/lib/serve-request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan_request request;
	_cleanup_strbuf_ struct strbuf inventory = STRBUF_INIT;
	struct identity_request identity;
	struct alarm_request alarm;
	struct hold_request hold;
	struct arm_request arm;
	char why[256];

	if (!plan_request_parse(&request, (const char *)data, size, why, sizeof(why)) &&
	    (strlen(request.nonce) != 2 * NONCE_LEN || request.disks > REQUEST_DISKS_MAX))
		abort();
	if (!inventory_clean(&inventory, (const char *)data, size) &&
	    !str_is_text(inventory.buf, inventory.len))
		abort();
	if (!alarm_request_parse(&alarm, (const char *)data, size, why, sizeof(why)) &&
	    strlen(alarm.mac) != MAC_TEXT - 1)
		abort();
	if (!hold_request_parse(&hold, (const char *)data, size, why, sizeof(why)) &&
	    (!str_is_name(hold.install) || !str_is_name(hold.module)))
		abort();
	if (!arm_request_parse(&arm, (const char *)data, size, why, sizeof(why)) &&
	    (!arm.count || arm.count > ARM_NODES_MAX || !str_is_name(arm.nodes[arm.count - 1])))
		abort();
	if (!identity_request_parse(&identity, (const char *)data, size, why, sizeof(why)) &&
	    !str_is_name(identity.install))
		abort();
	free(identity.sealed);
	return 0;
}
