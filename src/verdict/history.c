#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint_diff.h"
#include "stratobench/verdict.h"

/* ---- whose look is whose --------------------------------------------------------------------- */

static const char *date_of_set(const struct sb_results *set) {
    return set->started_at ? set->started_at : "";
}

static int by_date(const void *pa, const void *pb) {
    const struct sb_results *const *a = pa, *const *b = pb;
    int order = strcmp(date_of_set(*a), date_of_set(*b));
    return order ? order : (a > b) - (a < b);
}

static bool matches(const char *glob, const char *id, const char *label) {
    return !glob || (id && fnmatch(glob, id, 0) == 0) || (label && fnmatch(glob, label, 0) == 0);
}

static struct sb_history_series *series_of(struct sb_history *h, struct sb_index *keys,
                                           const struct sb_cell *c) {
    char *key = sb_cell_key(c);
    size_t at = sb_index_add(keys, key);
    free(key);
    if (at == h->n) {
        h->series = sb_grow(h->series, h->n, sizeof *h->series);
        h->series[h->n++] = (struct sb_history_series){0};
    }
    return &h->series[at];
}

static void add_look(struct sb_history_series *s, const struct sb_results *set, size_t number,
                     const struct sb_cell *c) {
    const char *date = c->measured_at ? c->measured_at : set->started_at;
    s->looks = sb_grow(s->looks, s->n, sizeof *s->looks);
    s->looks[s->n++] = (struct sb_history_look){
        .cell = c,
        .date = date,
        .number = number,
        .figure = {{.runs = sb_summarize(NULL, 0), .change = (double)NAN},
                   {.runs = sb_summarize(NULL, 0), .change = (double)NAN}},
    };
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The launches of all looks since the last step. */
struct level {
    double *x;
    size_t n;
};

static void restart(struct level *l) {
    free(l->x);
    *l = (struct level){0};
}

static void extend(struct level *l, const struct sb_sample *s) {
    l->x = sb_realloc(l->x, l->n + s->n, sizeof *l->x);
    memcpy(l->x + l->n, s->x, s->n * sizeof *s->x);
    l->n += s->n;
}

static bool is_step(const struct level *l, const struct sb_sample *s) {
    double spread = sb_sample_assumed(SB_ASSUMED_LAUNCH_CV, 0, s->noise);
    return sb_gate(l->x, l->n, s->x, s->n, SB_GATE_LEAST_DROP, spread).regression ||
           sb_gate(s->x, s->n, l->x, l->n, SB_GATE_LEAST_DROP, spread).regression;
}

static void measure(struct sb_history_look *look, enum sb_metric m, struct level *l) {
    struct sb_sample s = sb_sample_throughput(look->cell, m, sb_cell_first_at(look->cell));
    struct sb_history_figure *f = &look->figure[m];
    f->runs = m == SB_PP ? look->cell->pp_tps : look->cell->tg_tps;
    if (s.n && l->n) {
        f->change = s.mean / sb_summarize(l->x, l->n).mean - 1;
        f->step = is_step(l, &s);
    }
    if (f->step)
        restart(l);
    extend(l, &s);
    free(s.x);
}

static void find_steps(struct sb_history_series *s) {
    struct level levels[2] = {{0}};
    const struct sb_cell *before = NULL;
    for (size_t i = 0; i < s->n; i++) {
        struct sb_history_look *look = &s->looks[i];
        if (look->cell->status != SB_OK)
            continue;
        if (before)
            sb_fingerprint_diff(before, look->cell, &look->differences);
        for (int m = SB_PP; m <= SB_TG; m++) {
            if (look->differences.n)
                restart(&levels[m]);
            measure(look, (enum sb_metric)m, &levels[m]);
        }
        before = look->cell;
    }
    restart(&levels[SB_PP]);
    restart(&levels[SB_TG]);
}

void sb_history_make(const struct sb_results *const *sets, size_t n, const char *model,
                     const char *backend, struct sb_history *ret) {
    struct sb_history h = {.n_looks = n};
    struct sb_index keys = {0};
    const struct sb_results **sorted = sb_alloc(n, sizeof *sorted);
    memcpy(sorted, sets, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_date);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sorted[i]->n_cells; k++) {
            const struct sb_cell *c = &sorted[i]->cells[k];
            if (c->status != SB_PENDING && matches(model, c->model.id, c->model.label) &&
                matches(backend, c->backend.id, c->backend.label))
                add_look(series_of(&h, &keys, c), sorted[i], i + 1, c);
        }
    for (size_t i = 0; i < h.n; i++)
        find_steps(&h.series[i]);
    sb_index_release(&keys);
    free(sorted);
    *ret = h;
}

void sb_history_release(struct sb_history *h) {
    for (size_t i = 0; i < h->n; i++) {
        for (size_t k = 0; k < h->series[i].n; k++)
            sb_strv_release(&h->series[i].looks[k].differences);
        free(h->series[i].looks);
    }
    free(h->series);
    *h = (struct sb_history){0};
}

/* ---- for the chart --------------------------------------------------------------------------- */

static void add_line(struct sb_results *set, const struct sb_history_series *s) {
    struct sb_cell *c = &set->cells[set->n_cells++];
    *c = sb_cell_empty();
    c->status = SB_OK;
    c->model.id = sb_strdup(sb_model_key(s->looks[0].cell));
    c->model.label = sb_strdup(sb_model_label(s->looks[0].cell));
    c->backend.label = sb_strdup(sb_backend_label(s->looks[0].cell));
    c->points = sb_alloc(s->n, sizeof *c->points);
    for (size_t i = 0; i < s->n; i++)
        if (s->looks[i].cell->status == SB_OK)
            c->points[c->n_points++] = (struct sb_point){.at = {0, (int)s->looks[i].number, 1},
                                                         .pp_tps = s->looks[i].figure[SB_PP].runs,
                                                         .tg_tps = s->looks[i].figure[SB_TG].runs};
}

/* The backends of a model stand together. */
struct sb_results sb_history_lines(const struct sb_history *h) {
    struct sb_results set = sb_results_empty();
    bool *added = sb_alloc(h->n, sizeof *added);
    set.bench.title = sb_strdup("History");
    set.cells = sb_alloc(h->n, sizeof *set.cells);
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = i; k < h->n; k++)
            if (!added[k] &&
                sb_same_model(h->series[i].looks[0].cell, h->series[k].looks[0].cell)) {
                add_line(&set, &h->series[k]);
                added[k] = true;
            }
    free(added);
    return set;
}
