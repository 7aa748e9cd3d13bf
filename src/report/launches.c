/* launches = auto: what was made, why no more was, and what that saved. */
#include <stdint.h>
#include <stdlib.h>

#include "parts.h"
#include "stratobench/results_sample.h"

/* The cells of one model. */
struct stretch {
    const struct sb_cell *cells;
    size_t n;
    struct sb_settled *settled; /* n */
    size_t best, made, most;    /* launches of those that take part, and five of each */
};

static struct stretch settle(const struct sb_cell *cells, size_t n) {
    static const struct sb_workload workload = SB_WORKLOAD_DEFAULT;
    struct stretch s = {.cells = cells, .n = n, .settled = sb_alloc(n, sizeof *s.settled)};
    const struct sb_cell **pointers = sb_alloc(n, sizeof *pointers);
    for (size_t i = 0; i < n; i++)
        pointers[i] = &cells[i];
    s.best = sb_settle(pointers, n, &workload, s.settled);
    free(pointers);
    for (size_t i = 0; i < n; i++) {
        s.made += s.settled[i].n ? cells[i].n_launches : 0;
        s.most += s.settled[i].n ? (size_t)SB_MOST_LAUNCHES : 0;
    }
    return s;
}

static bool has_rival(const struct stretch *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += s->settled[i].n > 0;
    return n > 1;
}

static const char *why(const struct stretch *s, size_t i) {
    const struct sb_settled *r = &s->settled[i];
    if (i == s->best)
        return has_rival(s) ? "the fastest" : "nothing to compare it with";
    if (r->verdict != SB_VERDICT_INCONCLUSIVE)
        return sb_verdict_name(r->verdict);
    return r->outlook == SB_OUTLOOK_HOPELESS ? "five would hardly tell" : "undecided";
}

static void put_stretch(struct sb_buf *b, const struct report_group *g, const struct stretch *s) {
    sb_buf_adds(b, "- ");
    if (g->table) {
        sb_markdown_escape(b, sb_model_label(s->cells));
        sb_buf_adds(b, ": ");
    }
    const char *between = "";
    for (size_t i = 0; i < s->n; i++) {
        if (s->settled[i].n == 0)
            continue;
        sb_buf_adds(b, between);
        sb_markdown_escape(b, sb_backend_label(&s->cells[i]));
        sb_buf_addf(b, " %zu (%s)", s->cells[i].n_launches, why(s, i));
        between = ", ";
    }
    sb_buf_addf(b, "; %zu of %zu launches\n", s->made, s->most);
}

void report_launches(struct report_doc *d, struct report_group *g) {
    struct sb_buf lines = SB_BUF_INIT(SB_TEXT_MAX);
    size_t made = 0, most = 0;
    if (g->section->set.bench.launches > 0)
        return;
    for (size_t i = 0, n; i < g->n_cells; i += n) {
        for (n = 1; i + n < g->n_cells && sb_same_model(&g->cells[i], &g->cells[i + n]); n++)
            ;
        struct stretch s = settle(&g->cells[i], n);
        if (s.made)
            put_stretch(&lines, g, &s);
        made += s.made;
        most += s.most;
        free(s.settled);
    }
    if (made)
        sb_buf_addf(d->text,
                    "**Launches made:** until each backend was told from the fastest for 600 + 128 "
                    "tokens, or five would hardly tell; %.0f %% fewer than five each\n\n%s\n",
                    100 * (1 - (double)made / (double)most), sb_buf_str(&lines));
    sb_buf_release(&lines);
}
