/* Merge: result sets of several files as a reader sees them, by section.
 *
 * Sets with the same title are one section. Where two of its files hold the same cell (model
 * and backend), the one measured last stands; one still pending never replaces another. What a
 * newer result that is not ok puts out of sight is said in `hidden`, so that it can be printed.
 * A set that stands alone in its section keeps all its cells. */
#ifndef STRATOBENCH_MERGE_H
#define STRATOBENCH_MERGE_H

#include "stratobench/results.h"

struct sb_section {
    /* Borrows every string and array from the sets given: valid as long as they are, never to
     * be released. bench and host are the first file's, but for started_at (the earliest) and
     * updated_at (the latest). Cells of one model stand together, models and their backends in
     * the order of first appearance. */
    struct sb_results set;
    char **hidden;                   /* one a cell: a sentence on the ok result it hides, or NULL */
    struct sb_strv warnings;         /* sentences: in what the files differ that should not */
    const struct sb_results **parts; /* the sets of this section, in the order given */
    size_t n_parts;
};

struct sb_sections {
    struct sb_section *item; /* in the order in which the titles appear */
    size_t n;
};

struct sb_sections sb_results_merge(const struct sb_results *const *sets, size_t n);
void sb_sections_release(struct sb_sections *all);

/* Same model id (label where there is none). */
bool sb_same_model(const struct sb_cell *a, const struct sb_cell *b);
/* The label, else the id, else "". */
const char *sb_model_label(const struct sb_cell *c);
const char *sb_backend_label(const struct sb_cell *c);

#endif
