/* The terminal as a screen; see screen.h.
 *
 * Signals only set flags, and wake poll() and write(). Where one comes between a look at the flags
 * and poll(), it is seen when the wait is over: half a second later.
 */
#include "host-tools/lib/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

/* The alternate screen, no cursor, no wrapping; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

static volatile sig_atomic_t end_signal, stop_wanted, resized;
static bool shown, has_keys;
static struct termios before;
static char input[64];
static size_t input_len;

size_t screen_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 4096;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

bool screen_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return !no || !*no;
}

void screen_size(size_t *rows, size_t *columns)
{
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*rows = size.ws_row ? size.ws_row : 24;
	*columns = size.ws_col ? size.ws_col : 80;
}

static void on_signal(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else if (sig == SIGTSTP)
		stop_wanted = 1;
	else
		end_signal = sig;
}

/* Unlike write_full(), a signal that ends us ends it: a terminal may be held by ^S. */
static int put(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && (errno != EINTR || end_signal))
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int enter(void)
{
	struct termios raw;

	has_keys = !tcgetattr(STDIN_FILENO, &before);
	if (has_keys) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
			return -errno;
	}
	shown = true;
	return put(ENTER, strlen(ENTER));
}

void screen_close(void)
{
	if (!shown)
		return;
	shown = false;
	put(LEAVE, strlen(LEAVE));
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

int screen_open(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */

	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaction(handled[i], &action, NULL);
	atexit(screen_close);
	return enter();
}

/* ^Z: the shell gets its terminal as it was, and we ours when we go on. */
static int stop(void)
{
	stop_wanted = 0;
	screen_close();
	raise(SIGSTOP);
	return enter();
}

int screen_show(const struct strbuf *frame)
{
	static const char top[] = "\033[H", rest[] = "\033[J";
	int ret = put(top, strlen(top));

	if (!ret)
		ret = put(frame->buf, frame->len);
	return ret ? ret : put(rest, strlen(rest));
}

enum screen_key screen_key_parse(const char *text, size_t len, size_t *used)
{
	static const struct {
		const char *bytes;
		enum screen_key key;
	} keys[] = {
		{"q", SCREEN_QUIT},
		{"\033[A", SCREEN_UP},
		{"\033OA", SCREEN_UP},
		{"\033[B", SCREEN_DOWN},
		{"\033OB", SCREEN_DOWN},
		{"\033[5~", SCREEN_PAGE_UP},
		{"\033[6~", SCREEN_PAGE_DOWN},
		{"\033[H", SCREEN_HOME},
		{"\033OH", SCREEN_HOME},
		{"\033[1~", SCREEN_HOME},
		{"\033[7~", SCREEN_HOME},
		{"\033[F", SCREEN_END},
		{"\033OF", SCREEN_END},
		{"\033[4~", SCREEN_END},
		{"\033[8~", SCREEN_END},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i].bytes);

		if (!strncmp(text, keys[i].bytes, len < n ? len : n) && len) {
			*used = len < n ? 0 : n;
			return len < n ? SCREEN_NONE : keys[i].key;
		}
	}
	*used = len ? 1 : 0;
	return SCREEN_NONE;
}

/* What is no key is dropped, byte by byte. */
static enum screen_key next_key(void)
{
	enum screen_key key = SCREEN_NONE;
	size_t used = 1;

	while (key == SCREEN_NONE && input_len && used) {
		key = screen_key_parse(input, input_len, &used);
		input_len -= used;
		memmove(input, input + used, input_len);
	}
	return key;
}

static enum screen_key read_keys(short events)
{
	ssize_t n = 0;

	if (events & POLLIN)
		n = read(STDIN_FILENO, input + input_len, sizeof(input) - input_len);
	if (n < 0 && errno == EINTR)
		return SCREEN_NONE;
	if (n <= 0)
		return SCREEN_QUIT;
	input_len += (size_t)n;
	return next_key();
}

enum screen_key screen_wait(int ms)
{
	struct pollfd fd = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
	int64_t until = now_ms() + ms, left;
	enum screen_key key = next_key();

	while (key == SCREEN_NONE && (left = until - now_ms()) > 0) {
		if (end_signal || (stop_wanted && stop()))
			return SCREEN_QUIT;
		if (resized)
			break;
		if (poll(&fd, 1, (int)left) > 0)
			key = read_keys(fd.revents);
	}
	resized = 0;
	return end_signal ? SCREEN_QUIT : key;
}

int screen_signal(void)
{
	return end_signal;
}
