/* Results printing: the table at the end of a run. */
#ifndef STRATOBENCH_RESULTS_PRINT_H
#define STRATOBENCH_RESULTS_PRINT_H

#include "stratobench/results.h"

/* A line for each cell: model, backend, load, PP, TG or why not, and its doubts (in yellow if
 * `colour`). What does not fit so many columns goes: first the model and the doubts get lines of
 * their own, then the spreads go, then the load; no figure is cut. */
void sb_results_table(const struct sb_results *r, size_t columns, bool colour, struct sb_buf *ret);

#endif
