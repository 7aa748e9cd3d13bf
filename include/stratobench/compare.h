/* Compare: the regression gate over two sides of results (method.md, Comparing).
 *
 * Cells are matched by model id and backend id (labels where a file has none); titles matter
 * only when a side has several sections. Cells whose fingerprints differ are not comparable,
 * and what differs is named; cells without a fingerprint (transcribed ones) are compared by
 * their ids alone. PP and TG at every point are gated (sb_gate); the load is shown, not gated.
 *
 * With one launch a side `assumed_spread` stands in for the unknown spread between launches, or
 * the standard error of the mean of that launch's runs where it is greater.
 *
 * What one figure says, with drop = 1 - new/base and limit as sb_gate has it:
 *   regression     drop > limit
 *   inconclusive   drop > max_drop but not over the limit, and the whole interval of the speed is
 *                  a loss: hardly chance, and still within three standard deviations. Or the limit
 *                  is 100 %, which no drop can exceed.
 *   ok             everything else. A drop whose interval reaches 1 is no reason to fail: two runs
 *                  of one build on a noisy machine do that all the time. How much the noise can
 *                  hide is printed with it.
 *
 * Simulated in the tests, one cell of three launches a side: with 3 % between launches two runs of
 * one build end with 0 in 98 of 100, a loss of 10 % in 5; with 6 % two runs of one build do in 96, a
 * loss of 20 % in 3.
 *
 * Exit code: 1 with any regression (a figure's, or a cell that was ok and now is not); else 3
 * with any inconclusive loss, any cell that is not comparable, any that is missing or pending
 * in NEW (unless allow_missing), or when nothing could be compared at all; else 0. So a real
 * loss is never hidden behind a 3, and noise never makes a 1. */
#ifndef STRATOBENCH_COMPARE_H
#define STRATOBENCH_COMPARE_H

#include "stratobench/merge.h"
#include "stratobench/results.h"

struct sb_compare_options {
    double max_drop;       /* share; what is tolerated however small the noise */
    double assumed_spread; /* CV between launches where it was not measured */
    double margin;         /* share within which two speeds are a tie */
    bool force;            /* compare in spite of differing fingerprints */
    bool allow_missing;
};
#define SB_COMPARE_DEFAULT                                                                         \
    {                                                                                              \
        .max_drop = SB_GATE_LEAST_DROP, .assumed_spread = SB_ASSUMED_LAUNCH_CV,                    \
        .margin = SB_TIE_MARGIN                                                                    \
    }

enum sb_compare_state { /* of a cell; the worst of its figures where they were compared */
                        SB_CELL_SAME,
                        SB_CELL_IMPROVED, /* a figure is faster by verdict, none lost */
                        SB_CELL_INCONCLUSIVE,
                        SB_CELL_REGRESSION,
                        SB_CELL_BROKEN, /* was ok, now is not: a regression */
                        SB_CELL_NOT_COMPARABLE,
                        SB_CELL_MISSING, /* ok in BASE, not there or pending in NEW */
                        SB_CELL_NEW,     /* not in BASE */
                        SB_CELL_FIXED,   /* was not ok, now is */
                        SB_CELL_NEITHER, /* ok on neither side */
                        SB_CELL_STATES
};
const char *sb_compare_state_name(enum sb_compare_state s); /* "no regression", ... */

enum sb_compare_metric { SB_COMPARE_PP, SB_COMPARE_TG, SB_COMPARE_LOAD };

struct sb_compare_figure {
    enum sb_compare_metric metric;
    int prompt, depth;
    double base, next;     /* means of launch means: tok/s; s for the load. NaN not measured */
    struct sb_ratio ratio; /* new/base of speeds, with verdict: below 1 is a loss */
    struct sb_gate gate;   /* NaN and false for the load */
    bool inconclusive;     /* as above */
};

struct sb_compare_cell {
    const struct sb_cell *base, *next; /* NULL where a side has none */
    enum sb_compare_state state;
    struct sb_strv differences; /* "n_predict: 128 → 64"; also when compared by force */
    struct sb_compare_figure *figures;
    size_t n_figures;
};

struct sb_comparison {
    struct sb_compare_options options;
    struct sb_sections base, next; /* as merged; the cells point into them */
    struct sb_compare_cell *cells; /* BASE's in their order, then what is new */
    size_t n_cells;
    size_t count[SB_CELL_STATES];
    int exit_code; /* 0, 1 or 3 */
};

/* Several files a side make one (merge.h). The sets must stay while the comparison is used. */
void sb_comparison_make(const struct sb_results *const *base, size_t n_base,
                        const struct sb_results *const *next, size_t n_next,
                        const struct sb_compare_options *o, struct sb_comparison *ret);
void sb_comparison_release(struct sb_comparison *c);

void sb_comparison_text(const struct sb_comparison *c, struct sb_buf *ret);
void sb_comparison_markdown(const struct sb_comparison *c, struct sb_buf *ret);
/* {"schema": "stratobench-compare/1", ...}; shares and ratios are plain numbers. */
void sb_comparison_json(const struct sb_comparison *c, struct sb_buf *ret);
/* "::error title=…::…", one line for each cell with a regression (GitHub's workflow commands). */
void sb_comparison_annotations(const struct sb_comparison *c, struct sb_buf *ret);

#endif
