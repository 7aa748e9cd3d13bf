#include "stratobench/results.h"

#include <math.h>
#include <stdlib.h>

struct sb_place sb_sample_first_place(const struct sb_cell *c) {
    if (c->n_points)
        return (struct sb_place){c->points[0].prompt, c->points[0].depth};
    for (size_t i = 0; i < c->n_runs; i++)
        if (!c->runs[i].warmup)
            return (struct sb_place){c->runs[i].prompt, c->runs[i].depth};
    return (struct sb_place){0, 0};
}

static double noise_of_launch(const struct sb_cell *c, enum sb_metric m, struct sb_place p) {
    size_t n;
    double *values = sb_cell_values(c, m, p.prompt, p.depth, 0, &n);
    struct sb_summary s = sb_summarize(values, n);
    free(values);
    double cv = sb_cv(&s);
    return isfinite(cv) ? cv / sqrt((double)n) : 0;
}

struct sb_sample sb_sample_throughput(const struct sb_cell *c, enum sb_metric m,
                                      struct sb_place p) {
    struct sb_sample s = {0};
    s.x = sb_cell_launch_means(c, m, p.prompt, p.depth, &s.n);
    s.mean = sb_summarize(s.x, s.n).mean;
    s.noise = s.n == 1 ? noise_of_launch(c, m, p) : 0;
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

static bool is_at(const struct sb_run *r, struct sb_place p) {
    return r->valid && !r->warmup && r->prompt == p.prompt && r->depth == p.depth;
}

static bool begins_launch(const struct sb_cell *c, size_t run, struct sb_place p) {
    for (size_t i = 0; i < run; i++)
        if (c->runs[i].launch == c->runs[run].launch && is_at(&c->runs[i], p))
            return false;
    return is_at(&c->runs[run], p);
}

double *sb_sample_launch_loads(const struct sb_cell *c, struct sb_place p, size_t n) {
    double *loads = sb_alloc(n, sizeof *loads);
    size_t found = 0;
    for (size_t i = 0; i < c->n_runs && found < n; i++)
        if (begins_launch(c, i, p))
            loads[found++] = load_of_launch(c, c->runs[i].launch);
    while (found < n)
        loads[found++] = NAN;
    return loads;
}
