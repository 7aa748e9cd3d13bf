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
#ifndef STRATOBENCH_VERDICT_H
#define STRATOBENCH_VERDICT_H

#include "stratobench/results.h"
#include "stratobench/results_merge.h"
#include "stratobench/results_sample.h"
#include "stratobench/text.h"

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
    struct sb_rank_figure figure[SB_METRICS];
};

struct sb_rank_model {
    const char *label;
    size_t first, n;         /* its cells */
    size_t best[SB_METRICS]; /* number of the cell; SIZE_MAX = none measured */
    bool clear[SB_METRICS];  /* every other cell is slower by verdict, and there is one */
    bool common;             /* every compared backend finished it */
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
    bool overall;          /* in the workload; else in `metric` alone */
    enum sb_metric metric; /* PP or TG, the one in which its advantage is greater */
    double ratio;          /* of speeds in that metric, over the first backend */
};

struct sb_rank_turn { /* with so many requests at once, another backend is first by verdict */
    int slots;
    size_t first, second; /* backends */
    double ratio;         /* of speeds in the workload, over the second */
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
    struct sb_rank_turn *turns; /* where slots were measured that the workload does not state */
    size_t n_turns;
};

/* Of one section: the set borrowed stays valid as long as the rank is used. hidden: one a cell
 * of the set (merge.h), or NULL. */
void sb_rank(const struct sb_results *set, char *const *hidden, const struct sb_workload *w,
             struct sb_rank *ret);
void sb_rank_release(struct sb_rank *r);

/* Which backends failed what, then the verdict, in plain words, on one line: "Vulkan is 1.18× as
 * fast as ROCm over 9 models for 600+128 tokens; ROCm wins on Llama 4 Scout (PP 2.1×)." */
void sb_rank_sentence(const struct sb_rank *r, enum sb_style style, struct sb_buf *ret);

/* What stands under the sentence in the document: the tables, and what to know when reading them. */
void sb_rank_details(const struct sb_rank *r, struct sb_buf *ret);

/* The section at the end of the document ("## Which backend?"), and the same for a screen. Sets
 * of one title are ranked together (merge.h), each title by itself. Without a model that two
 * backends ran there is nothing to rank: such a title is left out of the document, and named
 * on the screen. */
int sb_rank_markdown(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                     struct sb_buf *ret);
int sb_rank_text(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                 struct sb_buf *ret);
/* The text with its tables wrapped into so many columns; 0 = as wide as they are. */
int sb_rank_screen(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                   size_t columns, struct sb_buf *ret);

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
 * one build end with 0 in 98 of 100, a loss of 10 % in 5; with 6 % two runs of one build do in 96,
 * a loss of 20 % in 3.
 *
 * Answers of both sides (below) are held against each other, too: NEW that reads the text worse than
 * BASE did is a regression; one that differs from it beyond noise, with nothing to tell which is right,
 * is inconclusive.
 *
 * Exit code: 1 with any regression (a figure's, or a cell that was ok and now is not); else 3
 * with any inconclusive loss, any cell that is not comparable, any that is missing or pending
 * in NEW (unless allow_missing), or when nothing could be compared at all; else 0. So a real
 * loss is never hidden behind a 3, and noise never makes a 1. */

struct sb_compare_options {
    double max_drop;       /* share; what is tolerated however small the noise */
    double assumed_spread; /* CV between launches where it was not measured */
    double margin;         /* share within which two speeds are a tie */
    bool force;            /* compare in spite of differing fingerprints */
    bool allow_missing;
    bool paired; /* set by sb_comparison_make_paired */
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

struct sb_compare_figure {
    enum sb_metric metric; /* PP, TG or the load, which has no place */
    struct sb_at at;
    double base, next;     /* means of launch means: tok/s; s for the load. NaN not measured */
    struct sb_ratio ratio; /* new/base of speeds, with verdict: below 1 is a loss */
    struct sb_gate gate;   /* NaN and false for the load */
    bool inconclusive;     /* as above */
    size_t n_pairs;        /* when paired; launches without a neighbour do not count */
};

struct sb_compare_cell {
    const struct sb_cell *base, *next;            /* NULL where a side has none */
    const struct sb_results *base_set, *next_set; /* the files they come from */
    enum sb_compare_state state;
    struct sb_strv differences; /* "n_predict: 128 → 64"; also when compared by force */
    char *answers; /* "answers got worse: …" where NEW computes another thing; or NULL */
    struct sb_compare_figure *figures;
    size_t n_figures;
};

struct sb_comparison {
    struct sb_compare_options options;
    struct sb_sections base, next; /* as merged; the cells point into them */
    struct sb_compare_cell *cells; /* BASE's in their order, then what is new */
    size_t n_cells;
    struct sb_strv repetition; /* "runs: 3 → 5": how often the sides measured, which keeps nothing
                                  from being compared */
    struct sb_strv machine;    /* "kernel: 6.18 → 6.19": nor does this */
    size_t count[SB_CELL_STATES];
    int exit_code; /* 0, 1 or 3 */
};

/* Several files a side make one (merge.h). The sets must stay while the comparison is used. */
void sb_comparison_make(const struct sb_results *const *base, size_t n_base,
                        const struct sb_results *const *next, size_t n_next,
                        const struct sb_compare_options *o, struct sb_comparison *ret);
void sb_comparison_release(struct sb_comparison *c);

/* Two backends of one set (each an id or a label), a row a model: the launches made side by side
 * are pairs, in the order that their times tell (A B B A), so that what the machine does to both
 * cancels (sb_compare_paired, sb_gate_paired). Settings in which the two differ are named, and do
 * not keep them from being compared. 0, or -EINVAL with one line in `error`. Seven parameters: those of
 * sb_comparison_make, and a line on a name that is none. */
int sb_comparison_make_paired(const struct sb_results *const *sets, size_t n, const char *old,
                              const char *new, const struct sb_compare_options *o,
                              struct sb_comparison *ret, struct sb_buf *error);
/* For `git bisect run`, of a paired comparison: 1 (bad) with a regression; 0 (good) where no figure
 * lost max_drop and the 95 % interval of each excludes a loss of twice that; 125 (cannot tell)
 * otherwise, also when a cell is not ok: a build that does not work is not the one that is slow. */
int sb_comparison_bisect(const struct sb_comparison *c);

void sb_comparison_text(const struct sb_comparison *c, struct sb_buf *ret);
void sb_comparison_screen(const struct sb_comparison *c, size_t columns, struct sb_buf *ret);
void sb_comparison_markdown(const struct sb_comparison *c, struct sb_buf *ret);
/* {"schema": "stratobench-compare/1", ...}; shares and ratios are plain numbers. */
void sb_comparison_json(const struct sb_comparison *c, struct sb_buf *ret);
/* "::error title=…::…", one line for each cell with a regression (GitHub's workflow commands). */
void sb_comparison_annotations(const struct sb_comparison *c, struct sb_buf *ret);

/* History: a model on a backend over builds and dates.
 *
 * Each set is one look at every cell in it; nothing is merged. The looks at one cell (by its ids)
 * are a series, in the order of their dates. PP and TG at the cell's first place are held against
 * all looks since the last step: a step is what the gate calls a regression (sb_gate, the launches
 * of all those looks on one side), or such a gain. So the spread from day to day counts as noise,
 * and single launches show steps beyond 8.5 % alone. Other settings (the fingerprints differ)
 * begin anew, and what differs is named. */
struct sb_history_figure {
    struct sb_summary runs; /* as the document has it; n = 0 not measured */
    double change;          /* against the mean since the last step; NaN for the first */
    bool step;
};
struct sb_history_look {
    const struct sb_cell *cell;
    const char *date;                   /* RFC 3339 UTC: measured, or begun; NULL unknown */
    size_t number;                      /* of the look among all sets by date, from 1 */
    struct sb_history_figure figure[2]; /* by SB_PP, SB_TG */
    struct sb_strv differences;         /* to the settings of the look before */
};
struct sb_history_series {
    struct sb_history_look *looks;
    size_t n;
};
struct sb_history {
    struct sb_history_series *series; /* models and backends in order of appearance */
    size_t n;
    size_t n_looks; /* sets */
};
/* model, backend: globs over id or label; NULL = all. The sets are borrowed. */
void sb_history_make(const struct sb_results *const *sets, size_t n, const char *model,
                     const char *backend, struct sb_history *ret);
void sb_history_release(struct sb_history *h);
/* A table a series, and under them all what stepped first. */
void sb_history_text(const struct sb_history *h, struct sb_buf *ret);
void sb_history_screen(const struct sb_history *h, size_t columns, struct sb_buf *ret);
void sb_history_markdown(const struct sb_history *h, struct sb_buf *ret);
/* For sb_plot_history_svg: a cell a series, whose points stand at the looks' numbers. */
struct sb_results sb_history_lines(const struct sb_history *h);

/* Drafts: what speculative decoding gave, at one place, and against the same backend without it:
 * the same model, program, build and conditions, but for those that are about drafts. */
struct sb_drafts {
    double per_run;                /* tokens drafted in a run, the mean; 0: it found none */
    double accepted_share;         /* of them; NaN when there were none */
    double per_pass;               /* generated tokens for one pass of the model */
    const struct sb_cell *without; /* NULL = was not measured */
    struct sb_ratio tg;            /* its TG over that of `without`; NaN when there is none */
};
/* Whether a cell drafts, by its conditions, or, where it has none, by its runs. */
bool sb_cell_drafts(const struct sb_cell *c);
/* Of cells[i], a cell that drafts. n cells. */
struct sb_drafts sb_drafts_at(const struct sb_cell *cells, size_t n, size_t i, struct sb_at at);

/* Answers: does a server compute what the others compute? (answers.md)
 *
 * All on stored answers, so that old files are judged anew. Two answers differ by the root mean
 * square of the differences in log-probability over the ten candidates of each and the true token;
 * of a candidate that only one names, the other's tenth bounds it. A server's own noise is that
 * difference between the context as one batch and the same in pieces. Where both have noise, two
 * right backends stay within SB_ANSWERS_RATIO of the greater, and within SB_ANSWERS_LEAST. One that
 * takes the pieces the same way as the whole shows none: then what the model's other cells show
 * stands in, and at least a constant, one for models whose weights are floats and one for all
 * others. A constant is no measurement: only from SB_ANSWERS_CONDEMNS times it on may a third say
 * who is wrong; nearer is "cannot tell". results/method.md has what they were set by.
 *
 * Only like is compared with like: another file, KV type or draft model is another setting. */

#define SB_ANSWERS_RATIO        2.2
#define SB_ANSWERS_FLOOR        0.25
#define SB_ANSWERS_FLOOR_FLOATS 0.05
#define SB_ANSWERS_LEAST        0.03
#define SB_ANSWERS_CONDEMNS     1.6
/* So many positions, of all places together, are judged once more as one: there the divergence of the
 * distributions tells what moves perplexity by a hundredth (results/method.md). */
#define SB_ANSWERS_TOGETHER 128

enum sb_answers_state {                         /* worst last */
                        SB_ANSWERS_NONE,        /* nothing was asked */
                        SB_ANSWERS_NOT_CHECKED, /* asked, and no answer to judge */
                        SB_ANSWERS_ALONE,       /* agrees with itself; nobody else answered */
                        SB_ANSWERS_SETTINGS,    /* the others have other settings */
                        SB_ANSWERS_AGREES,
                        SB_ANSWERS_CANNOT_TELL, /* within a noise that would hide what is looked for */
                        SB_ANSWERS_UNSTABLE,    /* its launches differ */
                        SB_ANSWERS_DISAGREES, /* and nothing tells which is right */
                        SB_ANSWERS_ODD, /* wrong: others, which are not one build, agree against it */
                        SB_ANSWERS_READS_WORSE, /* wrong: the text is less likely to it, token by token */
                        SB_ANSWERS_CONTRADICTS, /* wrong: whole and in pieces are two answers */
                        SB_ANSWERS_DEGENERATE, /* wrong: no numbers, one token for ever, or one distribution */
};

struct sb_answers_verdict {
    enum sb_answers_state state; /* the worst of all places */
    struct sb_at at;             /* the place where it is so */
    bool wrong;                  /* the cell is INVALID */
    size_t n_positions;          /* of the first place */
    double perplexity;           /* over them, NaN unknown */
    size_t n_same_top;           /* of them with the same most likely token as the other's */
    size_t other;                /* number of the cell it was held against; SIZE_MAX = none */
    double difference, noise;    /* from the other; its own. NaN unknown */
    char *words;                 /* "agrees with CPU", for a table */
    char *reason; /* "wrong answers: perplexity 1334 over 32 tokens, CPU 6.8"; or NULL */
};

/* The cells of one model. n in, n out, each to be released. */
void sb_answers_judge(const struct sb_cell *const *cells, size_t n, struct sb_answers_verdict *ret);
void sb_answers_verdict_release(struct sb_answers_verdict *v);
/* Whether the text says anything: a model of random weights does not read. */
bool sb_answers_reads(const struct sb_cell *const *cells, size_t n);

/* Marks what is wrong in results that were loaded: status and reason of an ok cell become those of
 * an invalid one. To be called on all that is shown together, and on nothing that is saved. Returns
 * how many were marked. */
size_t sb_answers_apply(struct sb_results *const *sets, size_t n);

#endif
