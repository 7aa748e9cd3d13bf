/* The runs of a group, one a line. */
#include "parts.h"

/* Model labels name the rows of a table; one with several rows there adds the backend. */
static void put_run_heading(struct sb_buf *b, const struct report_group *g, size_t i) {
    const struct sb_cell *c = &g->cells[i];
    bool several =
        (i > 0 && sb_same_model(c - 1, c)) || (i + 1 < g->n_cells && sb_same_model(c, c + 1));
    if (g->table)
        report_code_text(b, sb_model_label(c));
    if (g->table && several)
        sb_buf_adds(b, " — ");
    if (!g->table || several)
        report_code_text(b, sb_backend_label(c));
    sb_buf_adds(b, ":\n");
}

static void put_count(struct sb_buf *b, const char *name, long long tokens) {
    if (tokens < 0)
        sb_buf_addf(b, "%s=" SB_ABSENT, name);
    else
        sb_buf_addf(b, "%s=%lld tok", name, tokens);
}

static void put_run(struct sb_buf *b, const struct sb_results *set, const struct sb_run *r,
                    int number, bool launches) {
    sb_buf_adds(b, "  ");
    if (launches)
        sb_buf_addf(b, "Launch %d, run %d: pp=", r->launch, number);
    else
        sb_buf_addf(b, "Run %d: pp=", number);
    report_figure(b, r->pp_tps, 2, "");
    sb_buf_adds(b, " tg=");
    report_figure(b, r->tg_tps, 2, "");
    sb_buf_adds(b, " (");
    put_count(b, "prompt", r->prompt_n);
    if (set->bench.n_prompts > 1 && r->at.prompt >= 0 &&
        (size_t)r->at.prompt < set->bench.n_prompts && set->bench.prompts[r->at.prompt].label) {
        sb_buf_adds(b, " of ");
        report_code_text(b, set->bench.prompts[r->at.prompt].label);
    }
    put_count(b, ", gen", r->predicted_n);
    if (r->at.depth > 0 || set->bench.n_depths > 1)
        put_count(b, ", depth", r->at.depth);
    if (r->at.slots > 1 || set->bench.n_slots > 1)
        sb_buf_addf(b, ", %d at once", r->at.slots);
    sb_buf_adds(b, ")");
    if (!r->valid) {
        sb_buf_adds(b, " (invalid: ");
        report_code_text(b, r->reason ? r->reason : "no reason given");
        sb_buf_adds(b, ")");
    }
    sb_buf_adds(b, "\n");
}

static bool is_same_series(const struct sb_run *a, const struct sb_run *b) {
    return a && a->launch == b->launch && sb_at_same(a->at, b->at);
}

static void put_cell_runs(struct sb_buf *b, const struct report_group *g, size_t cell) {
    const struct sb_cell *c = &g->cells[cell];
    bool launches = false;
    for (size_t i = 0; i < c->n_runs; i++)
        launches |= c->runs[i].launch > 1;
    const struct sb_run *before = NULL;
    int number = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        if (r->warmup)
            continue;
        if (!before)
            put_run_heading(b, g, cell);
        number = is_same_series(before, r) ? number + 1 : 1;
        put_run(b, &g->section->set, r, number, launches);
        before = r;
    }
}

void report_runs(struct report_doc *d, const struct report_group *g) {
    struct sb_buf lines = SB_BUF_INIT(SB_TEXT_MAX);
    for (size_t i = 0; i < g->n_cells; i++)
        if (g->cells[i].status == SB_OK || g->cells[i].status == SB_INVALID)
            put_cell_runs(&lines, g, i);
    if (lines.len) {
        report_doc_begin_details(d, "Per-run detail");
        report_code_block(d->text, sb_buf_str(&lines));
        report_doc_end_details(d);
    }
    sb_buf_release(&lines);
}
