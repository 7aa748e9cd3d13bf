/* Plan: from a config and an earlier results file to the results that a run will fill. */
#ifndef STRATOBENCH_PLAN_H
#define STRATOBENCH_PLAN_H

#include "stratobench/bench.h"

struct sb_plan {
    struct sb_results results;
    size_t *slot;   /* config->cells[i] is results.cells[slot[i]] */
    bool *skip;     /* an earlier run measured it, and it still holds */
    size_t n_kept;  /* how many of the selected cells are skipped */
    size_t n_stale; /* ok cells of the earlier file that no longer hold and are measured again */
    size_t
        n_foreign; /* cells of the earlier file that the config does not name: kept as they are */
};

/* `whole` is the config without a selection: it gives the order of the document. `old` (may be
 * NULL, emptied otherwise) is the earlier results file. */
void sb_plan_make(const struct sb_config *config, const struct sb_config *whole,
                  const struct sb_preflight *preflight, struct sb_results *old,
                  struct sb_plan *ret);
void sb_plan_release(struct sb_plan *p);

#endif
