#include "stratobench/results_tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

static const char *const switches[] = {"on", "off", "auto", NULL};

/* To add one: its row here, its key in [backend], and its place among the launch's (bench/tune.c). */
const struct sb_tunable sb_tunables[] = {
    {.key = "ubatch", .by_pp = true, .max = 1 << 20, .option = "--ubatch-size"},
    {.key = "batch", .by_pp = true, .max = 1 << 20, .option = "--batch-size"},
    {.key = "threads", .max = 4096, .option = "--threads"},
    {.key = "flash_attn", .words = switches, .option = "--flash-attn"},
};
const size_t sb_n_tunables = sizeof sb_tunables / sizeof *sb_tunables;

const struct sb_tunable *sb_tunable_named(const char *key) {
    for (size_t i = 0; i < sb_n_tunables; i++)
        if (strcmp(sb_tunables[i].key, key) == 0)
            return &sb_tunables[i];
    return NULL;
}

/* ---- what a value gave ---------------------------------------------------------------------- */

struct sb_try_figures sb_try_figures(const struct sb_try *t) {
    const struct sb_tunable *what = sb_tunable_named(t->key);
    double *x = sb_alloc(3 * t->n_runs + 1, sizeof *x), *pp = x, *tg = pp + t->n_runs,
           *whole = tg + t->n_runs;
    size_t n = 0;
    for (size_t i = 0; i < t->n_runs; i++) {
        const struct sb_run *r = &t->runs[i];
        if (!sb_run_counts(r))
            continue;
        pp[n] = r->pp_tps;
        tg[n] = r->tg_tps;
        whole[n++] = 1000 / (r->prompt_ms + r->predicted_ms);
    }
    struct sb_try_figures f = {.pp_tps = sb_summarize(pp, n),
                               .tg_tps = sb_summarize(tg, n),
                               .runs_per_s = sb_summarize(whole, n)};
    const struct sb_summary *by = what && what->by_pp ? &f.pp_tps : &f.runs_per_s;
    f.speed = n ? by->mean : (double)NAN;
    f.noisy = sb_cv(by) > SB_NOISY_CV_PP;
    free(x);
    return f;
}

/* ---- the values of a cell ------------------------------------------------------------------- */

struct sb_try sb_try_empty(void) {
    struct sb_try t = {0};
    fields_init(&results_try, &t);
    return t;
}

void sb_try_release(struct sb_try *t) {
    fields_release(&results_try, t);
}

struct sb_try *sb_cell_add_try(struct sb_cell *c, struct sb_try t) {
    c->tried = sb_grow(c->tried, c->n_tried, sizeof *c->tried);
    c->tried[c->n_tried] = t;
    return &c->tried[c->n_tried++];
}

const struct sb_try *sb_cell_try(const struct sb_cell *c, const char *key, const char *value) {
    for (size_t i = 0; i < c->n_tried; i++)
        if (strcmp(c->tried[i].key, key) == 0 && strcmp(c->tried[i].value, value) == 0)
            return &c->tried[i];
    return NULL;
}

const struct sb_try *sb_cell_chosen(const struct sb_cell *c, const char *key) {
    for (size_t i = 0; i < c->n_tried; i++)
        if (c->tried[i].chosen && strcmp(c->tried[i].key, key) == 0)
            return &c->tried[i];
    return NULL;
}

/* NaN where it cannot be taken, or is of another setting. */
static double speed_of(const struct sb_try *t, const char *key) {
    bool eligible = strcmp(t->key, key) == 0 && !t->reason;
    return eligible ? sb_try_figures(t).speed : (double)NAN;
}

const struct sb_try *sb_cell_best_try(const struct sb_cell *c, const char *key) {
    double most = 0;
    for (size_t i = 0; i < c->n_tried; i++)
        most = fmax(most, speed_of(&c->tried[i], key)); /* a NaN is none */
    for (size_t i = 0; i < c->n_tried; i++)
        if (speed_of(&c->tried[i], key) >= most * (1 - SB_TIE_MARGIN))
            return &c->tried[i];
    return NULL;
}

void sb_cell_choose(struct sb_cell *c, const struct sb_try *t) {
    c->tried[t - c->tried].chosen = true;
    sb_strv_take(&c->fingerprint_of, sb_asprintf("%s=%s", t->key, t->value));
    sb_cell_seal(c);
}

/* ---- what a cell was asked to be ------------------------------------------------------------ */

static bool was_chosen(const struct sb_cell *c, const char *line) {
    for (size_t i = 0; i < c->n_tried; i++) {
        const struct sb_try *t = &c->tried[i];
        size_t n = strlen(t->key);
        if (t->chosen && strncmp(line, t->key, n) == 0 && line[n] == '=' &&
            strcmp(line + n + 1, t->value) == 0)
            return true;
    }
    return false;
}

struct sb_strv sb_cell_asked(const struct sb_cell *c) {
    struct sb_strv v = {0};
    for (size_t i = 0; i < c->fingerprint_of.n; i++)
        if (!was_chosen(c, c->fingerprint_of.item[i]))
            sb_strv_add(&v, c->fingerprint_of.item[i]);
    return v;
}

bool sb_cell_asked_same(const struct sb_cell *a, const struct sb_cell *b) {
    if (a->fingerprint && b->fingerprint && strcmp(a->fingerprint, b->fingerprint) == 0)
        return true;
    if (a->n_tried == 0 && b->n_tried == 0)
        return false;
    struct sb_strv x = sb_cell_asked(a), y = sb_cell_asked(b);
    bool same = x.n == y.n && x.n > 0;
    for (size_t i = 0; same && i < x.n; i++)
        same = strcmp(x.item[i], y.item[i]) == 0;
    sb_strv_release(&x);
    sb_strv_release(&y);
    return same;
}
