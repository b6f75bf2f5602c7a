/* A `lucie` verb: one file host-tools/cmd-VERB.c that ends in COMMAND(verb, .summary = ..., .run =
 * ...); lucie.c only dispatches. */
#ifndef LUCIE_COMMAND_H
#define LUCIE_COMMAND_H

struct command {
	const char *name;
	const char *summary;
	const char *usage; /* "lucie check [FILE]\n..." printed by --help and on wrong usage */
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code: 0 done, 1
					      failed (said why), 2 wrong usage */
};

#define COMMAND(ident, ...)                                                                        \
	static const struct command command_##ident = {.name = #ident, __VA_ARGS__};               \
	__attribute__((used, retain, section("lucie_commands"),                                    \
		       aligned(sizeof(void *)))) static const struct command                       \
		*const command_##ident##_entry = &command_##ident

extern const struct command *const __start_lucie_commands[];
extern const struct command *const __stop_lucie_commands[];

/* Prints the usage of the verb to stderr; returns 2. */
int command_usage(const char *verb);
/* The same where getopt() or command_bad() has said what is wrong with an option: only where to read
 * on. */
int command_help(const char *verb);
/* For verbs without getopt(): says in its words that there is no such option, and where to read on. */
int command_unknown(const char *verb, const char *option);
/* Says that an option cannot have this value; returns -EINVAL. */
int command_bad(const char *option, const char *value, const char *expected);
/* The number of an option, from least to most. 0 or -EINVAL (said). */
int command_number(const char *option, const char *text, unsigned int least, unsigned int most,
		   unsigned int *out);
#define DEFAULT_STATE_DIR "/var/lib/lucie"

#endif
