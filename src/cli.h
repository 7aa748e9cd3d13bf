/* What the commands share in reading their command lines. */
#ifndef STRATOBENCH_CLI_H
#define STRATOBENCH_CLI_H

#include <getopt.h>

/* Call when getopt_long (with opterr = 0 and an optstring that starts with ':') returned '?' or
 * ':'. Says what is wrong and which option was probably meant; returns SB_EXIT_USAGE. argv[0] is
 * the command's name. */
int sb_cli_bad_option(int result, char **argv, const struct option *options);

/* "stratobench COMMAND: message" and where the help is; returns SB_EXIT_USAGE. */
int sb_cli_usage_error(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
