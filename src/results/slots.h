/* Several requests at once, for the files of the results room. */
#ifndef STRATOBENCH_RESULTS_SLOTS_H
#define STRATOBENCH_RESULTS_SLOTS_H

#include "stratobench/results.h"

/* Sets a run's sums, times and speeds from those of each of its requests. */
void results_sum_slots(struct sb_run *r);
/* Why a run that a file holds, whose speeds are complete, contradicts its requests, or NULL. Static. */
const char *results_check_slots(const struct sb_run *r);

#endif
