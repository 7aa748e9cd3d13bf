/* What the commands share in reading their command lines. */
#ifndef STRATOBENCH_CLI_H
#define STRATOBENCH_CLI_H

#include <getopt.h>

#include "stratobench/base.h"

/* Call when getopt_long (with opterr = 0 and an optstring that starts with ':') returned '?' or
 * ':'. Says what is wrong and which option was probably meant; returns SB_EXIT_USAGE. argv[0] is
 * the command's name. */
int sb_cli_bad_option(int result, char **argv, const struct option *options);

/* "stratobench COMMAND: message" and where the help is; returns SB_EXIT_USAGE. */
int sb_cli_usage_error(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "unknown FORMAT 'jsn' (did you mean json?)"; returns SB_EXIT_USAGE. */
int sb_cli_unknown(const char *command, const char *what, const char *given,
                   const char *const *names, size_t n);
/* The number of a name among n, or -1. */
int sb_cli_choice(const char *given, const char *const *names, size_t n);

/* A finite number from least to most, the whole text. False leaves *ret untouched. */
bool sb_cli_number(const char *text, double least, double most, double *ret);
/* A share, 0 to 1: "5%" or "0.05". */
bool sb_cli_share(const char *text, double *ret);

/* Writes to standard output; SB_EXIT_OK, or SB_EXIT_USAGE with a line on stderr. */
int sb_cli_print(const char *command, const struct sb_buf *text);

#endif
