/* Rank: which backend to default to, from results alone (method.md, Comparing).
 *
 * Time of a stated workload T = load/N + P/PP + G/TG, in seconds. PP and TG are taken launch by
 * launch: T_l = load_l/N + P/PP_l + G/TG_l is one value of the sample, so the spread between
 * launches goes into the interval of T with whatever correlation PP and TG have in it. Ratios
 * are of speeds (1/T, PP, TG, 1/load), so that more is better throughout, and come from
 * sb_compare with SB_TIE_MARGIN; with one launch a side SB_ASSUMED_LAUNCH_CV stands in for the
 * unknown spread between launches, and the text says so. Where the runs of that one launch
 * scatter so much that its mean is less certain still, the standard error of the mean is taken:
 * the spread within a launch never makes an interval narrower.
 *
 * Over models: the geometric mean of a backend's ratio to the model's best. The mean of k log
 * ratios has the half-width sqrt(sum of h_i^2)/k: the models are the given ones, no sample of
 * models. It runs over the models that every compared backend finished. Backends are left out
 * of it (and named) where that makes room: the backends that finished most models are taken
 * such that backends x models in common is greatest. A cell that is not ok enters nothing. */
#ifndef STRATOBENCH_RANK_H
#define STRATOBENCH_RANK_H

#include "stratobench/results.h"

struct sb_workload {
    double prompt_tokens;     /* P */
    double gen_tokens;        /* G */
    double requests_per_load; /* N: requests that share one load; 0 = the load is not counted */
};
#define SB_WORKLOAD_DEFAULT                                                                        \
    { .prompt_tokens = 600, .gen_tokens = 128 }

enum sb_rank_metric { SB_RANK_WORKLOAD, SB_RANK_PP, SB_RANK_TG, SB_RANK_LOAD, SB_RANK_METRICS };

struct sb_rank_figure {
    double value;  /* s for the workload and the load, tok/s for PP and TG; NaN */
    double *speed; /* one a launch, more is better; 1/s or tok/s */
    size_t n;
    double noise;            /* relative standard error of a single launch's mean; else 0 */
    double log_speed;        /* mean of log speed: what orders the backends */
    struct sb_ratio to_best; /* of speeds; exactly 1 for the best itself; NaN without a figure */
};

struct sb_rank_cell {
    const struct sb_cell *cell;
    const char *hidden;    /* sentence on an ok result that this one hides, or NULL */
    size_t model, backend; /* numbers in models and backends */
    bool finished;         /* ok, and the workload has a time */
    double cached_share;   /* page cache at the launches whose loads count; NaN unknown */
    struct sb_rank_figure figure[SB_RANK_METRICS];
};

struct sb_rank_model {
    const char *label;
    size_t first, n;              /* its cells */
    size_t best[SB_RANK_METRICS]; /* number of the cell; SIZE_MAX = none measured */
    bool clear[SB_RANK_METRICS];  /* every other cell is slower by verdict, and there is one */
    bool common;                  /* every compared backend finished it */
};

struct sb_rank_backend {
    char *label;
    size_t n_cells, n_finished;
    bool compared;  /* takes part in what follows, over the common models */
    double log_sum; /* of ratios to the best */
    double speed;   /* geometric mean of the ratios to the best */
    double worst;   /* least ratio to the best */
    size_t worst_model;
    /* against the best of the other compared backends */
    size_t wins, ties, losses, inconclusive;
};

struct sb_rank_exception { /* a common model on which another backend beats the first */
    size_t model, backend;
    bool overall;               /* in the workload; else in `metric` alone */
    enum sb_rank_metric metric; /* PP or TG, the one in which its advantage is greater */
    double ratio;               /* of speeds in that metric, over the first backend */
};

struct sb_rank {
    struct sb_workload workload;
    struct sb_rank_cell *cells;       /* by model */
    struct sb_rank_model *models;     /* in order of appearance */
    struct sb_rank_backend *backends; /* in order of appearance, matched by label */
    size_t n_cells, n_models, n_backends, n_compared, n_common;
    size_t first, second;                 /* by geometric mean; SIZE_MAX when there is no such */
    struct sb_ratio lead;                 /* first over second, over the common models */
    struct sb_rank_exception *exceptions; /* overall ones first */
    size_t n_exceptions;
};

/* Of one section: the set borrowed stays valid as long as the rank is used. hidden: one a cell
 * of the set (merge.h), or NULL. */
void sb_rank(const struct sb_results *set, char *const *hidden, const struct sb_workload *w,
             struct sb_rank *ret);
void sb_rank_release(struct sb_rank *r);

/* Which backends failed what, then the verdict, in plain words: "Vulkan: 1.18× ROCm over 9
 * models for 600+128 tokens; ROCm wins on Llama 4 Scout (PP 2.1×)." */
void sb_rank_sentence(const struct sb_rank *r, bool markdown, struct sb_buf *ret);

/* The section at the end of the document ("## Which backend?"), and the same for a screen. Sets
 * of one title are ranked together (merge.h), each title by itself. Without a model that two
 * backends ran there is nothing to rank: such a title is left out of the document, and named
 * on the screen. */
int sb_rank_markdown(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                     struct sb_buf *ret);
int sb_rank_text(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                 struct sb_buf *ret);

#endif
