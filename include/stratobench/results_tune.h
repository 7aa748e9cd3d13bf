/* Tuning: settings of a backend whose values are tried before it is measured, one short launch a
 * value. What each gave is kept raw in the cell; the choice is part of its fingerprint, since it is
 * part of what the server was asked to be, and the list of values part of its repetition. */
#ifndef STRATOBENCH_RESULTS_TUNE_H
#define STRATOBENCH_RESULTS_TUNE_H

#include "stratobench/results.h"

struct sb_tunable {
    const char *key; /* of a [backend] */
    bool by_pp;      /* chosen by PP, which is all that it moves; else by the time of a whole run */
    int max;         /* of a number from 1 on; 0: one of */
    const char *const *words;
    const char *option; /* of llama-server: `args` may not set it, too */
};
extern const struct sb_tunable sb_tunables[];
extern const size_t sb_n_tunables;
const struct sb_tunable *sb_tunable_named(const char *key); /* NULL: no such one */

struct sb_try {        /* a value, in one launch of its own */
    char *key, *value; /* "ubatch", "512" */
    bool chosen;
    char *host; /* as of a launch */
    double load_s;
    char *reason;        /* why it cannot be taken; NULL = it can */
    struct sb_run *runs; /* at the cell's first prompt and depth, warm-ups first */
    size_t n_runs;
};
/* So many runs of each, more while they are noisy. */
enum { SB_TRY_RUNS = 3, SB_TRY_MOST_RUNS = 6 };

struct sb_try_figures { /* of the runs that count; n = 0 when there are none */
    struct sb_summary pp_tps, tg_tps, runs_per_s;
    double speed; /* by which it is chosen: more is better; NaN */
    bool noisy;   /* in that */
};
struct sb_try_figures sb_try_figures(const struct sb_try *t);

struct sb_try sb_try_empty(void);
void sb_try_release(struct sb_try *t);
struct sb_try *sb_cell_add_try(struct sb_cell *c, struct sb_try t); /* takes all of it */
const struct sb_try *sb_cell_try(const struct sb_cell *c, const char *key, const char *value);
const struct sb_try *sb_cell_chosen(const struct sb_cell *c, const char *key);
/* The first tried of those within SB_TIE_MARGIN of the fastest: what is a tie is not chosen by
 * chance. NULL when none can be taken. */
const struct sb_try *sb_cell_best_try(const struct sb_cell *c, const char *key);
/* Takes one of the cell's own: it is in the fingerprint from now on. */
void sb_cell_choose(struct sb_cell *c, const struct sb_try *t);

/* Was the one asked to be what the other is? As equal fingerprints, but for what tuning chose. */
bool sb_cell_asked_same(const struct sb_cell *a, const struct sb_cell *b);
/* The lines of the fingerprint less what tuning chose; the caller releases. */
struct sb_strv sb_cell_asked(const struct sb_cell *c);

#endif
