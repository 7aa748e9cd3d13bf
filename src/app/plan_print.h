/* Plan printing: what is shown of cells before they are measured. */
#ifndef STRATOBENCH_PLAN_PRINT_H
#define STRATOBENCH_PLAN_PRINT_H

#include <stdio.h>

#include "stratobench/bench.h"

/* Every cell with its exact command and environment, its faults, warnings and memory; then all
 * faults by cause, and how long the launches will take as far as STEM.json shows (NULL: the
 * config's own).
 * Returns SB_EXIT_NOT_OK when a cell would fail, else SB_EXIT_OK. */
int sb_print_plan(FILE *out, const struct sb_config *c, const struct sb_preflight *p,
                  const char *stem);

/* Text of several lines, made printable, each line indented. NULL prints nothing. */
void sb_print_indented(FILE *out, const char *text, int columns);

#endif
