/* Sample: what of a cell goes into a comparison, one value a launch; and the workloads that weigh
 * it. */
#ifndef STRATOBENCH_RESULTS_SAMPLE_H
#define STRATOBENCH_RESULTS_SAMPLE_H

#include "stratobench/results.h"

struct sb_sample {
    double *x;   /* speeds, more is better; the caller frees */
    size_t n;    /* 0 = not measured */
    double mean; /* of what was measured: tok/s, or the load in s; NaN */
    /* Relative standard error of the mean of one launch's runs; 0 for several launches or one
     * run. No stand-in for the spread between launches, but that cannot be less. */
    double noise;
};
/* What is assumed for the spread between launches of two samples: `stated`, or their noise
 * where the runs of a single launch leave its mean less certain than that. */
double sb_sample_assumed(double stated, double noise_a, double noise_b);
struct sb_sample sb_sample_throughput(const struct sb_cell *c, enum sb_metric m, struct sb_at at);

/* The relative standard error of the mean of all its runs there; 0 where they cannot tell. */
double sb_sample_noise(const struct sb_cell *c, enum sb_metric m, struct sb_at at);

/* 1/load_s of the launches that found the page cache as the last one did: a cold and a warm load
 * are never averaged, and by the last launch of each backend the cache has settled.
 * ret_cached_share: what of the file was cached there; NaN unknown. */
struct sb_sample sb_sample_load(const struct sb_cell *c, double *ret_cached_share);

/* Whether two loads started from the same page cache: both known, and within a tenth of the
 * file. Only then does their difference say something of the backends. */
bool sb_same_cache_state(double cached_share_a, double cached_share_b);

/* The load of each launch behind sb_sample_throughput, in the same order, in s; NaN where it
 * is unknown. n values; the caller frees. */
double *sb_sample_launch_loads(const struct sb_cell *c, struct sb_at at, size_t n);

/* Turns: conversations in which the server keeps the context, and each turn adds to it.
 *
 * A turn is valid only if it found in the cache exactly what the former left there. A conversation
 * counts when it is measured (no warm-up) and all its turns are valid; its time is what the client
 * waited for its turns, one after the other. */

/* The time of each conversation that counts, in s, in order. The caller frees. */
double *sb_cell_conversations(const struct sb_cell *c, size_t *ret_n);
/* 1/time, the mean of each launch; the sample's mean is that of the times, in s. */
struct sb_sample sb_sample_conversation(const struct sb_cell *c);

struct sb_turn {             /* over the conversations that count */
    double context_n, new_n; /* tokens that it was asked with; of these processed. NaN: none */
    struct sb_summary ttft_ms, tg_tps; /* until the first token, by the server; n = 0 */
};
struct sb_turn sb_cell_turn(const struct sb_cell *c, int turn);
/* The most turns of a conversation, 0 when there is none. */
int sb_cell_most_turns(const struct sb_cell *c);
/* The first measured turn that is not valid, or NULL. */
const struct sb_run *sb_cell_odd_turn(const struct sb_cell *c);

/* A workload: a mix of requests, each of which takes a backend the time P/PP + G/TG at its depth.
 */
enum { SB_WORKLOAD_PARTS = 4, SB_FIRST_PLACE = -1 };
struct sb_workload_part { /* requests of one kind */
    int depth; /* tokens in the context before them; SB_FIRST_PLACE: where it was measured
                  first. The nearest measured depth stands for it */
    double prompt_tokens; /* P */
    double gen_tokens;    /* G */
    double share;         /* of the requests, relative to the other parts */
};
struct sb_workload {  /* T = load/N + the mean over the parts */
    const char *name; /* NULL: one made of numbers */
    struct sb_workload_part part[SB_WORKLOAD_PARTS];
    size_t n_parts;
    bool played;              /* no such mix: the conversation that was measured (`turns`) */
    double requests_per_load; /* N: requests that share one load; 0 = the load is not counted */
    int slots; /* requests at once; 0 = as at the place measured first. T is then a request's share of
                  the time that all of them take together */
};
#define SB_WORKLOAD_DEFAULT                                                                        \
    { .part = {{SB_FIRST_PLACE, 600, 128, 1}}, .n_parts = 1 }

/* The workloads with a name: number i, NULL past the last; by name, NULL when there is none. */
const struct sb_workload *sb_workload_at(size_t i);
const struct sb_workload *sb_workload_named(const char *name);
/* "300+250, 120+250 at a depth of 2048" */
void sb_workload_describe(const struct sb_workload *w, struct sb_buf *ret);
/* The measured place that stands for a part at that depth: the first, or the nearest to it in depth;
 * with as many requests at once as the workload has, and one that was not measured where none has. */
struct sb_at sb_workload_place(const struct sb_cell *c, const struct sb_workload *w, int depth);

/* 1/T, launch by launch; the mean is that of T, in s. Without a load where one is counted, or
 * without PP or TG, n is 0. The caller frees x. */
struct sb_sample sb_sample_workload(const struct sb_cell *c, const struct sb_workload *w);

/* launches = auto: which cells of one model still need a launch for the verdict on this workload?
 * Each is looked at against the best (sb_look); the best itself is open as long as another is.
 * Cells that are neither ok nor pending, and those of which nothing was measured, take no part
 * and come out as decided. n cells in, n out; returns the number of the best, SIZE_MAX when there
 * is none. */
struct sb_settled {
    enum sb_outlook outlook;
    enum sb_verdict verdict; /* against the best, as sb_compare has it */
    size_t n;                /* launches that were compared; 0 = takes no part */
};
size_t sb_settle(const struct sb_cell *const *cells, size_t n, const struct sb_workload *w,
                 struct sb_settled *ret);

#endif
