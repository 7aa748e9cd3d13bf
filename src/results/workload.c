/* What a request of a workload costs, from what was measured. */
#include "stratobench/results.h"
#include "stratobench/results_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rounds of a chat that grows, long documents with short answers, an agent whose context fills: the
 * depths are those at which published results of such boxes turn. */
static const struct sb_workload named[] = {
    {.name = "chat",
     .n_parts = 3,
     .part = {{0, 300, 250, 1}, {2048, 120, 250, 1}, {4096, 120, 250, 1}}},
    {.name = "rag", .n_parts = 2, .part = {{0, 6000, 300, 1}, {6144, 200, 300, 1}}},
    {.name = "agent",
     .n_parts = 4,
     .part =
         {{0, 4000, 200, 1}, {4096, 1200, 150, 2}, {16384, 1200, 150, 2}, {32768, 1200, 150, 1}}},
    {.name = "turns", .played = true},
};

const struct sb_workload *sb_workload_at(size_t i) {
    return i < sizeof named / sizeof *named ? &named[i] : NULL;
}

const struct sb_workload *sb_workload_named(const char *name) {
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].name, name) == 0)
            return &named[i];
    return NULL;
}

void sb_workload_describe(const struct sb_workload *w, struct sb_buf *ret) {
    for (size_t i = 0; i < w->n_parts; i++) {
        const struct sb_workload_part *p = &w->part[i];
        sb_buf_adds(ret, i ? ", " : "");
        if (p->share != 1)
            sb_buf_addf(ret, "%g× ", p->share);
        sb_buf_addf(ret, "%g+%g", p->prompt_tokens, p->gen_tokens);
        if (p->depth > 0)
            sb_buf_addf(ret, " at a depth of %d", p->depth);
    }
}

/* The first place with so many requests at once; one that was not measured where there is none. */
static struct sb_at first_place(const struct sb_cell *c, int slots) {
    struct sb_at at = sb_cell_first_at(c);
    if (slots == 0 || slots == at.slots)
        return at;
    for (size_t i = 0; i < c->n_points; i++)
        if (c->points[i].at.slots == slots)
            return c->points[i].at;
    at.slots = slots;
    return at;
}

struct sb_at sb_workload_place(const struct sb_cell *c, const struct sb_workload *w, int depth) {
    struct sb_at best = first_place(c, w->slots);
    for (size_t i = 0; i < c->n_points && depth != SB_FIRST_PLACE; i++) {
        struct sb_at at = c->points[i].at;
        if (at.prompt == best.prompt && at.slots == best.slots &&
            abs(at.depth - depth) < abs(best.depth - depth))
            best = at;
    }
    return best;
}

static double sum_of_shares(const struct sb_workload *w) {
    double sum = 0;
    for (size_t i = 0; i < w->n_parts; i++)
        sum += w->part[i].share;
    return sum;
}

/* One part, launch by launch: its seconds, and by how much one launch's mean may be off. */
static size_t add_part(const struct sb_cell *c, const struct sb_workload *w,
                       const struct sb_workload_part *p, double *time_s, size_t n,
                       double *noise_s) {
    struct sb_at at = sb_workload_place(c, w, p->depth);
    double share = p->share / sum_of_shares(w);
    struct sb_sample pp = sb_sample_throughput(c, SB_PP, at),
                     tg = sb_sample_throughput(c, SB_TG, at);
    n = n < pp.n ? n : pp.n;
    n = n < tg.n ? n : tg.n;
    for (size_t i = 0; i < n; i++)
        time_s[i] += share * (p->prompt_tokens / pp.x[i] + p->gen_tokens / tg.x[i]);
    if (n == 1) /* as if the errors of PP and TG went together: no less than it can be */
        *noise_s +=
            share * (p->prompt_tokens / pp.x[0] * pp.noise + p->gen_tokens / tg.x[0] * tg.noise);
    free(pp.x);
    free(tg.x);
    return n;
}

static struct sb_sample sample_requests(const struct sb_cell *c, const struct sb_workload *w) {
    double noise_s = 0, sum = 0;
    size_t n = c->n_runs;
    struct sb_sample t = {.x = sb_alloc(n + 1, sizeof *t.x)};
    for (size_t i = 0; i < w->n_parts; i++)
        n = add_part(c, w, &w->part[i], t.x, n, &noise_s);
    struct sb_at first = sb_workload_place(c, w, SB_FIRST_PLACE);
    double *load = w->requests_per_load > 0 ? sb_sample_launch_loads(c, first, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        double time_s = t.x[i] + (load ? load[i] / w->requests_per_load : 0);
        t.x[i] = 1 / time_s;
        sum += time_s;
    }
    free(load);
    t.mean = sum / (double)n;
    t.n = isfinite(t.mean) && t.mean > 0 ? n : 0;
    t.noise = n == 1 ? noise_s / t.mean : 0;
    return t;
}

struct sb_sample sb_sample_workload(const struct sb_cell *c, const struct sb_workload *w) {
    return w->played ? sb_sample_conversation(c) : sample_requests(c, w);
}
