#include "eta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sb_eta_init(struct sb_eta *e, const struct sb_config *config,
                 const struct sb_preflight *preflight) {
    *e = (struct sb_eta){.config = config,
                         .preflight = preflight,
                         .backends = sb_alloc(config->n_backends, sizeof *e->backends),
                         .cells = sb_alloc(config->n_cells, sizeof *e->cells)};
}

void sb_eta_release(struct sb_eta *e) {
    free(e->backends);
    free(e->cells);
    *e = (struct sb_eta){0};
}

/* The time a launch takes grows with the bytes read for a token; a constant stands for the rest. */
static double weight(const struct sb_eta *e, size_t cell) {
    const struct sb_gguf *g = e->preflight->cells[cell].gguf;
    return (g ? (double)g->bytes_per_token : 0) + 50e6;
}

static struct sb_pace *backend_of(const struct sb_eta *e, size_t cell) {
    return &e->backends[e->config->cells[cell].backend - e->config->backends];
}

/* What the answers of a launch took, and how many positions that were. */
static double answers_of(const struct sb_cell *c, int launch, double *ret_positions) {
    double sum_s = 0;
    *ret_positions = 0;
    for (size_t i = 0; i < c->n_answers; i++) {
        const struct sb_answer *a = &c->answers[i];
        if (a->launch != launch || !(a->wall_s > 0))
            continue;
        sum_s += a->wall_s;
        *ret_positions += (double)a->n_positions;
    }
    return sum_s;
}

/* How many positions that launch will be asked for. */
static double positions_wanted(const struct sb_config *c, int launch) {
    double places = (double)(c->bench.n_prompts * c->bench.n_depths);
    return places * c->answers * (launch == 1 ? 2 : 1);
}

static void learn(struct sb_eta *e, size_t cell, double rest_s, double answers_s,
                  double positions) {
    struct sb_pace *b = backend_of(e, cell), *c = &e->cells[cell];
    b->spent_s += rest_s;
    b->weight += weight(e, cell);
    b->answers_s += answers_s;
    b->positions += positions * weight(e, cell);
    c->spent_s += rest_s;
    c->weight++;
    c->answers_s += answers_s;
    c->positions += positions;
}

static double places(const struct sb_eta *e) {
    return (double)sb_protocol_n_places(&e->config->bench);
}

void sb_eta_learn(struct sb_eta *e, size_t cell, double launch_s, const struct sb_cell *results,
                  int launch) {
    if (launch < 0) { /* one place of those that a launch has */
        learn(e, cell, launch_s * places(e), 0, 0);
        return;
    }
    double positions, answers_s = answers_of(results, launch, &positions);
    if (launch_s > answers_s)
        learn(e, cell, launch_s - answers_s, answers_s, positions);
}

double sb_eta_answers_s(const struct sb_eta *e, size_t cell, int launch) {
    const struct sb_pace *own = &e->cells[cell], *b = backend_of(e, cell);
    double wanted = positions_wanted(e->config, launch);
    if (own->positions > 0)
        return wanted * own->answers_s / own->positions;
    return b->positions > 0 ? wanted * weight(e, cell) * b->answers_s / b->positions : 0;
}

double sb_eta_launch_s(const struct sb_eta *e, size_t cell, int launch) {
    const struct sb_pace *own = &e->cells[cell], *b = backend_of(e, cell);
    double answers_s = sb_eta_answers_s(e, cell, launch);
    if (own->weight > 0)
        return own->spent_s / own->weight + answers_s;
    return b->weight > 0 ? weight(e, cell) * b->spent_s / b->weight + answers_s : (double)NAN;
}

double sb_eta_try_s(const struct sb_eta *e, size_t cell) {
    return (sb_eta_launch_s(e, cell, 1) - sb_eta_answers_s(e, cell, 1)) / places(e);
}

/* ---- an earlier file ---------------------------------------------------------------------- */

static int runs_of(const struct sb_cell *c, int launch) {
    int n = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        n += !c->runs[i].warmup && c->runs[i].launch == launch;
    return n;
}

static void learn_cell(struct sb_eta *e, size_t cell, const struct sb_cell *was) {
    const struct sb_config *c = e->config;
    int want = c->bench.runs * (int)sb_protocol_n_places(&c->bench);
    for (size_t i = 0; i < was->n_launches; i++) {
        const struct sb_launch *l = &was->launches[i];
        int had = runs_of(was, l->launch);
        double positions, answers_s = answers_of(was, l->launch, &positions);
        double load_s = isnan(l->load_s) ? 0 : l->load_s; /* of others' servers */
        double measuring_s = l->wall_s - load_s - answers_s;
        if (had > 0 && load_s + measuring_s > 0)
            learn(e, cell, load_s + measuring_s * want / had, answers_s, positions);
    }
}

size_t sb_eta_learn_from(struct sb_eta *e, const struct sb_results *earlier) {
    size_t known = 0;
    for (size_t i = 0; i < e->config->n_cells; i++) {
        struct sb_cell now = sb_cell_empty();
        sb_preflight_describe(e->config, &e->preflight->cells[i], &now);
        for (size_t k = 0; k < earlier->n_cells; k++) {
            const struct sb_cell *was = &earlier->cells[k];
            if (sb_cell_asked_same(was, &now) && sb_cell_same(was, &now))
                learn_cell(e, i, was);
        }
        known += e->cells[i].weight > 0;
        sb_cell_release(&now);
    }
    return known;
}
