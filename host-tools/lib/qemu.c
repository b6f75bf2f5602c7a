/* QEMU as a child; see qemu.h. */
#include "host-tools/lib/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#define PROGRAM	    "qemu-system-x86_64"
#define STOP_MS	    3000
#define ERRORS_TAIL ((size_t)2000)
#define CPUINFO_MAX ((size_t)4 << 20)

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + n, word))
		if (p > text && strchr(" \t", p[-1]) && strchr(" \n", p[n]))
			return true;
	return false;
}

/* /dev/kvm may be there, and hang, where the processor has no virtualization. */
static bool kvm_usable(void)
{
	_cleanup_free_ char *cpuinfo = NULL;
	_cleanup_close_ int fd = -1;

	if (file_read("/proc/cpuinfo", CPUINFO_MAX, &cpuinfo, NULL) ||
	    (!has_word(cpuinfo, "vmx") && !has_word(cpuinfo, "svm")))
		return false;
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return fd >= 0;
}

void qemu_arg(struct qemu *q, const char *fmt, ...)
{
	va_list ap;
	char *arg;

	va_start(ap, fmt);
	if (q->count >= QEMU_ARGS_MAX || vasprintf(&arg, fmt, ap) < 0)
		q->overflow = true;
	else
		q->args[q->count++] = arg;
	va_end(ap);
}

/* QEMU's option lists take "," in a value as ",,". */
static char *escape_commas(const char *s)
{
	char *out = malloc(2 * strlen(s) + 1), *p = out;

	for (; out && *s; s++) {
		*p++ = *s;
		if (*s == ',')
			*p++ = ',';
	}
	if (out)
		*p = '\0';
	return out;
}

void qemu_init(struct qemu *q, const char *console, unsigned int memory_mb, const char *tcg_cpu)
{
	bool kvm = kvm_usable();

	*q = (struct qemu){.count = 0};
	snprintf(q->console, sizeof(q->console), "%s", console);
	qemu_arg(q, PROGRAM);
	qemu_arg(q, "-accel");
	qemu_arg(q, kvm ? "kvm" : "tcg");
	qemu_arg(q, "-cpu");
	qemu_arg(q, "%s", kvm ? "host" : tcg_cpu);
	qemu_arg(q, "-m");
	qemu_arg(q, "%u", memory_mb);
	qemu_arg(q, "-nodefaults");
	qemu_arg(q, "-no-reboot");
	qemu_arg(q, "-display");
	qemu_arg(q, "none");
	qemu_arg(q, "-monitor");
	qemu_arg(q, "none");
	qemu_file_arg(q, "-chardev", "file,id=console,path=", console);
	qemu_arg(q, "-serial");
	qemu_arg(q, "chardev:console");
	qemu_arg(q, "-object");
	qemu_arg(q, "rng-random,filename=/dev/urandom,id=rng");
	qemu_arg(q, "-device");
	qemu_arg(q, "virtio-rng-pci,rng=rng");
}

void qemu_file_arg(struct qemu *q, const char *option, const char *before, const char *file)
{
	_cleanup_free_ char *escaped = escape_commas(file);

	qemu_arg(q, "%s", option);
	qemu_arg(q, "%s%s", before, escaped ? escaped : "");
	q->overflow |= !escaped;
}

static void __attribute__((noreturn)) become_qemu(struct qemu *q, pid_t parent)
{
	char errors[PATH_MAX + 8];
	int null = open("/dev/null", O_RDONLY), err;

	snprintf(errors, sizeof(errors), "%s.qemu", q->console);
	err = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	dup2(null, 0);
	dup2(err, 2);
	execvp(q->args[0], q->args);
	dprintf(2, "cannot run '%s': %s\n", q->args[0], strerror(errno));
	_exit(127);
}

int qemu_start(struct qemu *q)
{
	pid_t parent = getpid(), pid;

	if (q->overflow)
		return log_err(-E2BIG, "the arguments of %s", PROGRAM);
	q->args[q->count] = NULL;
	fflush(NULL);
	pid = fork();
	if (!pid)
		become_qemu(q, parent);
	if (pid < 0)
		return log_err(-errno, "cannot start %s", PROGRAM);
	q->pid = pid;
	return 0;
}

bool qemu_running(struct qemu *q)
{
	if (q->pid && waitpid(q->pid, NULL, WNOHANG) == q->pid)
		q->pid = 0;
	return q->pid;
}

void qemu_stop(struct qemu *q)
{
	int64_t limit = now_ms() + STOP_MS;

	q->stopped = qemu_running(q);
	if (q->stopped)
		kill(q->pid, SIGTERM);
	while (qemu_running(q)) {
		if (now_ms() > limit)
			kill(q->pid, SIGKILL);
		sleep_ms(20);
	}
}

void qemu_free(struct qemu *q)
{
	for (size_t i = 0; i < q->count; i++)
		free(q->args[i]);
	q->count = 0;
}

/* Of a guest's console only text and line ends go to the terminal: a sequence that erases a line
 * becomes a line end, other sequences vanish, what is left of control characters becomes '?'. In
 * place; returns the new length. state: 0 at the start of a console. */
static size_t make_printable(char *s, size_t len, enum console_state *state)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (*state == CONSOLE_ESCAPE) {
			*state = c == '[' ? CONSOLE_SEQUENCE : CONSOLE_TEXT;
		} else if (*state == CONSOLE_SEQUENCE) {
			if (c < 0x40 || c > 0x7e)
				continue;
			*state = CONSOLE_TEXT;
			if (c == 'K')
				s[n++] = '\n';
		} else if (c == 0x1b) {
			*state = CONSOLE_ESCAPE;
		} else if (c != '\r' && c != '\0') {
			s[n++] = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : (char)c;
		}
	}
	return n;
}

void qemu_show(struct qemu *q)
{
	_cleanup_close_ int fd = open(q->console, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n;

	while (fd >= 0 && (n = pread(fd, buf, sizeof(buf), q->shown)) > 0) {
		q->shown += n;
		fwrite(buf, 1, make_printable(buf, (size_t)n, &q->console_state), stdout);
	}
	fflush(stdout);
}

static char *file_tail(const char *path, size_t max)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	enum console_state state = CONSOLE_TEXT;
	char *buf = malloc(max + 1);
	ssize_t n = 0;

	if (!buf)
		return NULL;
	if (size > 0)
		n = pread(fd, buf, max, size > (off_t)max ? size - (off_t)max : 0);
	buf[make_printable(buf, n > 0 ? (size_t)n : 0, &state)] = '\0';
	return buf;
}

char *qemu_console_tail(const struct qemu *q, size_t max)
{
	return file_tail(q->console, max);
}

char *qemu_errors(const struct qemu *q)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s.qemu", q->console);
	return q->stopped ? strdup("") : file_tail(path, ERRORS_TAIL);
}
