/* What the figures of a file must satisfy, and what is computed from its runs. */
#include <math.h>
#include <stdlib.h>

#include "load.h"
#include "slots.h"
#include "stratobench/results_tune.h"

/* No machine reads or writes more tokens a second than this. */
static const double MOST_TPS = 1e9;

static bool is_speed(double tps) {
    return tps > 0 && tps <= MOST_TPS;
}

/* Fills in the speeds that only the raw figures tell. A valid measured run must have both. */
static bool complete_run(const struct reader *r, const struct place *p,
                         const struct sb_results *doc, struct sb_run *run) {
    struct sb_run computed = *run;
    sb_run_speeds(&computed);
    if (isnan(run->pp_tps))
        run->pp_tps = computed.pp_tps;
    if (isnan(run->tg_tps))
        run->tg_tps = computed.tg_tps;
    if (run->at.prompt > 0 && (size_t)run->at.prompt >= doc->bench.n_prompts)
        return load_fail(r, &(struct place){p, "prompt", 0}, "bench lists %zu prompts only",
                         doc->bench.n_prompts);
    const char *contradiction = results_check_slots(run);
    if (contradiction)
        return load_fail(r, &(struct place){p, "each", 0}, "%s", contradiction);
    if (!sb_run_counts(run))
        return true;
    const struct {
        const char *key, *what;
        bool good;
    } rules[] = {
        {"pp_tps", "a valid run needs a positive number", is_speed(run->pp_tps)},
        {"tg_tps", "a valid run needs a positive number", is_speed(run->tg_tps)},
        {"prompt_ms", "a valid run takes time", !(run->prompt_ms <= 0)}, /* NaN: not said */
        {"predicted_ms", "a valid run takes time", !(run->predicted_ms <= 0)},
        {"image_n", "a picture is not all of the prompt",
         run->image_n < 0 || run->image_n < run->prompt_n},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].good)
            return load_fail(r, &(struct place){p, rules[i].key, 0}, "%s", rules[i].what);
    return true;
}

/* As far apart as figures that were rounded to six digits may be. */
static bool is_near(double a, double b, double scale) {
    return fabs(a - b) <= 1e-5 * fabs(scale);
}

/* What the file says of its runs must be what they give. */
static bool check_summary(const struct reader *r, const struct place *p, const char *key,
                          const struct sb_summary *said, const struct sb_summary *is) {
    const struct place at = {p, key, 0};
    if (said->n == 0)
        return true;
    if (!is)
        return load_fail(r, &at, "figures of a prompt and depth at which no run is valid");
    if (said->n != is->n || !is_near(said->mean, is->mean, is->mean))
        return load_fail(r, &at, "a mean of %.6g over %zu runs, but the runs give %.6g over %zu",
                         said->mean, said->n, is->mean, is->n);
    if (isfinite(said->stddev) && !is_near(said->stddev, is->stddev, is->mean))
        return load_fail(r, &at, "a deviation of %.6g, but the runs give %.6g", said->stddev,
                         is->stddev);
    return true;
}

static bool check_points(const struct reader *r, const struct place *p, const struct sb_cell *c,
                         const struct sb_point *said, size_t n) {
    const struct place points = {p, "points", 0};
    for (size_t i = 0; i < n; i++) {
        const struct place at = {&points, NULL, i};
        const struct sb_point first = {sb_cell_first_at(c), c->pp_tps, c->tg_tps};
        const struct sb_point *is = sb_at_same(first.at, said[i].at) ? &first : NULL;
        for (size_t k = 0; k < c->n_points; k++)
            if (sb_at_same(c->points[k].at, said[i].at))
                is = &c->points[k];
        if (!check_summary(r, &at, "pp_tps", &said[i].pp_tps, is ? &is->pp_tps : NULL) ||
            !check_summary(r, &at, "tg_tps", &said[i].tg_tps, is ? &is->tg_tps : NULL))
            return false;
    }
    return true;
}

/* The figures are those of the runs. Flags that were found when it was measured stay. */
static bool summarize(const struct reader *r, const struct place *p, struct sb_cell *c) {
    struct sb_summary pp = c->pp_tps, tg = c->tg_tps;
    struct sb_point *said = c->points;
    size_t n_said = c->n_points;
    c->points = NULL;
    c->n_points = 0;
    struct sb_strv flags = {0};
    sb_strv_copy(&flags, &c->flags);
    sb_cell_summarize(c);
    if (pp.n && tg.n) {
        sb_strv_release(&c->flags);
        c->flags = flags;
    } else {
        sb_strv_release(&flags);
    }
    bool good = check_summary(r, p, "pp_tps", &pp, &c->pp_tps) &&
                check_summary(r, p, "tg_tps", &tg, &c->tg_tps) &&
                check_points(r, p, c, said, n_said);
    free(said);
    return good;
}

/* As they were made: each is the first of a conversation, or the next of the one at hand. */
static bool complete_turns(const struct reader *r, const struct place *p,
                           const struct sb_results *doc, struct sb_cell *c) {
    const struct place turns = {p, "turns", 0};
    for (size_t i = 0; i < c->n_turns; i++) {
        const struct place at = {&turns, NULL, i};
        const struct sb_run *turn = &c->turns[i], *before = i ? turn - 1 : NULL;
        bool follows = before && turn->launch == before->launch && turn->turn == before->turn + 1;
        if ((turn->turn != 1 && !follows) || turn->turn > SB_MOST_TURNS)
            return load_fail(r, &(struct place){&at, "turn", 0},
                             "is no next one of a conversation");
        if (!complete_run(r, &at, doc, &c->turns[i]))
            return false;
    }
    return true;
}

static bool complete_tries(const struct reader *r, const struct place *p,
                           const struct sb_results *doc, struct sb_cell *c) {
    const struct place tries = {p, "tune", 0};
    for (size_t i = 0; i < c->n_tried; i++) {
        const struct place at = {&tries, NULL, i}, runs = {&at, "runs", 0};
        if (!sb_tunable_named(c->tried[i].key))
            return load_fail(r, &(struct place){&at, "key", 0}, "nothing that is tuned");
        for (size_t k = 0; k < c->tried[i].n_runs; k++)
            if (!complete_run(r, &(struct place){&runs, NULL, k}, doc, &c->tried[i].runs[k]))
                return false;
    }
    return true;
}

static bool complete_cell(const struct reader *r, const struct place *p,
                          const struct sb_results *doc, struct sb_cell *c) {
    struct place runs = {p, "runs", 0};
    bool measured = false;
    for (size_t i = 0; i < c->n_runs; i++) {
        if (!complete_run(r, &(struct place){&runs, NULL, i}, doc, &c->runs[i]))
            return false;
        measured |= sb_run_counts(&c->runs[i]);
    }
    if (!complete_turns(r, p, doc, c) || !complete_tries(r, p, doc, c))
        return false;
    if (c->status == SB_OK && !measured)
        return load_fail(r, p, "status is ok, but no run is valid");
    if (c->status == SB_OK && !summarize(r, p, c))
        return false;
    if (!c->model.label)
        c->model.label = sb_strdup(c->model.id);
    if (!c->backend.label)
        c->backend.label = sb_strdup(c->backend.id);
    return true;
}

bool load_complete(const struct reader *r, struct sb_results *doc) {
    struct place cells = {NULL, "cells", 0};
    struct sb_index known = {0};
    bool good = true;
    for (size_t i = 0; i < doc->n_cells && good; i++) {
        const struct place at = {&cells, NULL, i};
        char *key = sb_cell_key(&doc->cells[i]);
        size_t number = sb_index_add(&known, key);
        free(key);
        good = number == i ? complete_cell(r, &at, doc, &doc->cells[i])
                           : load_fail(r, &at, "the same model and backend as cells[%zu]", number);
    }
    sb_index_release(&known);
    return good;
}
