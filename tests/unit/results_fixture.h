/* Result sets made in memory, launch by launch. */
#ifndef RESULTS_FIXTURE_H
#define RESULTS_FIXTURE_H

#include <math.h>
#include <stdlib.h>

#include "stratobench/results.h"

static inline struct sb_results fixture_set(const char *title) {
    struct sb_results r = {0};
    r.bench.title = sb_strdup(title);
    r.bench.runs = 3;
    r.bench.launches = 1;
    r.bench.max_runs = 10;
    r.bench.n_predict = 128;
    r.bench.ctx = 8192;
    return r;
}

/* Valid until the next cell is added. The ids are made of the labels. */
static inline struct sb_cell *fixture_cell(struct sb_results *r, const char *model,
                                           const char *backend, enum sb_status status,
                                           const char *reason) {
    r->cells = sb_grow(r->cells, r->n_cells, sizeof *r->cells);
    struct sb_cell *c = &r->cells[r->n_cells++];
    *c = sb_cell_empty();
    c->model.id = sb_asprintf("id-%s", model);
    c->model.label = sb_strdup(model);
    c->backend.id = sb_asprintf("id-%s", backend);
    c->backend.label = sb_strdup(backend);
    c->status = status;
    c->reason = sb_strdup(reason);
    return c;
}

/* One run at a depth; tok/s. Valid until the next is added. */
static inline struct sb_run *fixture_run(struct sb_cell *c, int launch, int depth, double pp,
                                         double tg) {
    struct sb_run run = sb_run_empty();
    run.launch = launch;
    run.at.depth = depth;
    run.pp_tps = pp;
    run.tg_tps = tg;
    run.valid = true;
    return sb_cell_add_run(c, run);
}

/* A launch with one run. */
static inline void fixture_launch(struct sb_cell *c, double pp, double tg, double load_s,
                                  double cached_share) {
    struct sb_launch l = sb_launch_empty();
    l.launch = (int)c->n_launches + 1;
    l.load_s = load_s;
    l.cached_share = cached_share;
    sb_cell_add_launch(c, l);
    if (l.launch == 1)
        c->load_s = load_s;
    fixture_run(c, l.launch, 0, pp, tg);
    sb_cell_summarize(c);
}

/* An ok cell of launches at factor times 100 tok/s PP and 10 tok/s TG, a spread of about cv
 * between them, loads of 10 s out of a full page cache. */
static inline struct sb_cell *fixture_launches(struct sb_results *r, const char *model,
                                               const char *backend, int launches, double factor,
                                               double cv) {
    static const double deviates[] = {0, 1, -1};
    struct sb_cell *c = fixture_cell(r, model, backend, SB_OK, NULL);
    for (int i = 0; i < launches; i++) {
        double f = factor * (1 + cv * deviates[i % 3]);
        fixture_launch(c, 100 * f, 10 * f, 10 / f, 1);
    }
    return c;
}

static inline void fixture_fingerprint(struct sb_cell *c, const char *name,
                                       const char *const *lines) {
    free(c->fingerprint);
    c->fingerprint = sb_strdup(name);
    sb_strv_release(&c->fingerprint_of);
    for (; *lines; lines++)
        sb_strv_add(&c->fingerprint_of, *lines);
}

#endif
