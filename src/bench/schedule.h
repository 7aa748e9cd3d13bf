/* Schedule: whose launch is next, of the cells of one model. Launches are the replicates, so the
 * backends take turns: A B C, C B A, A B C ... (method.md), and a drift of the machine falls on all
 * of them alike. All is read from the cells, so that a resumed run goes on where it was. */
#ifndef STRATOBENCH_SCHEDULE_H
#define STRATOBENCH_SCHEDULE_H

#include "stratobench/results.h"
#include "stratobench/results_sample.h"

struct sb_schedule {
    const struct sb_cell *const *cells; /* of one model, in the config's order */
    const bool *skip;                   /* not to be touched; still a rival in `auto` */
    size_t n;
    int launches; /* each, or SB_LAUNCHES_AUTO */
};

/* Has this pending cell had all its launches? With `auto` that is asked between rounds, when every
 * pending cell has had as many (results.h, sb_settle): a cell that is decided, or hopeless, has
 * had them with SB_LEAST_LAUNCHES, any with SB_MOST_LAUNCHES. */
bool sb_schedule_complete(const struct sb_schedule *s, size_t i);

/* The next pending cell that is not complete, and the number of its launch; false when there is
 * none. */
bool sb_schedule_next(const struct sb_schedule *s, size_t *ret_cell, int *ret_launch);

#endif
