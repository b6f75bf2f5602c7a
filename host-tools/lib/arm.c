/* Arming of nodes; see arm.h. */
#include "host-tools/lib/arm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/site.h"

/* A plan for nobody. */
static int plan_possible(const char *state_dir, const struct cluster *c,
			 const struct cluster_object *host, const struct state_arming *arming,
			 char why[ARM_WHY_MAX])
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char **servers = boot_files_servers(c, host);
	struct plan_order order = {
		.state_dir = state_dir,
		.host = host->name,
		.variant = arming->variant,
		.install = "none",
		.nonce = zeros,
		.token = zeros,
		.site = zeros + 48,
		.servers = (const char *const *)servers,
		.breaks = arming->breaks,
		.wipe = arming->wipe,
	};
	int ret = plan_make(&text, c, &order, why, ARM_WHY_MAX);

	boot_files_servers_free(servers);
	return ret;
}

bool arm_erases(const struct cluster_object *installer)
{
	const char *modules = cluster_get(installer, "modules");

	return modules && cluster_list_has(modules, "wipe");
}

/* An armed node without its boot file would never be installed, and seem to be about to. */
static void take_back(const char *state_dir, const struct cluster *c, struct state *state,
		      const struct cluster_object *host, int error, char why[ARM_WHY_MAX])
{
	int ret = state_disarm(state, host->name);

	snprintf(why, ARM_WHY_MAX, "its boot file cannot be made (%s); it is %s", strerror(-error),
		 ret ? "still armed, because the state cannot be written" : "not armed");
	if (!ret)
		boot_file_follow(state_dir, c, state, host);
}

int arm_node_as(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host, struct state_arming *arming,
		char why[ARM_WHY_MAX])
{
	const struct cluster_object *installer =
		arming->variant ? cluster_find(c, TYPE_INSTALLER, arming->variant)
				: cluster_host_ref(c, host, "installer", TYPE_INSTALLER);
	int ret;

	if (!installer) {
		snprintf(why, ARM_WHY_MAX, "the definition has no installer '%s'",
			 arming->variant ? arming->variant : "");
		return -ENOENT;
	}
	arming->variant = installer->name;
	if (arm_erases(installer) && !arming->may_erase) {
		snprintf(why, ARM_WHY_MAX,
			 "installer '%s' erases its disks for good: lucie install --variant %s "
			 "--yes-wipe %s %s",
			 installer->name, installer->name, host->name, host->name);
		return -EPERM;
	}
	ret = plan_possible(state_dir, c, host, arming, why);
	if (ret)
		return ret;
	ret = state_arm_as(state, host->name, arming);
	if (ret) {
		snprintf(why, ARM_WHY_MAX, "the state cannot be written");
		return ret;
	}
	ret = boot_file_follow(state_dir, c, state, host);
	if (ret)
		take_back(state_dir, c, state, host, ret, why);
	return ret;
}

int arm_node(const char *state_dir, const struct cluster *c, struct state *state,
	     const struct cluster_object *host, const char **variant, bool wipe,
	     char why[ARM_WHY_MAX])
{
	struct state_arming arming = {.variant = *variant, .wipe = wipe};
	int ret = arm_node_as(state_dir, c, state, host, &arming, why);

	*variant = arming.variant;
	return ret;
}

int disarm_node(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host)
{
	int ret = state_disarm(state, host->name);

	return ret ? ret : boot_file_follow(state_dir, c, state, host);
}
