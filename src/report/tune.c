/* What was tuned: the values that were tried of each setting, what each gave, and the choice. */
#include <math.h>
#include <stdlib.h>

#include "parts.h"
#include "stratobench/results_tune.h"

static void put_value(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    sb_buf_addf(b, "%s ", r->tried->key); /* one of ours */
    sb_markdown_escape(b, r->tried->value);
}

static void put_summary(struct sb_buf *b, const struct sb_summary *s) {
    if (s->n)
        report_mean(b, s);
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void put_pp(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_try_figures f = sb_try_figures(r->tried);
    (void)g;
    put_summary(b, &f.pp_tps);
}

static void put_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_try_figures f = sb_try_figures(r->tried);
    (void)g;
    put_summary(b, &f.tg_tps);
}

static void put_run(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_summary s = sb_try_figures(r->tried).runs_per_s;
    (void)g;
    report_figure(b, s.n ? 1000 / s.mean : (double)NAN, 0, " ms");
}

static void put_outcome(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    const struct sb_try *t = r->tried, *chosen = sb_cell_chosen(r->cell, t->key);
    struct sb_try_figures f = sb_try_figures(t);
    (void)g;
    if (t->reason) {
        sb_buf_adds(b, "cannot be taken: ");
        sb_markdown_escape(b, t->reason);
        return;
    }
    if (t->chosen)
        sb_buf_adds(b, "**taken**");
    else if (chosen)
        sb_buf_addf(b, "%+.1f %%", 100 * (f.speed / sb_try_figures(chosen).speed - 1));
    if (f.noisy)
        sb_buf_adds(b, t->chosen || chosen ? ", noisy" : "noisy");
}

static const struct report_column *const columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"Tried", .put = put_value},
    &(const struct report_column){"PP (tok/s)", .put = put_pp, .figures = true},
    &(const struct report_column){"TG (tok/s)", .put = put_tg, .figures = true},
    &(const struct report_column){"A run", .put = put_run, .figures = true},
    &(const struct report_column){"Speed against the one taken", .put = put_outcome},
};

/* "ubatch by PP, threads by the time of a run" */
static void put_criteria(struct sb_buf *b, const struct report_row *rows, size_t n) {
    size_t named = 0;
    for (size_t i = 0; i < sb_n_tunables; i++)
        for (size_t k = 0; k < n; k++)
            if (sb_tunable_named(rows[k].tried->key) == &sb_tunables[i]) {
                sb_buf_addf(b, "%s%s by %s", named++ ? ", " : "", sb_tunables[i].key,
                            sb_tunables[i].by_pp ? "PP, which is what it moves"
                                                 : "the time of a whole run");
                break;
            }
}

void report_tune(struct report_doc *d, struct report_group *g) {
    struct report_row *rows = NULL;
    size_t n = 0;
    for (size_t i = 0; i < g->n_cells; i++)
        for (size_t k = 0; k < g->cells[i].n_tried; k++) {
            rows = sb_grow(rows, n, sizeof *rows);
            rows[n] = report_row_of_cell(&g->cells[i]);
            rows[n++].tried = &g->cells[i].tried[k];
        }
    if (n) {
        sb_buf_adds(d->text, "**Tuned:** before it was measured, each value in a short launch of "
                             "its own, warmed up, at the first prompt and depth; chosen was ");
        put_criteria(d->text, rows, n);
        sb_buf_addf(d->text, "; of those within %.0f %% of the fastest the first in the config\n\n",
                    100 * SB_TIE_MARGIN);
        report_doc_begin_details(d, "What each value gave");
        report_table(d, g, columns, ARRAY_LEN(columns), rows, n);
        report_doc_end_details(d);
    }
    free(rows);
}
