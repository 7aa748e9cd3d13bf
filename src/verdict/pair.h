/* What compare.c, compare_answers.c, compare_text.c and pair.c share. */
#ifndef SB_PAIR_H
#define SB_PAIR_H

#include "stratobench/verdict.h"

/* The values of the launches of two cells that were made side by side, one a pair: equal n, in the
 * order made. The caller frees both x. */
struct sb_pair_samples {
    struct sb_sample base, next;
};
struct sb_pair_samples sb_pair_throughput(const struct sb_cell *base, const struct sb_cell *next,
                                          enum sb_metric m, struct sb_at at);
/* Of loads out of the same page cache. */
struct sb_pair_samples sb_pair_loads(const struct sb_cell *base, const struct sb_cell *next);

/* Sets the state, the differences and the figures of a row whose two sides are known. */
void sb_compare_row(struct sb_compare_cell *row, const struct sb_compare_options *o);
/* Holds the answers of the two sides against each other: sets `answers`, and the state where they are a
 * loss or cannot be cleared. */
void sb_compare_answers(struct sb_compare_cell *c);
/* "PP at depth 4096, 8 at once" */
void sb_compare_add_metric(struct sb_buf *b, const struct sb_compare_figure *f);
/* Counts the states and sets the exit code, when all rows are compared. */
void sb_comparison_conclude(struct sb_comparison *c);

#endif
