/* Writes FILE.blob beside FILE and prints "ROOT BYTES": make-blob FILE. */
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct blob_manifest m;
	char path[PATH_MAX];
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || blob_manifest_make(&m, fd) || blob_manifest_write(&m, &text))
		return 1;
	snprintf(path, sizeof(path), "%s.blob", argv[1]);
	if (file_write(path, text.buf, text.len, 0644))
		return 1;
	printf("%s %llu\n", m.root, (unsigned long long)m.length);
	blob_manifest_free(&m);
	return 0;
}
