/* What a row of a table stands for, and the marks it sets. */
#include "parts.h"

const char *report_metric_name(enum sb_metric m) {
    return m == SB_PP ? "PP" : "TG";
}

const struct sb_summary *report_summary(const struct report_row *r, enum sb_metric m) {
    return m == SB_PP ? &r->at.pp_tps : &r->at.tg_tps;
}

struct report_row report_row_of_point(const struct sb_cell *c, const struct sb_point *p) {
    return (struct report_row){c, *p};
}

struct report_row report_row_of_cell(const struct sb_cell *c) {
    struct report_row r = {c, {.pp_tps = c->pp_tps, .tg_tps = c->tg_tps}};
    for (size_t i = 0; i < c->n_runs; i++)
        if (!c->runs[i].warmup && c->runs[i].valid) {
            r.at.prompt = c->runs[i].prompt;
            r.at.depth = c->runs[i].depth;
            break;
        }
    return r;
}

void report_footnote(struct sb_buf *b, struct report_group *g, char *text) {
    sb_strv_take(&g->footnotes, text);
    sb_buf_adds(b, " ");
    report_superscript(b, g->footnotes.n);
}
