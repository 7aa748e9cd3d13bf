/* The commands: one file each, the only ones that print. A command says what it is called, which
 * options it takes (options.h) and what it does; reading its command line, its help and its
 * completion are the same for all (options.c, help.c). */
#ifndef STRATOBENCH_CMD_H
#define STRATOBENCH_CMD_H

#include <stddef.h>

#include "options.h"

/* What the program ends with (design.md, Commands); 128 + N: ended by signal N. */
enum { SB_EXIT_OK = 0, SB_EXIT_NOT_OK = 1, SB_EXIT_USAGE = 2, SB_EXIT_INCONCLUSIVE = 3 };

struct sb_command {
    const char *name;
    const char *usage;         /* what follows the name: "[options] RESULTS.json..." */
    const char *summary;       /* one line, for the list of commands */
    const char *about, *notes; /* before and after the options in --help; a line a paragraph */
    const struct sb_option *options; /* ends with a row without a name */
    const void *defaults;            /* what a struct of the options begins as; NULL: zeroed */
    size_t options_size;             /* of that struct */
    const char *operand;             /* what its files are: "config file" */
    bool one;                        /* it takes exactly one; else one or more */
    bool none;                       /* none will do, too */
    const char *files;               /* what completion offers for them: "*.ini" */
    /* `options` is the filled struct. Returns the exit code. */
    int (*run)(const void *options, const struct sb_operands *files);
    /* What to end with for an exit code of run or of reading the command line; NULL: that. */
    int (*exit_code)(const void *options, int rc);
};

extern const struct sb_command sb_cmd_init, sb_cmd_run, sb_cmd_check, sb_cmd_report, sb_cmd_rank,
    sb_cmd_compare, sb_cmd_history, sb_cmd_plot, sb_cmd_bundle, sb_cmd_k8s;

extern const struct sb_command *const sb_commands[]; /* all of them */
extern const size_t sb_n_commands;

/* Reads the command line, argv[0] being the command's name, and runs the command. */
int sb_command_main(const struct sb_command *c, int argc, char **argv);

#endif
