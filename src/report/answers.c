/* What the servers computed on the prompt's text, and whether they agree. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "parts.h"
#include "stratobench/verdict.h"

static const struct sb_answers_verdict *verdict_of(const struct report_group *g,
                                                   const struct report_row *r) {
    return &g->answers[r->cell - g->cells];
}

static void put_perplexity(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    double x = verdict_of(g, r)->perplexity;
    report_figure(b, x, x < 100 ? 1 : 0, "");
}

static void put_same_top(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    const struct sb_answers_verdict *v = verdict_of(g, r);
    if (isfinite(v->difference))
        sb_buf_addf(b, "%zu/%zu", v->n_same_top, v->n_positions);
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void put_difference(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    report_figure(b, verdict_of(g, r)->difference, 3, "");
}

static void put_noise(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    report_figure(b, verdict_of(g, r)->noise, 3, "");
}

static void put_other(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    size_t other = verdict_of(g, r)->other;
    if (other != SIZE_MAX)
        sb_markdown_escape(b, sb_backend_label(&g->cells[other]));
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void put_verdict(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    sb_markdown_escape(b, verdict_of(g, r)->words);
}

static const struct report_column columns[] = {
    {"Perplexity", .put = put_perplexity, .figures = true},
    {"Same top token", .put = put_same_top, .figures = true},
    {"Difference", .put = put_difference, .figures = true},
    {"Own noise", .put = put_noise, .figures = true},
    {"Compared with", .put = put_other},
    {"Verdict", .put = put_verdict},
};

/* The cells of one model, judged among themselves; numbers of others become those of them all. */
static void judge(const struct sb_cell *all, size_t first, size_t n, struct sb_answers_verdict *ret,
                  bool *reads) {
    const struct sb_cell **cells = sb_alloc(n, sizeof *cells);
    for (size_t i = 0; i < n; i++)
        cells[i] = &all[first + i];
    sb_answers_judge(cells, n, ret + first);
    for (size_t i = first; i < first + n; i++)
        if (ret[i].other != SIZE_MAX)
            ret[i].other += first;
    if (reads)
        *reads |= sb_answers_reads(cells, n);
    free(cells);
}

struct sb_answers_verdict *report_judge_answers(const struct sb_cell *cells, size_t n,
                                                bool *reads) {
    struct sb_answers_verdict *v = sb_alloc(n, sizeof *v);
    for (size_t i = 0, own; i < n; i += own) {
        for (own = 1; i + own < n && sb_same_model(&cells[i], &cells[i + own]); own++)
            ;
        judge(cells, i, own, v, reads);
    }
    return v;
}

void report_release_answers(struct sb_answers_verdict *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        sb_answers_verdict_release(&v[i]);
    free(v);
}

static void put_table(struct report_doc *d, struct report_group *g, size_t n_positions,
                      bool reads) {
    const struct report_column *shown[2 + ARRAY_LEN(columns)] = {&report_column_model,
                                                                 &report_column_backend};
    struct report_row *rows = sb_alloc(g->n_cells, sizeof *rows);
    size_t n_rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        shown[2 + i] = &columns[i];
    for (size_t i = 0; i < g->n_cells; i++)
        if (g->answers[i].words)
            rows[n_rows++] = report_row_of_cell(&g->cells[i]);
    sb_buf_addf(d->text,
                "**Answers:** %zu tokens of the prompt's own text, one by one; the difference in "
                "log-probability of the likeliest ten, and own noise: one batch against small "
                "pieces%s\n\n",
                n_positions,
                reads ? "" : ". This model does not read the text: its perplexity says nothing");
    report_table(d, g, shown, ARRAY_LEN(shown), rows, n_rows);
    free(rows);
}

void report_answers(struct report_doc *d, struct report_group *g) {
    bool reads = false;
    struct sb_answers_verdict *v = report_judge_answers(g->cells, g->n_cells, &reads);
    size_t n_positions = 0, asked = 0;
    for (size_t i = 0; i < g->n_cells; i++) {
        n_positions = v[i].n_positions > n_positions ? v[i].n_positions : n_positions;
        asked += v[i].words != NULL;
    }
    g->answers = v;
    if (asked) {
        put_table(d, g, n_positions, reads);
        report_answer_words(d, g);
    }
    g->answers = NULL;
    report_release_answers(v, g->n_cells);
}
