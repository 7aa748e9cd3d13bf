#include "stratobench/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint_diff.h"
#include "pair.h"
#include "stratobench/base.h"
#include "stratobench/results.h"
#include "stratobench/results_merge.h"
#include "stratobench/results_sample.h"

const char *sb_compare_state_name(enum sb_compare_state s) {
    static const char *const names[SB_CELL_STATES] = {
        [SB_CELL_SAME] = "no regression",
        [SB_CELL_IMPROVED] = "improved",
        [SB_CELL_INCONCLUSIVE] = "inconclusive",
        [SB_CELL_REGRESSION] = "regression",
        [SB_CELL_BROKEN] = "no longer ok",
        [SB_CELL_NOT_COMPARABLE] = "not comparable",
        [SB_CELL_MISSING] = "missing",
        [SB_CELL_NEW] = "new",
        [SB_CELL_FIXED] = "ok again",
        [SB_CELL_NEITHER] = "ok on neither side",
    };
    return names[s];
}

/* ---- one cell ------------------------------------------------------------------------------- */

static struct sb_compare_figure *add_figure(struct sb_compare_cell *c, struct sb_compare_figure f) {
    c->figures = sb_realloc(c->figures, c->n_figures + 1, sizeof *c->figures);
    c->figures[c->n_figures] = f;
    return &c->figures[c->n_figures++];
}

/* More is lost than is tolerated and chance hardly explains it; or the launches are so far apart
 * that no loss could be told. */
static bool is_inconclusive(const struct sb_gate *gate, const struct sb_ratio *speed,
                            double max_drop) {
    if (gate->regression || isnan(gate->drop))
        return false;
    return gate->limit >= 1 || (gate->drop > max_drop && !(speed->high >= 1));
}

/* Two samples, of pairs or each by itself. */
static struct sb_pair_samples throughput_of(const struct sb_compare_cell *c, enum sb_metric m,
                                            struct sb_at at, const struct sb_compare_options *o) {
    if (o->paired)
        return sb_pair_throughput(c->base, c->next, m, at);
    return (struct sb_pair_samples){sb_sample_throughput(c->base, m, at),
                                    sb_sample_throughput(c->next, m, at)};
}

static struct sb_pair_samples loads_of(const struct sb_compare_cell *c, bool *ret_same_cache) {
    double share_base, share_next;
    struct sb_pair_samples s = {sb_sample_load(c->base, &share_base),
                                sb_sample_load(c->next, &share_next)};
    *ret_same_cache = sb_same_cache_state(share_base, share_next);
    return s;
}

static struct sb_gate gate_of(const struct sb_pair_samples *s, double spread,
                              const struct sb_compare_options *o) {
    if (o->paired)
        return sb_gate_paired(s->base.x, s->next.x, s->base.n, o->max_drop, spread);
    return sb_gate(s->base.x, s->base.n, s->next.x, s->next.n, o->max_drop, spread);
}

static struct sb_ratio ratio_of(const struct sb_pair_samples *s, double spread,
                                const struct sb_compare_options *o) {
    if (o->paired)
        return sb_compare_paired(s->next.x, s->base.x, s->base.n, o->margin, spread);
    return sb_compare(s->next.x, s->next.n, s->base.x, s->base.n, o->margin, spread);
}

static void compare_throughput(struct sb_compare_cell *c, enum sb_metric m, struct sb_at at,
                               const struct sb_compare_options *o) {
    struct sb_pair_samples s = throughput_of(c, m, at, o);
    double spread = sb_sample_assumed(o->assumed_spread, s.base.noise, s.next.noise);
    struct sb_gate gate = gate_of(&s, spread, o);
    struct sb_ratio speed = ratio_of(&s, spread, o);
    add_figure(c, (struct sb_compare_figure){
                      .metric = m,
                      .at = at,
                      .base = s.base.mean,
                      .next = s.next.mean,
                      .ratio = speed,
                      .gate = gate,
                      .inconclusive = is_inconclusive(&gate, &speed, o->max_drop),
                      .n_pairs = o->paired ? s.base.n : 0,
                  });
    free(s.base.x);
    free(s.next.x);
}

static void compare_loads(struct sb_compare_cell *c, const struct sb_compare_options *o) {
    bool same_cache = true; /* pairs that differ in it are no pairs */
    struct sb_pair_samples s =
        o->paired ? sb_pair_loads(c->base, c->next) : loads_of(c, &same_cache);
    if (s.base.n || s.next.n) {
        struct sb_compare_figure *f = add_figure(c, (struct sb_compare_figure){
                                                        .metric = SB_LOAD,
                                                        .base = s.base.mean,
                                                        .next = s.next.mean,
                                                        .ratio = ratio_of(&s, o->assumed_spread, o),
                                                        .gate = {NAN, NAN, NAN, false, false},
                                                        .n_pairs = o->paired ? s.base.n : 0,
                                                    });
        if (!same_cache)
            f->ratio.verdict = SB_VERDICT_NONE; /* the page cache, not the build */
    }
    free(s.base.x);
    free(s.next.x);
}

static void compare_place(struct sb_compare_cell *c, struct sb_at at,
                          const struct sb_compare_options *o) {
    compare_throughput(c, SB_PP, at, o);
    compare_throughput(c, SB_TG, at, o);
}

/* The state that the figures make. A figure that one side lacks cannot be judged, and passing
 * over it would hide a loss. */
static enum sb_compare_state state_of_figures(const struct sb_compare_cell *c) {
    bool regression = false, inconclusive = false, lacking = false, faster = false;
    for (size_t i = 0; i < c->n_figures; i++) {
        const struct sb_compare_figure *f = &c->figures[i];
        if (f->metric == SB_LOAD)
            continue;
        regression |= f->gate.regression;
        inconclusive |= f->inconclusive;
        lacking |= isnan(f->gate.drop);
        faster |= f->ratio.verdict == SB_VERDICT_FASTER;
    }
    return regression     ? SB_CELL_REGRESSION
           : lacking      ? SB_CELL_NOT_COMPARABLE
           : inconclusive ? SB_CELL_INCONCLUSIVE
           : faster       ? SB_CELL_IMPROVED
                          : SB_CELL_SAME;
}

static void compare_figures(struct sb_compare_cell *c, const struct sb_compare_options *o) {
    if (c->base->n_points == 0)
        compare_place(c, sb_cell_first_at(c->base), o);
    for (size_t i = 0; i < c->base->n_points; i++)
        compare_place(c, c->base->points[i].at, o);
    compare_loads(c, o);
    c->state = state_of_figures(c);
    for (size_t i = 0; i < c->n_figures && c->state == SB_CELL_NOT_COMPARABLE; i++) {
        const struct sb_compare_figure *f = &c->figures[i];
        if (f->metric == SB_LOAD || !isnan(f->gate.drop))
            continue;
        struct sb_buf b = SB_BUF_INIT(SB_ERR_MAX);
        sb_compare_add_metric(&b, f);
        sb_buf_addf(&b, ": not measured on %s", isnan(f->base) ? "the base" : "the new side");
        sb_strv_take(&c->differences, sb_buf_detach(&b));
    }
}

/* What keeps two cells from being compared: what they measured, and on what. */
static void find_differences(struct sb_compare_cell *c) {
    const struct sb_results *base = c->base_set, *next = c->next_set;
    if (c->base->fingerprint && c->next->fingerprint)
        sb_fingerprint_diff(c->base, c->next, &c->differences);
    else if (base && next) /* transcribed: what their files say */
        sb_protocol_differences(&base->bench, &next->bench, SB_CONDITION, &c->differences);
    if (!base || !next)
        return;
    const char *base_id = sb_cell_host_id(c->base, NULL), *next_id = sb_cell_host_id(c->next, NULL);
    bool known =
        sb_host_diff(sb_host_of(base, base_id), sb_host_of(next, next_id), &c->differences);
    if (!known && !sb_same_hardware(base, next))
        sb_strv_take(&c->differences, sb_asprintf("hardware: %s → %s", sb_results_hardware(base),
                                                  sb_results_hardware(next)));
}

void sb_compare_row(struct sb_compare_cell *c, const struct sb_compare_options *o) {
    bool base_ok = c->base && c->base->status == SB_OK;
    bool next_ok = c->next && c->next->status == SB_OK;
    if (!c->base) {
        c->state = SB_CELL_NEW;
    } else if (!base_ok) {
        c->state = next_ok ? SB_CELL_FIXED : SB_CELL_NEITHER;
    } else if (!c->next || c->next->status == SB_PENDING) {
        c->state = SB_CELL_MISSING;
    } else if (!next_ok) {
        c->state = SB_CELL_BROKEN;
    } else {
        find_differences(c);
        if (c->differences.n && !o->force) {
            c->state = SB_CELL_NOT_COMPARABLE;
        } else {
            compare_figures(c, o);
            sb_compare_answers(c);
        }
    }
}

/* ---- matching ------------------------------------------------------------------------------- */

static char *key_of(const struct sb_section *s, const struct sb_cell *c, bool by_title) {
    char *cell = sb_cell_key(c);
    const char *node = sb_fact_text(s->set.host, "node");
    char *key = by_title ? sb_asprintf("%s\x1f%s\x1f%s", cell, s->title, node ? node : s->host_id)
                         : sb_strdup(cell);
    free(cell);
    return key;
}

static size_t count_cells(const struct sb_sections *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->item[i].set.n_cells;
    return n;
}

/* Puts the cells of one side into the rows of their keys; c->cells has room for all. */
static void take_side(struct sb_comparison *c, struct sb_index *keys,
                      const struct sb_sections *side, bool is_base, bool by_title) {
    for (size_t s = 0; s < side->n; s++) {
        for (size_t i = 0; i < side->item[s].set.n_cells; i++) {
            const struct sb_cell *cell = &side->item[s].set.cells[i];
            const struct sb_results *from = side->item[s].from[i];
            char *key = key_of(&side->item[s], cell, by_title);
            size_t at = sb_index_add(keys, key);
            free(key);
            if (at == c->n_cells)
                c->n_cells++;
            struct sb_compare_cell *row = &c->cells[at];
            *(is_base ? &row->base : &row->next) = cell;
            *(is_base ? &row->base_set : &row->next_set) = from;
        }
    }
}

static int exit_code_of(const struct sb_comparison *c) {
    const size_t *n = c->count;
    size_t compared = n[SB_CELL_SAME] + n[SB_CELL_IMPROVED] + n[SB_CELL_INCONCLUSIVE];
    if (n[SB_CELL_REGRESSION] || n[SB_CELL_BROKEN])
        return 1;
    if (n[SB_CELL_INCONCLUSIVE] || n[SB_CELL_NOT_COMPARABLE] ||
        (n[SB_CELL_MISSING] && !c->options.allow_missing))
        return 3;
    return compared ? 0 : 3;
}

void sb_comparison_conclude(struct sb_comparison *c) {
    for (size_t i = 0; i < c->n_cells; i++)
        c->count[c->cells[i].state]++;
    c->exit_code = exit_code_of(c);
}

static void add_new(struct sb_strv *into, struct sb_strv *found) {
    for (size_t i = 0; i < found->n; i++)
        if (!sb_strv_has(into, found->item[i]))
            sb_strv_add(into, found->item[i]);
    sb_strv_release(found);
}

/* What is not the same on the two sides and keeps nothing from being compared. */
static void find_circumstances(const struct sb_compare_cell *c, struct sb_comparison *ret) {
    struct sb_strv repetition = {0}, machine = {0};
    if (!c->base || !c->next || !c->base_set || !c->next_set)
        return;
    sb_protocol_differences(&c->base_set->bench, &c->next_set->bench, SB_REPETITION, &repetition);
    sb_host_changes(sb_host_of(c->base_set, sb_cell_host_id(c->base, NULL)),
                    sb_host_of(c->next_set, sb_cell_host_id(c->next, NULL)), &machine);
    add_new(&ret->repetition, &repetition);
    add_new(&ret->machine, &machine);
}

void sb_comparison_make(const struct sb_results *const *base, size_t n_base,
                        const struct sb_results *const *next, size_t n_next,
                        const struct sb_compare_options *o, struct sb_comparison *ret) {
    struct sb_comparison c = {.options = *o,
                              .base = sb_results_merge(base, n_base),
                              .next = sb_results_merge(next, n_next)};
    bool by_title = c.base.n > 1 || c.next.n > 1;
    struct sb_index keys = {0};
    c.cells = sb_alloc(count_cells(&c.base) + count_cells(&c.next), sizeof *c.cells);
    take_side(&c, &keys, &c.base, true, by_title);
    take_side(&c, &keys, &c.next, false, by_title);
    sb_index_release(&keys);
    for (size_t i = 0; i < c.n_cells; i++) {
        sb_compare_row(&c.cells[i], o);
        find_circumstances(&c.cells[i], &c);
    }
    sb_comparison_conclude(&c);
    *ret = c;
}

void sb_comparison_release(struct sb_comparison *c) {
    for (size_t i = 0; i < c->n_cells; i++) {
        sb_strv_release(&c->cells[i].differences);
        free(c->cells[i].figures);
        free(c->cells[i].answers);
    }
    free(c->cells);
    sb_strv_release(&c->repetition);
    sb_strv_release(&c->machine);
    sb_sections_release(&c->base);
    sb_sections_release(&c->next);
    *c = (struct sb_comparison){0};
}
