/* Speculative decoding: how much was drafted and accepted, at each prompt and depth, and what it
 * gained. */
#include <math.h>
#include <stdlib.h>

#include "parts.h"
#include "stratobench/verdict.h"

static struct sb_drafts drafts_of(const struct report_group *g, const struct report_row *r) {
    return sb_drafts_at(g->cells, g->n_cells, (size_t)(r->cell - g->cells), r->point.at);
}

static void put_drafted(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    report_figure(b, drafts_of(g, r).per_run, 1, "");
}

static void put_accepted(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    report_figure(b, 100 * drafts_of(g, r).accepted_share, 0, " %");
}

static void put_per_pass(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    report_figure(b, drafts_of(g, r).per_pass, 2, "");
}

static void put_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    report_mean(b, &r->point.tg_tps);
}

static void put_without(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    const struct sb_cell *without = drafts_of(g, r).without;
    if (without)
        sb_markdown_escape(b, sb_backend_label(without));
    else
        sb_buf_adds(b, SB_ABSENT);
}

/* "1.31× (1.25–1.38), faster" */
static void put_speed_up(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_ratio tg = drafts_of(g, r).tg;
    if (!isfinite(tg.ratio)) {
        sb_buf_adds(b, SB_ABSENT);
        return;
    }
    sb_ratio_add(b, tg.ratio);
    sb_buf_adds(b, " (");
    sb_interval_add(b, tg.low, tg.high, 2);
    sb_buf_addf(b, "), %s", sb_verdict_name(tg.verdict));
}

static const struct report_column *const columns[] = {
    &report_column_model,
    &report_column_prompt,
    &report_column_depth,
    &report_column_backend,
    &(const struct report_column){"Drafted a run", .put = put_drafted, .figures = true},
    &(const struct report_column){"Accepted", .put = put_accepted, .figures = true},
    &(const struct report_column){"Tokens a pass", .put = put_per_pass, .figures = true},
    &(const struct report_column){"TG (tok/s)", .put = put_tg, .figures = true},
    &(const struct report_column){"Without drafts", .put = put_without},
    &(const struct report_column){"Speed-up", .put = put_speed_up},
};

/* ---- the rows ------------------------------------------------------------------------------- */

static bool is_shown(const struct sb_cell *c) {
    return c->status == SB_OK && sb_cell_drafts(c);
}

/* Model by model, at each place the backends in their order: cells lie in that order. */
static int by_place(const void *pa, const void *pb) {
    const struct report_row *a = pa, *b = pb;
    int by_at = sb_same_model(a->cell, b->cell) ? sb_at_order(a->point.at, b->point.at) : 0;
    return by_at ? by_at : (a->cell > b->cell) - (a->cell < b->cell);
}

static struct report_row *rows_of(const struct report_group *g, size_t *ret_n) {
    struct report_row *rows = NULL;
    size_t n = 0;
    for (size_t i = 0; i < g->n_cells; i++) {
        const struct sb_cell *c = &g->cells[i];
        for (size_t p = 0; is_shown(c) && p < (c->n_points ? c->n_points : 1); p++) {
            rows = sb_grow(rows, n, sizeof *rows);
            rows[n++] = c->n_points ? report_row_of_point(c, &c->points[p]) : report_row_of_cell(c);
        }
    }
    if (n)
        qsort(rows, n, sizeof *rows, by_place);
    *ret_n = n;
    return rows;
}

/* ---- what to know when reading it ------------------------------------------------------------- */

static void put_remarks(struct sb_buf *b, const struct report_group *g,
                        const struct report_row *rows, size_t n) {
    bool alone = false, assumed = false;
    for (size_t i = 0; i < n; i++) {
        struct sb_drafts d = drafts_of(g, &rows[i]);
        alone |= !d.without;
        assumed |= d.without && d.tg.assumed;
    }
    sb_buf_adds(b, "Generation goes on to its fixed length past the end of the text (ignore_eos), "
                   "where models repeat themselves: that flatters acceptance.");
    if (assumed)
        sb_buf_addf(b, " With one launch a side %.0f %% between launches are assumed.",
                    100 * SB_ASSUMED_LAUNCH_CV);
    if (alone)
        sb_buf_adds(b, " Where there is no speed-up, the same program, device and settings were "
                       "not measured without drafts.");
    sb_buf_adds(b, "\n\n");
}

void report_drafts(struct report_doc *d, struct report_group *g) {
    size_t n;
    struct report_row *rows = rows_of(g, &n);
    if (n) {
        sb_buf_adds(d->text,
                    "**Speculative decoding:** tokens drafted in a run, the share of them that the "
                    "model accepted, the tokens that one pass of it gave, and TG against the same "
                    "backend without drafts, with its 95 % interval\n\n");
        report_table(d, g, columns, ARRAY_LEN(columns), rows, n);
        put_remarks(d->text, g, rows, n);
    }
    free(rows);
}
