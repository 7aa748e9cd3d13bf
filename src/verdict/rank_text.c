/* What sb_rank found, in words and tables. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "like.h"
#include "rank_parts.h"
#include "stratobench/results.h"
#include "stratobench/results_merge.h"
#include "stratobench/results_sample.h"
#include "stratobench/text.h"
#include "stratobench/verdict.h"

void rank_add_plural(struct sb_buf *b, size_t n, const char *noun) {
    sb_buf_addf(b, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

static void add_workload(struct sb_buf *b, const struct sb_workload *w) {
    if (w->name)
        sb_buf_adds(b, w->name);
    else
        sb_buf_addf(b, "%g+%g tokens", w->part[0].prompt_tokens, w->part[0].gen_tokens);
    rank_add_slots(b, w);
    if (w->requests_per_load == 1)
        sb_buf_adds(b, " and a load a request");
    else if (w->requests_per_load > 0)
        sb_buf_addf(b, " and a load every %g requests", w->requests_per_load);
}

void rank_add_model(const struct rank_writer *w, size_t model) {
    sb_style_add(w->out, w->style, w->rank->models[model].label);
}

void rank_add_backend(const struct rank_writer *w, size_t backend) {
    sb_style_add(w->out, w->style, w->rank->backends[backend].label);
}

static void add_why_not(const struct rank_writer *w, const struct sb_rank_cell *c) {
    if (c->cell->status == SB_OK) {
        sb_buf_adds(w->out, "not everything measured");
        return;
    }
    sb_buf_adds(w->out, sb_status_name(c->cell->status));
    if (c->cell->reason) {
        sb_buf_adds(w->out, ": ");
        sb_style_add(w->out, w->style, c->cell->reason);
    }
}

/* ---- the sentence --------------------------------------------------------------------------- */

/* "CPU did not finish 2 of 9 models: A (failed: server died), B (pending). " */
static void add_unfinished(const struct rank_writer *w, size_t backend) {
    const struct sb_rank_backend *b = &w->rank->backends[backend];
    size_t named = 0, missing = b->n_cells - b->n_finished;
    if (missing == 0)
        return;
    rank_add_backend(w, backend);
    sb_buf_addf(w->out, " did not finish %zu of ", missing);
    rank_add_plural(w->out, b->n_cells, "model");
    for (size_t i = 0; i < w->rank->n_cells && named < MOST_NAMED; i++) {
        const struct sb_rank_cell *c = &w->rank->cells[i];
        if (c->backend != backend || c->finished)
            continue;
        sb_buf_adds(w->out, named++ ? ", " : ": ");
        rank_add_model(w, c->model);
        sb_buf_adds(w->out, " (");
        add_why_not(w, c);
        sb_buf_adds(w->out, ")");
    }
    if (missing > named)
        sb_buf_addf(w->out, " and %zu more", missing - named);
    sb_buf_adds(w->out, ". ");
}

static void add_left_out(const struct rank_writer *w, size_t backend) {
    const struct sb_rank_backend *b = &w->rank->backends[backend];
    if (b->compared || w->rank->n_compared == 0)
        return;
    rank_add_backend(w, backend);
    sb_buf_addf(w->out, " is left out over the models: it finished %zu of ", b->n_finished);
    rank_add_plural(w->out, w->rank->n_models, "model");
    sb_buf_adds(w->out, ". ");
}

static void add_lead(const struct rank_writer *w) {
    const struct sb_rank *r = w->rank;
    bool tie = r->lead.verdict == SB_VERDICT_TIE;
    rank_add_backend(w, r->first);
    if (tie) {
        sb_buf_adds(w->out, " and ");
        rank_add_backend(w, r->second);
        sb_buf_adds(w->out, " tie");
    } else {
        sb_buf_adds(w->out, " is ");
        sb_ratio_add(w->out, r->lead.ratio);
        sb_buf_adds(w->out, " as fast as ");
        rank_add_backend(w, r->second);
    }
    sb_buf_adds(w->out, " over ");
    rank_add_plural(w->out, r->n_common, "model");
    sb_buf_adds(w->out, " for ");
    add_workload(w->out, &r->workload);
    if (tie) {
        sb_buf_addf(w->out, " (%.2f×)", r->lead.ratio);
    } else if (r->lead.verdict == SB_VERDICT_INCONCLUSIVE) {
        sb_buf_adds(w->out, ", but inconclusive (95 % interval ");
        sb_interval_add(w->out, r->lead.low, r->lead.high, 2);
        sb_buf_adds(w->out, ")");
    }
}

static void add_exception(const struct rank_writer *w, const struct sb_rank_exception *e) {
    const char *metric = sb_metric_name(e->metric);
    sb_buf_adds(w->out, "; ");
    rank_add_backend(w, e->backend);
    sb_buf_adds(w->out, e->overall ? " wins on " : " is faster on ");
    rank_add_model(w, e->model);
    if (e->overall)
        sb_buf_addf(w->out, " (%s ", metric);
    else
        sb_buf_addf(w->out, " in %s (", metric);
    sb_ratio_add(w->out, e->ratio);
    sb_buf_adds(w->out, ")");
}

static void add_sentence(const struct rank_writer *w) {
    const struct sb_rank *r = w->rank;
    for (size_t b = 0; b < r->n_backends; b++)
        add_unfinished(w, b);
    for (size_t b = 0; b < r->n_backends; b++)
        add_left_out(w, b);
    if (r->n_common == 0) {
        sb_buf_adds(w->out, "No model was finished by two backends: there is nothing to rank.");
        return;
    }
    add_lead(w);
    for (size_t i = 0; i < r->n_exceptions && i < MOST_NAMED; i++)
        add_exception(w, &r->exceptions[i]);
    if (r->n_exceptions > MOST_NAMED)
        sb_buf_addf(w->out, "; and %zu more such", r->n_exceptions - MOST_NAMED);
    rank_add_turns(w);
    sb_buf_adds(w->out, ".");
}

void sb_rank_sentence(const struct sb_rank *r, enum sb_style style, struct sb_buf *ret) {
    add_sentence(&(struct rank_writer){r, NULL, style, ret, 0});
}

/* ---- over the models ------------------------------------------------------------------------ */

/* The compared backends, fastest first. */
static size_t *by_speed(const struct sb_rank *r) {
    size_t *order = sb_alloc(r->n_compared, sizeof *order), n = 0;
    for (size_t b = 0; b < r->n_backends; b++) {
        if (!r->backends[b].compared)
            continue;
        size_t at = n++;
        for (; at > 0 && r->backends[order[at - 1]].speed < r->backends[b].speed; at--)
            order[at] = order[at - 1];
        order[at] = b;
    }
    return order;
}

static void add_overall(const struct rank_writer *w) {
    static const struct sb_table_column columns[] = {
        {"Backend", false}, {"Behind the fastest", true},
        {"At worst", true}, {"on", false},
        {"Wins", true},     {"Ties", true},
        {"Losses", true},   {"Inconclusive", true},
    };
    const struct sb_rank *r = w->rank;
    struct sb_table t = sb_table_begin(columns, sizeof columns / sizeof *columns);
    t.screen = w->screen;
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX);
    struct rank_writer cell = {r, w->section, w->style, &b, 0};
    size_t *order = by_speed(r);
    for (size_t i = 0; i < r->n_compared; i++) {
        const struct sb_rank_backend *backend = &r->backends[order[i]];
        rank_add_backend(&cell, order[i]);
        sb_table_take(&t, &b);
        sb_ratio_add(&b, 1 / backend->speed);
        sb_table_take(&t, &b);
        sb_ratio_add(&b, 1 / backend->worst);
        sb_table_take(&t, &b);
        if (backend->worst < 1)
            rank_add_model(&cell, backend->worst_model);
        sb_table_take(&t, &b);
        const size_t counts[] = {backend->wins, backend->ties, backend->losses,
                                 backend->inconclusive};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            sb_buf_addf(&b, "%zu", counts[k]);
            sb_table_take(&t, &b);
        }
    }
    sb_table_print(&t, w->style, w->out);
    free(order);
    sb_table_release(&t);
    sb_buf_release(&b);
}

/* ---- model by model ------------------------------------------------------------------------- */

static void add_value(struct sb_buf *b, enum sb_metric metric, double value) {
    if (metric == SB_LOAD)
        sb_format_load(b, value);
    else if (metric == SB_WORKLOAD)
        sb_buf_addf(b, value < 9.995 ? "%.2f s" : value < 99.95 ? "%.1f s" : "%.0f s", value);
    else
        sb_buf_addf(b, "%.1f tok/s", value);
}

static void add_best(const struct rank_writer *w, const struct sb_rank_model *m,
                     enum sb_metric metric) {
    const struct sb_rank *r = w->rank;
    if (m->best[metric] == SIZE_MAX) {
        sb_buf_adds(w->out, "—");
        return;
    }
    const struct sb_rank_cell *best = &r->cells[m->best[metric]];
    const char *mark = m->clear[metric] && w->style == SB_STYLE_MARKDOWN ? "**" : "";
    sb_buf_adds(w->out, mark);
    rank_add_backend(w, best->backend);
    sb_buf_addf(w->out, "%s: ", mark);
    add_value(w->out, metric, best->figure[metric].value);
}

static int decimals_of(double factor) {
    return factor < 9.995 ? 2 : factor < 99.95 ? 1 : 0;
}

/* How many times as fast the fastest is: "22.6× slower (21.9–23.4)", "tie (1.01×, 0.99–1.03)". A
 * bound so high that it only says how little is known is left open: "0.26+". */
static void add_behind(struct sb_buf *b, const struct sb_ratio *to_fastest) {
    double factor = 1 / to_fastest->ratio, low = 1 / to_fastest->high, high = 1 / to_fastest->low;
    bool slower = to_fastest->verdict == SB_VERDICT_SLOWER;
    if (slower) {
        sb_ratio_add(b, factor);
        sb_buf_adds(b, " slower (");
    } else {
        sb_buf_addf(b, "%s (", sb_verdict_name(to_fastest->verdict));
        sb_ratio_add(b, factor);
        sb_buf_adds(b, ", ");
    }
    sb_buf_addf(b, "%.*f", decimals_of(low), low);
    if (high < 100 * factor)
        sb_buf_addf(b, "–%.*f)", decimals_of(high), high);
    else
        sb_buf_adds(b, "+)");
}

/* "ROCm: 1.10× slower (1.04–1.16); CPU failed: server died" */
static void add_others(const struct rank_writer *w, const struct sb_rank_model *m,
                       enum sb_metric metric) {
    const struct sb_rank *r = w->rank;
    size_t named = 0;
    for (size_t i = m->first; i < m->first + m->n; i++) {
        const struct sb_rank_cell *c = &r->cells[i];
        const struct sb_ratio *ratio = &c->figure[metric].to_best;
        bool measured = c->figure[metric].n > 0;
        if (i == m->best[metric] || (!measured && metric != SB_WORKLOAD))
            continue;
        sb_buf_adds(w->out, named++ ? "; " : "");
        rank_add_backend(w, c->backend);
        sb_buf_adds(w->out, measured ? ": " : " ");
        if (!measured) {
            add_why_not(w, c);
            continue;
        }
        add_behind(w->out, ratio);
    }
}

static void add_model_rows(const struct rank_writer *w, size_t model, struct sb_table *t) {
    static const enum sb_metric order[] = {SB_WORKLOAD, SB_PP, SB_TG, SB_LOAD};
    const struct sb_rank_model *m = &w->rank->models[model];
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX);
    struct rank_writer cell = {w->rank, w->section, w->style, &b, 0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        enum sb_metric metric = order[i];
        if (metric != SB_WORKLOAD && m->best[metric] == SIZE_MAX)
            continue;
        if (metric == SB_WORKLOAD)
            rank_add_model(&cell, model);
        sb_table_take(t, &b);
        if (metric == SB_WORKLOAD)
            add_workload(&b, &w->rank->workload);
        else
            sb_buf_adds(&b, sb_metric_name(metric));
        sb_table_take(t, &b);
        add_best(&cell, m, metric);
        sb_table_take(t, &b);
        add_others(&cell, m, metric);
        sb_table_take(t, &b);
    }
    sb_buf_release(&b);
}

static void add_models(const struct rank_writer *w) {
    static const struct sb_table_column columns[] = {{"Model", false},
                                                     {"For", false},
                                                     {"Fastest", false},
                                                     {"Others, against the fastest", false}};
    struct sb_table t = sb_table_begin(columns, sizeof columns / sizeof *columns);
    t.screen = w->screen;
    for (size_t i = 0; i < w->rank->n_models; i++)
        if (w->rank->models[i].n > 1)
            add_model_rows(w, i, &t);
    sb_table_print(&t, w->style, w->out);
    sb_table_release(&t);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool worth_ranking(const struct sb_rank *r) {
    for (size_t m = 0; m < r->n_models; m++)
        if (r->models[m].n > 1)
            return true;
    return false;
}

static void add_details(const struct rank_writer *w) {
    if (w->rank->n_common) {
        sb_like_with_like(w->rank, w->style, w->out);
        add_overall(w);
        sb_buf_adds(w->out, "\n");
    }
    add_models(w);
    sb_buf_adds(w->out, "\n");
    rank_add_notes(w);
}

void sb_rank_details(const struct sb_rank *r, struct sb_buf *ret) {
    add_details(&(struct rank_writer){r, NULL, SB_STYLE_MARKDOWN, ret, 0});
}

static void add_section(const struct rank_writer *w) {
    const char *mark = w->style == SB_STYLE_MARKDOWN ? "**" : "";
    sb_buf_adds(w->out, mark);
    add_sentence(w);
    sb_buf_addf(w->out, "%s\n\n", mark);
    add_details(w);
}

static void add_title(enum sb_style style, const char *title, struct sb_buf *ret) {
    sb_buf_adds(ret, style == SB_STYLE_MARKDOWN ? "### " : "");
    sb_style_add(ret, style, title);
    sb_buf_adds(ret, style == SB_STYLE_MARKDOWN ? "\n\n" : ":\n\n");
}

static int write_all(const struct sb_results *const *sets, size_t n, const struct sb_workload *load,
                     enum sb_style style, size_t screen, struct sb_buf *ret) {
    struct sb_sections all = sb_results_merge(sets, n);
    size_t written = 0;
    for (size_t i = 0; i < all.n; i++) {
        struct sb_rank rank;
        sb_rank(&all.item[i].set, all.item[i].hidden, load, &rank);
        bool worth = worth_ranking(&rank);
        if (worth || style == SB_STYLE_TEXT) {
            if (written++)
                sb_buf_adds(ret, "\n");
            else if (style == SB_STYLE_MARKDOWN)
                sb_buf_adds(ret, "## Which backend?\n\n");
            if (all.n > 1)
                add_title(style, all.item[i].set.bench.title, ret);
            if (worth)
                add_section(&(struct rank_writer){&rank, &all.item[i], style, ret, screen});
            else
                sb_buf_adds(ret, "No model was run with two backends: there is nothing to rank.\n");
        }
        sb_rank_release(&rank);
    }
    sb_sections_release(&all);
    return ret->overflow ? -EFBIG : 0;
}

int sb_rank_markdown(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                     struct sb_buf *ret) {
    return write_all(sets, n, w, SB_STYLE_MARKDOWN, 0, ret);
}

int sb_rank_screen(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                   size_t columns, struct sb_buf *ret) {
    return write_all(sets, n, w, SB_STYLE_TEXT, columns, ret);
}

int sb_rank_text(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                 struct sb_buf *ret) {
    return sb_rank_screen(sets, n, w, 0, ret);
}
