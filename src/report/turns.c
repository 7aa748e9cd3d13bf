/* Conversations: what a turn takes while the server keeps the context, and the whole. */
#include <math.h>
#include <stdlib.h>

#include "parts.h"
#include "stratobench/results_sample.h"

static bool was_played(const struct report_row *r) {
    return r->cell->status == SB_OK && r->cell->n_turns > 0;
}

/* ---- a line a backend ----------------------------------------------------------------------- */

static struct sb_turn first_turn(const struct sb_cell *c) {
    return sb_cell_turn(c, 1);
}

static struct sb_turn middle_turn(const struct sb_cell *c) {
    return sb_cell_turn(c, (sb_cell_most_turns(c) + 1) / 2);
}

static struct sb_turn last_turn(const struct sb_cell *c) {
    return sb_cell_turn(c, sb_cell_most_turns(c));
}

/* Of two turns the first is the middle, too. */
static double ttft_middle(const struct sb_cell *c) {
    return sb_cell_most_turns(c) > 2 ? middle_turn(c).ttft_ms.mean : (double)NAN;
}

static double tg_middle(const struct sb_cell *c) {
    return sb_cell_most_turns(c) > 2 ? middle_turn(c).tg_tps.mean : (double)NAN;
}

static double ttft_first(const struct sb_cell *c) {
    return first_turn(c).ttft_ms.mean;
}

static double tg_first(const struct sb_cell *c) {
    return first_turn(c).tg_tps.mean;
}

static double ttft_last(const struct sb_cell *c) {
    return last_turn(c).ttft_ms.mean;
}

static double tg_last(const struct sb_cell *c) {
    return last_turn(c).tg_tps.mean;
}

static double context_last(const struct sb_cell *c) {
    return last_turn(c).context_n;
}

static int decimals_of(double s) {
    return s < 10 ? 2 : s < 100 ? 1 : 0;
}

static void put_whole(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    size_t n;
    double *times_s = sb_cell_conversations(r->cell, &n);
    struct sb_summary s = sb_summarize(times_s, n);
    (void)g;
    report_figure(b, s.mean, decimals_of(s.mean), n == 1 ? " s" : "");
    if (n > 1)
        sb_buf_addf(b, " ±%.*f s", decimals_of(s.mean), s.stddev);
    free(times_s);
}

/* The fastest over the conversation of those that ran this model, or NULL. */
static const struct sb_cell *fastest(const struct report_group *g, const struct sb_cell *of) {
    const struct sb_cell *best = NULL;
    double best_s = INFINITY;
    for (size_t i = 0; i < g->n_cells; i++) {
        const struct sb_cell *c = &g->cells[i];
        if (c->status != SB_OK || !sb_same_model(c, of))
            continue;
        struct sb_sample s = sb_sample_conversation(c);
        if (s.mean < best_s) {
            best_s = s.mean;
            best = c;
        }
        free(s.x);
    }
    return best;
}

static struct sb_ratio ratio_of(const struct sb_cell *c, const struct sb_cell *to) {
    struct sb_sample a = sb_sample_conversation(c), b = sb_sample_conversation(to);
    struct sb_ratio r = sb_compare(a.x, a.n, b.x, b.n, SB_TIE_MARGIN,
                                   sb_sample_assumed(SB_ASSUMED_LAUNCH_CV, a.noise, b.noise));
    free(a.x);
    free(b.x);
    return r;
}

/* "1.31× slower (1.25–1.37)", "tie (1.01×, 0.99–1.03)" */
static void put_against(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    const struct sb_cell *best = fastest(g, r->cell);
    struct sb_sample own = sb_sample_conversation(r->cell);
    bool measured = own.n > 0;
    free(own.x);
    if (!best || !measured) {
        sb_buf_adds(b, SB_ABSENT);
        return;
    }
    if (best == r->cell) {
        sb_buf_adds(b, "fastest");
        return;
    }
    struct sb_ratio to_best = ratio_of(r->cell, best);
    bool slower = to_best.verdict == SB_VERDICT_SLOWER;
    if (!slower)
        sb_buf_addf(b, "%s (", sb_verdict_name(to_best.verdict));
    sb_ratio_add(b, 1 / to_best.ratio);
    sb_buf_adds(b, slower ? " slower (" : ", ");
    sb_interval_add(b, 1 / to_best.high, 1 / to_best.low, 2);
    sb_buf_adds(b, ")");
}

/* ---- a line a turn -------------------------------------------------------------------------- */

static void put_turn(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    sb_buf_addf(b, "%d", r->turn);
}

static void put_context(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    report_figure(b, sb_cell_turn(r->cell, r->turn).context_n, 0, "");
}

static void put_new(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    report_figure(b, sb_cell_turn(r->cell, r->turn).new_n, 0, "");
}

static void put_ttft(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_turn t = sb_cell_turn(r->cell, r->turn);
    (void)g;
    report_mean(b, &t.ttft_ms);
    sb_buf_adds(b, " ms");
}

static void put_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    struct sb_turn t = sb_cell_turn(r->cell, r->turn);
    (void)g;
    report_mean(b, &t.tg_tps);
}

/* ---- the tables ----------------------------------------------------------------------------- */

static const struct report_column *const columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"Context, last", .value = context_last, .unit = ""},
    &(const struct report_column){"TTFT, first", .value = ttft_first, .unit = " ms"},
    &(const struct report_column){"middle", .value = ttft_middle, .unit = " ms"},
    &(const struct report_column){"last", .value = ttft_last, .unit = " ms"},
    &(const struct report_column){"TG, first", .value = tg_first, .decimals = 1, .unit = ""},
    &(const struct report_column){"middle", .value = tg_middle, .decimals = 1, .unit = ""},
    &(const struct report_column){"last", .value = tg_last, .decimals = 1, .unit = ""},
    &(const struct report_column){"Conversation", .put = put_whole, .figures = true},
    &(const struct report_column){"Against the fastest", .put = put_against},
};

static const struct report_column *const turn_columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"Turn", .put = put_turn, .figures = true},
    &(const struct report_column){"Context", .put = put_context, .figures = true},
    &(const struct report_column){"New", .put = put_new, .figures = true},
    &(const struct report_column){"TTFT", .put = put_ttft, .figures = true},
    &(const struct report_column){"TG (tok/s)", .put = put_tg, .figures = true},
};

static void put_each_turn(struct report_doc *d, struct report_group *g) {
    struct report_row *rows = NULL;
    size_t n = 0;
    for (size_t i = 0; i < g->n_cells; i++) {
        struct report_row row = report_row_of_cell(&g->cells[i]);
        for (row.turn = 1; was_played(&row) && row.turn <= sb_cell_most_turns(row.cell);
             row.turn++) {
            if (sb_cell_turn(row.cell, row.turn).ttft_ms.n == 0)
                continue;
            rows = sb_grow(rows, n, sizeof *rows);
            rows[n++] = row;
        }
    }
    if (n) {
        report_doc_begin_details(d, "Each turn");
        report_table(d, g, turn_columns, ARRAY_LEN(turn_columns), rows, n);
        report_doc_end_details(d);
    }
    free(rows);
}

static void put_caption(struct sb_buf *b, const struct sb_protocol *p) {
    sb_buf_addf(b,
                "**Turns:** a conversation of %d, the first of them the prompt, each later one %d "
                "new tokens behind all that was said before, which the server keeps; %d tokens "
                "generated in each. TTFT is the server's time to the first token; the conversation "
                "is what the client waited for all turns\n\n",
                p->turns, p->turn_tokens, p->n_predict);
}

void report_turns(struct report_doc *d, struct report_group *g) {
    struct report_row *rows = sb_alloc(g->n_cells, sizeof *rows);
    size_t n = 0;
    bool odd = false;
    for (size_t i = 0; i < g->n_cells; i++) {
        rows[n] = report_row_of_cell(&g->cells[i]);
        odd |= was_played(&rows[n]) && sb_cell_odd_turn(rows[n].cell);
        n += was_played(&rows[n]);
    }
    if (n) {
        put_caption(d->text, &g->section->set.bench);
        report_table(d, g, columns, ARRAY_LEN(columns), rows, n);
        put_each_turn(d, g);
    }
    if (odd)
        sb_buf_adds(
            d->text,
            "A turn that did not find in the cache all that the turns before had left there "
            "does not count, nor does its conversation. A model with a sliding window keeps "
            "its whole context only where its server is given `--swa-full`.\n\n");
    free(rows);
}
