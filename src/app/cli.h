/* What the commands share in speaking to who called them. */
#ifndef STRATOBENCH_CLI_H
#define STRATOBENCH_CLI_H

#include "stratobench/base.h"

/* "stratobench COMMAND: message" and where the help is; returns SB_EXIT_USAGE. */
int sb_cli_usage_error(const char *command, const char *fmt, ...) SB_PRINTF(2, 3);

/* "stratobench COMMAND: message", made printable; returns SB_EXIT_USAGE. */
int sb_cli_fail(const char *command, const char *message);

/* 0 for a name that ends in .svg and for "-", else SB_EXIT_USAGE with a line on stderr. */
int sb_cli_check_svg(const char *command, const char *name);

/* Writes to standard output; SB_EXIT_OK, or SB_EXIT_USAGE with a line on stderr. */
int sb_cli_print(const char *command, const struct sb_buf *text);
/* The same, with lines that are too wide for the terminal wrapped. */
int sb_cli_print_lines(const char *command, const struct sb_buf *text);
/* Columns for tables on standard output; 0 = no limit: it is no terminal. */
size_t sb_cli_columns(void);
/* Writes to a file, NULL and "-" being standard output. Devices and pipes are written to; a file
 * that stratobench did not write stays. SB_EXIT_OK, or SB_EXIT_USAGE with a line on stderr. */
int sb_cli_write(const char *command, const char *path, const struct sb_buf *text);

#endif
