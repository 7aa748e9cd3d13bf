/* Sample: what of a cell goes into a comparison, one value a launch. */
#ifndef SB_SAMPLE_H
#define SB_SAMPLE_H

#include "stratobench/results.h"

struct sb_place { /* a point of a cell */
    int prompt, depth;
};
/* The cell's own: where its pp_tps and tg_tps were taken. */
struct sb_place sb_sample_first_place(const struct sb_cell *c);

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
struct sb_sample sb_sample_throughput(const struct sb_cell *c, enum sb_metric m, struct sb_place p);

/* 1/load_s of the launches that found the page cache as the last one did: a cold and a warm load
 * are never averaged, and by the last launch of each backend the cache has settled.
 * ret_cached_share: what of the file was cached there; NaN unknown. */
struct sb_sample sb_sample_load(const struct sb_cell *c, double *ret_cached_share);

/* Whether two loads started from the same page cache: both known, and within a tenth of the
 * file. Only then does their difference say something of the backends. */
bool sb_same_cache_state(double cached_share_a, double cached_share_b);

/* The load of each launch behind sb_sample_throughput, in the same order, in s; NaN where it
 * is unknown. n values; the caller frees. */
double *sb_sample_launch_loads(const struct sb_cell *c, struct sb_place p, size_t n);

#endif
