/* Plan printing: what the commands that plan and measure show of cells on the screen. */
#ifndef STRATOBENCH_PLAN_PRINT_H
#define STRATOBENCH_PLAN_PRINT_H

#include <stdio.h>

#include "stratobench/bench.h"

/* Every cell with its exact command and environment, its problem, warnings, memory and time.
 * Returns SB_EXIT_NOT_OK when a cell would fail, else SB_EXIT_OK. */
int sb_print_plan(FILE *out, const struct sb_config *c, const struct sb_preflight *p);

/* One line a cell: model, backend, load, PP, TG or why not. */
void sb_print_results_table(FILE *out, const struct sb_results *r);

/* Text of several lines, made printable, each line indented. NULL prints nothing. */
void sb_print_indented(FILE *out, const char *text, int columns);

#endif
