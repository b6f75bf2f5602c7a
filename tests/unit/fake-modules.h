/* Installer modules for tests of the host's side: names and orders as the real ones have them,
 * nothing behind them. */
#ifndef LUCIE_FAKE_MODULES_H
#define LUCIE_FAKE_MODULES_H

#include <errno.h>

#include "init/module.h"

static int fake_run(struct module_context *ctx)
{
	(void)ctx;
	return -ENOTSUP;
}

MODULE(init, .summary = "fake", .run = fake_run);
MODULE(partition, .summary = "fake", .needs = "init", .run = fake_run);
MODULE(mount, .summary = "fake", .after = "partition", .needs = "init", .run = fake_run);
MODULE(extrbase, .summary = "fake", .needs = "mount", .run = fake_run);
MODULE(dolly, .summary = "fake", .after = "extrbase", .needs = "mount", .run = fake_run);
MODULE(install, .summary = "fake", .after = "extrbase", .needs = "mount", .run = fake_run);
MODULE(configure, .summary = "fake", .after = "install", .needs = "mount", .run = fake_run);
MODULE(finalize, .summary = "fake", .after = "configure", .needs = "mount", .run = fake_run);
MODULE(verify, .summary = "fake", .needs = "mount", .run = fake_run);
MODULE(restore, .summary = "fake", .needs = "mount", .run = fake_run);
MODULE(remotelogin, .summary = "fake", .run = fake_run);
MODULE(rescue, .summary = "fake", .run = fake_run);
MODULE(wipe, .summary = "fake", .run = fake_run);

#endif
