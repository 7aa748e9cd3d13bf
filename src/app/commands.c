/* The table of commands, in the order of --help. */
#include "cmd.h"

const struct sb_command *const sb_commands[] = {
    &sb_cmd_init,    &sb_cmd_run,     &sb_cmd_check, &sb_cmd_report, &sb_cmd_rank,
    &sb_cmd_compare, &sb_cmd_history, &sb_cmd_plot,  &sb_cmd_bundle, &sb_cmd_k8s,
};
const size_t sb_n_commands = sizeof sb_commands / sizeof *sb_commands;
