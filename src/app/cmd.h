/* The commands: one file each, the only ones that print. Each takes its own argv (argv[0] is the
 * command's name) and returns the exit code of the program (design.md, Commands). */
#ifndef STRATOBENCH_CMD_H
#define STRATOBENCH_CMD_H

enum { SB_EXIT_OK = 0, SB_EXIT_NOT_OK = 1, SB_EXIT_USAGE = 2, SB_EXIT_INCONCLUSIVE = 3 };

int sb_cmd_run(int argc, char **argv);
int sb_cmd_check(int argc, char **argv);
int sb_cmd_report(int argc, char **argv);
int sb_cmd_rank(int argc, char **argv);
int sb_cmd_compare(int argc, char **argv);
int sb_cmd_plot(int argc, char **argv);
int sb_cmd_k8s(int argc, char **argv);

#endif
