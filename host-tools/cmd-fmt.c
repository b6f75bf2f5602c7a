/* lucie fmt: a definition in its canonical form, so that two administrators write the same file. */
#include "host-tools/lib/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/definition.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define FILE_MAX ((size_t)16 << 20)

static const char usage[] =
	"lucie fmt [-w] [FILE]\n"
	"Prints a definition (default: cluster.conf, else /etc/lucie/cluster.conf) in its "
	"canonical "
	"form.\n"
	"-w writes it into the file instead, if it is not in this form already. Exit code 1: the "
	"text has errors.\n";

static void print_error(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* A link stays one: the file that it points to is replaced. */
static int replace(const char *path, const struct strbuf *text)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat st;
	int ret;

	if (!real || stat(real, &st))
		return log_err(-errno, "cannot find '%s'", path);
	ret = file_replace(real, text->buf, text->len, st.st_mode & 07777);
	if (ret)
		return log_err(ret, "cannot write '%s'", path);
	printf("wrote %s\n", path);
	return 0;
}

static int format(const char *path, bool write)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret = file_read(path, FILE_MAX, &text, &len);

	if (ret)
		return log_err(ret, "cannot read the definition '%s'", path);
	ret = cluster_format(&out, path, text, len, print_error, NULL);
	if (ret > 0)
		fprintf(stderr, "%d error%s\n", ret, ret == 1 ? "" : "s");
	else if (ret < 0)
		log_err(ret, "cannot format '%s'", path);
	else if (!write)
		return out.len && fwrite(out.buf, out.len, 1, stdout) != 1 ? -EIO : 0;
	else if (out.len != len || memcmp(out.buf, text, len))
		return replace(path, &out);
	return ret;
}

static int fmt_run(int argc, char **argv)
{
	bool write = false;
	const char *path = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-w"))
			write = true;
		else if (argv[i][0] == '-')
			return command_unknown("fmt", argv[i]);
		else if (!path)
			path = argv[i];
		else
			return command_usage("fmt");
	}
	return format(path ? path : definition_default_path(), write) ? 1 : 0;
}

COMMAND(fmt, .summary = "print a definition in its canonical form", .usage = usage, .run = fmt_run);
