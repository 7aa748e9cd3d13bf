#include "stratobench/verdict.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rank_parts.h"
#include "stratobench/base.h"
#include "stratobench/results.h"
#include "stratobench/results_sample.h"

/* ---- which cell belongs to which model and backend ------------------------------------------ */

/* Backends are the same across models, files and machines when they have the same label. Only
 * if a model has two of one label do the ids have to tell them apart. */
static char *backend_key(const struct sb_cell *c, bool by_id) {
    if (by_id && c->backend.id)
        return sb_asprintf("%s (%s)", sb_backend_label(c), c->backend.id);
    return sb_strdup(sb_backend_label(c));
}

static bool labels_are_ambiguous(const struct sb_results *set) {
    struct sb_index seen = {0};
    for (size_t i = 0; i < set->n_cells; i++) {
        const struct sb_cell *c = &set->cells[i];
        char *key = sb_asprintf("%s\x1f%s", sb_model_key(c), sb_backend_label(c));
        sb_index_add(&seen, key);
        free(key);
    }
    bool ambiguous = seen.n < set->n_cells;
    sb_index_release(&seen);
    return ambiguous;
}

static void add_model(struct sb_rank *r, const struct sb_cell *c) {
    r->models = sb_grow(r->models, r->n_models, sizeof *r->models);
    r->models[r->n_models++] = (struct sb_rank_model){.label = sb_model_label(c)};
}

static void add_backend(struct sb_rank *r, char *label) {
    r->backends = sb_grow(r->backends, r->n_backends, sizeof *r->backends);
    r->backends[r->n_backends++] = (struct sb_rank_backend){.label = label, .worst = NAN};
}

static int by_model(const void *pa, const void *pb) {
    const struct sb_rank_cell *a = pa, *b = pb;
    if (a->model != b->model)
        return a->model < b->model ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell); /* both in one array: the set's order */
}

static void collect(struct sb_rank *r, const struct sb_results *set, char *const *hidden) {
    bool by_id = labels_are_ambiguous(set);
    struct sb_index models = {0}, backends = {0};
    r->n_cells = set->n_cells;
    r->cells = sb_alloc(set->n_cells, sizeof *r->cells);
    for (size_t i = 0; i < set->n_cells; i++) {
        const struct sb_cell *c = &set->cells[i];
        char *backend = backend_key(c, by_id);
        r->cells[i] = (struct sb_rank_cell){
            .cell = c,
            .hidden = hidden ? hidden[i] : NULL,
            .model = sb_index_add(&models, sb_model_key(c)),
            .backend = sb_index_add(&backends, backend),
        };
        if (models.n > r->n_models)
            add_model(r, c);
        if (backends.n > r->n_backends)
            add_backend(r, backend);
        else
            free(backend);
    }
    sb_index_release(&models);
    sb_index_release(&backends);
    qsort(r->cells, r->n_cells, sizeof *r->cells, by_model);
    for (size_t i = r->n_cells; i-- > 0;) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the first cell adds a model. */
        r->models[r->cells[i].model].first = i;
        r->models[r->cells[i].model].n++;
    }
}

/* ---- figures of one cell -------------------------------------------------------------------- */

static void set_figure(struct sb_rank_figure *f, struct sb_sample s) {
    f->speed = s.x;
    f->n = s.n;
    f->value = s.mean;
    f->noise = s.noise;
    f->log_speed = 0;
    for (size_t i = 0; i < s.n; i++)
        f->log_speed += log(s.x[i]) / (double)s.n;
}

static void measure(struct sb_rank_cell *c, const struct sb_workload *w) {
    for (int m = 0; m < SB_METRICS; m++)
        c->figure[m] = (struct sb_rank_figure){
            .value = NAN, .to_best = {NAN, NAN, NAN, false, SB_VERDICT_INCONCLUSIVE}};
    c->cached_share = NAN;
    if (c->cell->status != SB_OK)
        return;
    struct sb_at at = sb_workload_place(c->cell, w, SB_FIRST_PLACE);
    set_figure(&c->figure[SB_PP], sb_sample_throughput(c->cell, SB_PP, at));
    set_figure(&c->figure[SB_TG], sb_sample_throughput(c->cell, SB_TG, at));
    set_figure(&c->figure[SB_LOAD], sb_sample_load(c->cell, &c->cached_share));
    set_figure(&c->figure[SB_WORKLOAD], sb_sample_workload(c->cell, w));
    c->finished = c->figure[SB_WORKLOAD].n > 0;
}

/* ---- one model ------------------------------------------------------------------------------ */

static struct sb_ratio compare_cells(const struct sb_rank_cell *a, const struct sb_rank_cell *b,
                                     int metric) {
    const struct sb_rank_figure *fa = &a->figure[metric], *fb = &b->figure[metric];
    struct sb_ratio r = sb_compare(fa->speed, fa->n, fb->speed, fb->n, SB_TIE_MARGIN,
                                   sb_sample_assumed(SB_ASSUMED_LAUNCH_CV, fa->noise, fb->noise));
    if (metric == SB_LOAD && !sb_same_cache_state(a->cached_share, b->cached_share))
        r.verdict = SB_VERDICT_NONE; /* the page cache, not the backend */
    return r;
}

static double log_speed(const struct sb_rank *r, size_t cell, int metric) {
    return r->cells[cell].figure[metric].log_speed;
}

static void judge(struct sb_rank *r, struct sb_rank_model *m, int metric) {
    size_t n_measured = 0, n_slower = 0, end = m->first + m->n;
    m->best[metric] = SIZE_MAX;
    for (size_t i = m->first; i < end; i++) {
        if (r->cells[i].figure[metric].n == 0)
            continue;
        n_measured++;
        if (m->best[metric] == SIZE_MAX ||
            log_speed(r, i, metric) > log_speed(r, m->best[metric], metric))
            m->best[metric] = i;
    }
    for (size_t i = m->first; i < end && n_measured; i++) {
        struct sb_ratio *to_best = &r->cells[i].figure[metric].to_best;
        if (i == m->best[metric]) {
            *to_best = (struct sb_ratio){1, 1, 1, false, SB_VERDICT_TIE};
            continue;
        }
        *to_best = compare_cells(&r->cells[i], &r->cells[m->best[metric]], metric);
        n_slower += to_best->verdict == SB_VERDICT_SLOWER;
    }
    m->clear[metric] = n_measured > 1 && n_slower == n_measured - 1;
}

/* ---- over the models ------------------------------------------------------------------------ */

struct standing {
    size_t backend, n_finished;
};

static int by_finished(const void *pa, const void *pb) {
    const struct standing *a = pa, *b = pb;
    if (a->n_finished != b->n_finished)
        return a->n_finished > b->n_finished ? -1 : 1;
    return (a->backend > b->backend) - (a->backend < b->backend);
}

static int by_number(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* How many of the foremost backends, without a gap, have finished this model. */
static size_t unbroken(const struct sb_rank *r, const struct sb_rank_model *m,
                       const size_t *place) {
    size_t *places = sb_alloc(m->n, sizeof *places), n = 0, k = 0;
    for (size_t i = m->first; i < m->first + m->n; i++)
        if (r->cells[i].finished)
            places[n++] = place[r->cells[i].backend];
    qsort(places, n, sizeof *places, by_number);
    while (k < n && places[k] == k)
        k++;
    free(places);
    return k;
}

/* Backends in order of how much they finished; of these the first k are compared, over the
 * models that all k finished, with the k that covers most cells. */
static void choose_compared(struct sb_rank *r) {
    struct standing *order = sb_alloc(r->n_backends, sizeof *order);
    size_t *place = sb_alloc(r->n_backends, sizeof *place);
    size_t *reach = sb_alloc(r->n_models, sizeof *reach);
    size_t *n_reaching = sb_alloc(r->n_backends + 2, sizeof *n_reaching);
    for (size_t b = 0; b < r->n_backends; b++)
        order[b] = (struct standing){b, r->backends[b].n_finished};
    qsort(order, r->n_backends, sizeof *order, by_finished);
    for (size_t i = 0; i < r->n_backends; i++)
        place[order[i].backend] = i;
    for (size_t m = 0; m < r->n_models; m++)
        n_reaching[reach[m] = unbroken(r, &r->models[m], place)]++;
    size_t best_k = 0, covered = 0;
    for (size_t k = r->n_backends; k >= 2; k--) {
        n_reaching[k] += n_reaching[k + 1]; /* now: models that reach k or more */
        if (k * n_reaching[k] > covered) {
            covered = k * n_reaching[k];
            best_k = k;
        }
    }
    r->n_compared = best_k;
    r->n_common = best_k ? covered / best_k : 0;
    for (size_t i = 0; i < best_k; i++)
        r->backends[order[i].backend].compared = true;
    for (size_t m = 0; m < r->n_models; m++)
        r->models[m].common = best_k && reach[m] >= best_k;
    free(order);
    free(place);
    free(reach);
    free(n_reaching);
}

static bool takes_part(const struct sb_rank *r, size_t cell) {
    return r->models[r->cells[cell].model].common && r->backends[r->cells[cell].backend].compared;
}

/* The two fastest compared cells of a common model. */
static void fastest_two(const struct sb_rank *r, const struct sb_rank_model *m, int metric,
                        size_t ret[2]) {
    ret[0] = ret[1] = SIZE_MAX;
    for (size_t i = m->first; i < m->first + m->n; i++) {
        if (!takes_part(r, i))
            continue;
        if (ret[0] == SIZE_MAX || log_speed(r, i, metric) > log_speed(r, ret[0], metric)) {
            ret[1] = ret[0];
            ret[0] = i;
        } else if (ret[1] == SIZE_MAX || log_speed(r, i, metric) > log_speed(r, ret[1], metric)) {
            ret[1] = i;
        }
    }
}

static void count_verdict(struct sb_rank_backend *b, enum sb_verdict v) {
    size_t *counts[] = {
        [SB_VERDICT_FASTER] = &b->wins,
        [SB_VERDICT_SLOWER] = &b->losses,
        [SB_VERDICT_TIE] = &b->ties,
        [SB_VERDICT_INCONCLUSIVE] = &b->inconclusive,
    };
    ++*counts[v];
}

static void add_model_to_backends(struct sb_rank *r, const struct sb_rank_model *m) {
    size_t top[2];
    fastest_two(r, m, SB_WORKLOAD, top);
    for (size_t i = m->first; i < m->first + m->n; i++) {
        if (!takes_part(r, i))
            continue;
        struct sb_rank_backend *b = &r->backends[r->cells[i].backend];
        /* Of the compared ones only: a backend left out must not set the mark. */
        double to_best = log_speed(r, i, SB_WORKLOAD) - log_speed(r, top[0], SB_WORKLOAD);
        size_t rival = i == top[0] ? top[1] : top[0];
        b->log_sum += to_best;
        if (!(b->worst <= exp(to_best))) {
            b->worst = exp(to_best);
            b->worst_model = (size_t)(m - r->models);
        }
        count_verdict(b, compare_cells(&r->cells[i], &r->cells[rival], SB_WORKLOAD).verdict);
    }
}

static void find_first_two(struct sb_rank *r) {
    for (size_t i = 0; i < r->n_backends; i++) {
        if (!r->backends[i].compared)
            continue;
        if (r->first == SIZE_MAX || r->backends[i].speed > r->backends[r->first].speed) {
            r->second = r->first;
            r->first = i;
        } else if (r->second == SIZE_MAX || r->backends[i].speed > r->backends[r->second].speed) {
            r->second = i;
        }
    }
}

static const struct sb_rank_cell *cell_of(const struct sb_rank *r, const struct sb_rank_model *m,
                                          size_t backend) {
    for (size_t i = m->first; i < m->first + m->n; i++)
        if (r->cells[i].backend == backend)
            return &r->cells[i];
    return NULL;
}

static void compare_first_two(struct sb_rank *r) {
    double sum = 0, squares = 0, k = (double)r->n_common;
    bool assumed = false;
    for (size_t m = 0; m < r->n_models; m++) {
        if (!r->models[m].common)
            continue;
        struct sb_ratio one = compare_cells(cell_of(r, &r->models[m], r->first),
                                            cell_of(r, &r->models[m], r->second), SB_WORKLOAD);
        double half = log(one.high / one.low) / 2;
        sum += log(one.ratio);
        squares += half * half;
        assumed |= one.assumed;
    }
    double half = sqrt(squares) / k;
    r->lead = (struct sb_ratio){.ratio = exp(sum / k),
                                .low = exp(sum / k - half),
                                .high = exp(sum / k + half),
                                .assumed = assumed};
    r->lead.verdict = sb_judge(r->lead.low, r->lead.high, SB_TIE_MARGIN);
}

/* ---- where the first is not the best -------------------------------------------------------- */

static void add_exception(struct sb_rank *r, struct sb_rank_exception e) {
    r->exceptions = sb_grow(r->exceptions, r->n_exceptions, sizeof *r->exceptions);
    r->exceptions[r->n_exceptions++] = e;
}

/* Who beats the first backend in this metric by verdict, and by how much. */
static bool beats_first(const struct sb_rank *r, const struct sb_rank_model *m, int metric,
                        struct sb_rank_exception *ret) {
    size_t top[2];
    fastest_two(r, m, metric, top);
    const struct sb_rank_cell *winner = &r->cells[top[0]], *first = cell_of(r, m, r->first);
    struct sb_ratio lead = compare_cells(winner, first, metric);
    if (winner == first || lead.verdict != SB_VERDICT_FASTER)
        return false;
    *ret = (struct sb_rank_exception){(size_t)(m - r->models), winner->backend, false,
                                      (enum sb_metric)metric, lead.ratio};
    return true;
}

static void find_exceptions(struct sb_rank *r, bool overall) {
    for (size_t i = 0; i < r->n_models; i++) {
        const struct sb_rank_model *m = &r->models[i];
        struct sb_rank_exception e;
        if (!m->common || beats_first(r, m, SB_WORKLOAD, &e) != overall)
            continue;
        if (!overall) {
            for (int metric = SB_PP; metric <= SB_TG; metric++)
                if (beats_first(r, m, metric, &e))
                    add_exception(r, e);
            continue;
        }
        const struct sb_rank_cell *winner = cell_of(r, m, e.backend),
                                  *first = cell_of(r, m, r->first);
        double pp = compare_cells(winner, first, SB_PP).ratio;
        double tg = compare_cells(winner, first, SB_TG).ratio;
        e.overall = true;
        e.metric = tg > 1.001 * pp ? SB_TG : SB_PP;
        e.ratio = e.metric == SB_TG ? tg : pp;
        add_exception(r, e);
    }
}

void sb_rank(const struct sb_results *set, char *const *hidden, const struct sb_workload *w,
             struct sb_rank *ret) {
    struct sb_rank r = {.workload = *w, .first = SIZE_MAX, .second = SIZE_MAX};
    collect(&r, set, hidden);
    for (size_t i = 0; i < r.n_cells; i++) {
        measure(&r.cells[i], w);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the first cell adds a backend. */
        r.backends[r.cells[i].backend].n_cells++;
        r.backends[r.cells[i].backend].n_finished += r.cells[i].finished;
    }
    for (size_t m = 0; m < r.n_models; m++)
        for (int metric = 0; metric < SB_METRICS; metric++)
            judge(&r, &r.models[m], metric);
    choose_compared(&r);
    for (size_t m = 0; m < r.n_models; m++)
        if (r.models[m].common)
            add_model_to_backends(&r, &r.models[m]);
    for (size_t b = 0; b < r.n_backends; b++)
        r.backends[b].speed = exp(r.backends[b].log_sum / (double)r.n_common);
    find_first_two(&r);
    if (r.second != SIZE_MAX) {
        compare_first_two(&r);
        find_exceptions(&r, true);
        find_exceptions(&r, false);
        rank_find_turns(&r, set, hidden);
    }
    *ret = r;
}

void sb_rank_release(struct sb_rank *r) {
    for (size_t i = 0; i < r->n_cells; i++)
        for (int m = 0; m < SB_METRICS; m++)
            free(r->cells[i].figure[m].speed);
    for (size_t b = 0; b < r->n_backends; b++)
        free(r->backends[b].label);
    free(r->cells);
    free(r->models);
    free(r->backends);
    free(r->exceptions);
    free(r->turns);
    *r = (struct sb_rank){0};
}
