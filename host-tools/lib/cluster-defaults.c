/* What holds where a definition says nothing: the same language as cluster.conf. An object of the
 * same type and name in a cluster.conf replaces the one here. */
#include "host-tools/lib/cluster-internal.h"

const char cluster_builtins[] =
	"define installer{\n"
	"	name full\n"
	"	modules init, partition, mount, extrbase, install, configure, finalize\n"
	"}\n"
	"define installer{ # with the data sets\n"
	"	name data\n"
	"	modules init, partition, mount, extrbase, dolly, install, configure, finalize\n"
	"}\n"
	"define installer{ # no partitioning, no base, no packages\n"
	"	name repair\n"
	"	modules init, mount, configure, finalize\n"
	"}\n"
	"define disk_layout{ # one system on the first disk\n"
	"	name default\n"
	"	disk system disk1 table=gpt\n"
	"	partition / 1G- ext4 label=root\n"
	"	partition swap 512M swap label=swap\n"
	"}\n"
	"define base{ # the server's own distribution and release\n"
	"	name default\n"
	"}\n";
