#include "stratobench/results.h"
#include "stratobench/results_sample.h"

#include <math.h>
#include <stdlib.h>

double sb_sample_noise(const struct sb_cell *c, enum sb_metric m, struct sb_at at) {
    size_t n;
    double *values = sb_cell_values(c, m, at, 0, &n);
    struct sb_summary s = sb_summarize(values, n);
    free(values);
    double cv = sb_cv(&s);
    return isfinite(cv) ? cv / sqrt((double)n) : 0;
}

struct sb_sample sb_sample_throughput(const struct sb_cell *c, enum sb_metric m, struct sb_at at) {
    struct sb_sample s = {0};
    s.x = sb_cell_launch_means(c, m, at, &s.n);
    s.mean = sb_summarize(s.x, s.n).mean;
    s.noise = s.n == 1 ? sb_sample_noise(c, m, at) : 0;
    return s;
}

double sb_sample_assumed(double stated, double noise_a, double noise_b) {
    return fmax(stated, fmax(noise_a, noise_b));
}

bool sb_same_cache_state(double cached_share_a, double cached_share_b) {
    return fabs(cached_share_a - cached_share_b) <= 0.1; /* false when either is NaN */
}

struct sb_sample sb_sample_load(const struct sb_cell *c, double *ret_cached_share) {
    struct sb_sample s = {.x = sb_alloc(c->n_launches + 1, sizeof *s.x), .mean = NAN};
    struct sb_launch only = {.load_s = c->load_s, .cached_share = NAN};
    const struct sb_launch *launches = c->n_launches ? c->launches : &only;
    double share = NAN, sum = 0;
    for (size_t i = c->n_launches ? c->n_launches : 1; i-- > 0;) {
        const struct sb_launch *l = &launches[i];
        if (!isfinite(l->load_s) || l->load_s <= 0)
            continue;
        bool alike =
            sb_same_cache_state(l->cached_share, share) || (isnan(l->cached_share) && isnan(share));
        if (s.n == 0)
            share = l->cached_share;
        else if (!alike)
            continue;
        sum += l->load_s;
        s.x[s.n++] = 1 / l->load_s;
    }
    if (s.n)
        s.mean = sum / (double)s.n;
    *ret_cached_share = share;
    return s;
}

static double load_of_launch(const struct sb_cell *c, int launch) {
    for (size_t i = 0; i < c->n_launches; i++)
        if (c->launches[i].launch == launch)
            return c->launches[i].load_s;
    return c->n_launches ? NAN : c->load_s;
}

static bool counts_at(const struct sb_run *r, struct sb_at at) {
    return sb_run_counts(r) && sb_at_same(r->at, at);
}

static bool begins_launch(const struct sb_cell *c, size_t run, struct sb_at at) {
    for (size_t i = 0; i < run; i++)
        if (c->runs[i].launch == c->runs[run].launch && counts_at(&c->runs[i], at))
            return false;
    return counts_at(&c->runs[run], at);
}

double *sb_sample_launch_loads(const struct sb_cell *c, struct sb_at at, size_t n) {
    double *loads = sb_alloc(n, sizeof *loads);
    size_t found = 0;
    for (size_t i = 0; i < c->n_runs && found < n; i++)
        if (begins_launch(c, i, at))
            loads[found++] = load_of_launch(c, c->runs[i].launch);
    while (found < n)
        loads[found++] = NAN;
    return loads;
}
