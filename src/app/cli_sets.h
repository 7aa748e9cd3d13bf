/* Result files named on a command line. */
#ifndef STRATOBENCH_CLI_SETS_H
#define STRATOBENCH_CLI_SETS_H

#include "stratobench/results.h"

struct sb_cli_sets {
    struct sb_results *item;
    const struct sb_results **pointers; /* to the items, as report and merge take them */
    size_t n;
};

/* Loads every file: results, or a log with results in it ("-": standard input). 0, or SB_EXIT_USAGE with a line on stderr for each file that could not be
 * read, *ret then being empty. */
int sb_cli_load_sets(const char *command, char *const *paths, size_t n, struct sb_cli_sets *ret);
void sb_cli_sets_release(struct sb_cli_sets *s);

#endif
