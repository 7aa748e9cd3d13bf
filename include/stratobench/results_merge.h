/* Merge: result sets of several files as a reader sees them, by section.
 *
 * Sets with the same title are one section, as far as one machine measured them: what another did
 * is a section of its own. Where two of its files hold the same cell (model
 * and backend), the one measured last stands; one still pending never replaces another. What a
 * newer result that is not ok puts out of sight is said in `hidden`, so that it can be printed.
 * A set that stands alone in its section keeps all its cells. */
#ifndef STRATOBENCH_RESULTS_MERGE_H
#define STRATOBENCH_RESULTS_MERGE_H

#include "stratobench/results.h"

struct sb_section {
    /* Borrows every string and array from the sets given: valid as long as they are, never to
     * be released. bench is the first file's, but for started_at (the earliest) and updated_at (the
     * latest), and for the title where other machines have sections of the same. Cells of one model
     * stand together, models and their backends in the order of first appearance. */
    struct sb_results set;
    char **hidden;                   /* one a cell: a sentence on the ok result it hides, or NULL */
    const struct sb_results **from;  /* one a cell: the set it comes from */
    struct sb_strv warnings;         /* sentences: in what the files differ that should not */
    const struct sb_results **parts; /* the sets of this section, in the order given */
    size_t n_parts;
    const char *title;     /* as the files have it; never NULL */
    const char *host_id;   /* of set.host; "" unknown */
    const char **part_ids; /* of each part's own host */
    char *own_title;       /* NULL, or set.bench.title */
};

struct sb_sections {
    struct sb_section *item; /* in the order in which the titles appear */
    size_t n;
    struct sb_strv host_ids; /* of the files */
};

struct sb_sections sb_results_merge(const struct sb_results *const *sets, size_t n);
void sb_sections_release(struct sb_sections *all);

#endif
