/* launches = auto: which cells of a model still need a launch. */
#include "stratobench/results.h"
#include "stratobench/results_sample.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static struct sb_sample sample_of(const struct sb_cell *c, const struct sb_workload *w) {
    if (c->status != SB_OK && c->status != SB_PENDING)
        return (struct sb_sample){0};
    return sb_sample_workload(c, w);
}

static double mean_log(const struct sb_sample *s) {
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += log(s->x[i]);
    return sum / (double)s->n;
}

static size_t best_of(const struct sb_sample *samples, size_t n) {
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (samples[i].n && (best == SIZE_MAX || mean_log(&samples[i]) > mean_log(&samples[best])))
            best = i;
    return best;
}

static struct sb_settled against_best(const struct sb_sample *s, const struct sb_sample *best) {
    struct sb_settled r = {SB_OUTLOOK_DECIDED, SB_VERDICT_TIE, s->n};
    if (s->n == 0 || s == best)
        return r;
    double spread = sb_sample_assumed(SB_ASSUMED_LAUNCH_CV, s->noise, best->noise);
    r.outlook = sb_look(s->x, s->n, best->x, best->n, SB_TIE_MARGIN);
    r.verdict = sb_compare(s->x, s->n, best->x, best->n, SB_TIE_MARGIN, spread).verdict;
    return r;
}

size_t sb_settle(const struct sb_cell *const *cells, size_t n, const struct sb_workload *w,
                 struct sb_settled *ret) {
    struct sb_sample *samples = sb_alloc(n, sizeof *samples);
    for (size_t i = 0; i < n; i++)
        samples[i] = sample_of(cells[i], w);
    size_t best = best_of(samples, n);
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        ret[i] = against_best(&samples[i], best == SIZE_MAX ? NULL : &samples[best]);
        open |= ret[i].outlook == SB_OUTLOOK_OPEN;
    }
    if (open)
        ret[best].outlook = SB_OUTLOOK_OPEN;
    for (size_t i = 0; i < n; i++)
        free(samples[i].x);
    free(samples);
    return best;
}
