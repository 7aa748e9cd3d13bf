/* The table that answers: models by backends, who wins and by how much. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "html_parts.h"

enum { N_COLOURS = 8 }; /* of the chart's palette, in its order: .b0 to .b7 of page.css */

static void put_backend_name(struct sb_buf *b, const struct html_section *s, size_t backend) {
    sb_buf_addf(b, "<b class=\"dot b%zu\">", backend % N_COLOURS);
    sb_xml_escape(b, s->rank->backends[backend].label);
    sb_buf_adds(b, "</b>");
}

static const struct sb_rank_cell *cell_of(const struct sb_rank *r, const struct sb_rank_model *m,
                                          size_t backend) {
    for (size_t i = m->first; i < m->first + m->n; i++)
        if (r->cells[i].backend == backend)
            return &r->cells[i];
    return NULL;
}

/* ---- the winner ----------------------------------------------------------------------------- */

/* The best in the workload and, of the others that have a time, the next; NULL where there is
 * none. */
struct podium {
    const struct sb_rank_cell *first, *second;
};

static struct podium podium_of(const struct sb_rank *r, const struct sb_rank_model *m) {
    struct podium p = {NULL, NULL};
    size_t best = m->best[SB_WORKLOAD];
    if (best == SIZE_MAX)
        return p;
    p.first = &r->cells[best];
    for (size_t i = m->first; i < m->first + m->n; i++) {
        const struct sb_rank_cell *c = &r->cells[i];
        if (c->finished && c != p.first &&
            (!p.second ||
             c->figure[SB_WORKLOAD].log_speed > p.second->figure[SB_WORKLOAD].log_speed))
            p.second = c;
    }
    return p;
}

/* "TG +12 %", "PP 15.4×", "PP 2.1× slower" */
static void put_gain(struct sb_buf *b, const struct podium *p, enum sb_metric m) {
    double ratio = p->first->figure[m].value / p->second->figure[m].value;
    if (!isfinite(ratio) || ratio <= 0)
        return;
    sb_buf_adds(b, m == SB_TG ? "TG " : "PP ");
    if (ratio > 0.5 && ratio < 2) {
        double percent = round(100 * (ratio - 1));
        sb_buf_addf(b, "%s%.0f %%", percent > 0 ? "+" : percent < 0 ? "−" : "±", fabs(percent));
    } else {
        sb_ratio_add(b, ratio < 1 ? 1 / ratio : ratio);
        sb_buf_adds(b, ratio < 1 ? " slower" : "");
    }
}

static void put_gains(struct sb_buf *b, const struct podium *p) {
    sb_buf_adds(b, "<small>");
    put_gain(b, p, SB_TG);
    sb_buf_adds(b, " · ");
    put_gain(b, p, SB_PP);
    sb_buf_adds(b, "</small>");
}

static void put_lead(struct sb_buf *b, const struct html_section *s, const struct podium *p) {
    const struct sb_ratio *behind = &p->second->figure[SB_WORKLOAD].to_best;
    if (behind->verdict == SB_VERDICT_TIE) {
        sb_buf_adds(b, "<small>a tie with ");
        sb_xml_escape(b, s->rank->backends[p->second->backend].label);
    } else {
        sb_buf_adds(b, "<small>");
        if (behind->verdict == SB_VERDICT_INCONCLUSIVE)
            sb_buf_adds(b, "not beyond doubt: ");
        sb_ratio_add(b, 1 / behind->ratio);
        sb_buf_adds(b, " as fast as ");
        sb_xml_escape(b, s->rank->backends[p->second->backend].label);
    }
    sb_buf_adds(b, "</small>");
}

static void put_winner(struct sb_buf *b, const struct html_section *s,
                       const struct sb_rank_model *m) {
    struct podium p = podium_of(s->rank, m);
    bool clear = p.second && p.second->figure[SB_WORKLOAD].to_best.verdict == SB_VERDICT_SLOWER;
    sb_buf_addf(b, "<td class=\"winner%s\">", clear ? "" : " open");
    if (p.first)
        put_backend_name(b, s, p.first->backend);
    else
        sb_buf_adds(b, SB_ABSENT);
    if (p.second) {
        put_lead(b, s, &p);
        put_gains(b, &p);
    } else if (p.first && m->n > 1) {
        sb_buf_adds(b, "<small>the only one that finished</small>");
    }
    sb_buf_adds(b, "</td>");
}

/* ---- the figures ---------------------------------------------------------------------------- */

/* Did the server compute what the others do? Nothing where that was not looked at. */
static void put_answers_mark(struct sb_buf *b, const struct html_section *s,
                             const struct sb_rank_cell *c) {
    const struct sb_answers_verdict *v = &s->answers[c->cell - s->section->set.cells];
    bool wrong = v->wrong, agrees = v->state == SB_ANSWERS_AGREES;
    if (!wrong && !agrees && v->state != SB_ANSWERS_DISAGREES && v->state != SB_ANSWERS_UNSTABLE)
        return;
    sb_buf_addf(b, "<a class=\"mark answers%s\" href=\"#%s\" title=\"Answers: ",
                agrees ? "" : " problem", s->anchor.item[c->model]);
    sb_xml_escape(b, v->words);
    sb_buf_adds(b, "\" aria-label=\"Answers: ");
    sb_xml_escape(b, v->words);
    sb_buf_addf(b, "\">%s</a>", wrong ? "✗" : agrees ? "✓" : "≠");
}

/* What is to be known of a cell beside its figures, one mark a fact: doubts, answers. */
static void put_marks(struct sb_buf *b, const struct html_section *s,
                      const struct sb_rank_cell *c) {
    const struct sb_strv *flags = &c->cell->flags;
    if (flags->n) {
        sb_buf_addf(b, "<a class=\"mark\" href=\"#%s\" title=\"", s->anchor.item[c->model]);
        for (size_t i = 0; i < flags->n; i++) {
            sb_buf_adds(b, i ? ", " : "Doubtful: ");
            sb_xml_escape(b, flags->item[i]);
        }
        sb_buf_adds(b, "\">?</a>");
    }
    put_answers_mark(b, s, c);
}

static void put_figure(struct sb_buf *b, const struct html_section *s, const struct sb_rank_cell *c,
                       enum sb_metric m, bool best) {
    const struct sb_summary *x = m == SB_PP ? &c->cell->pp_tps : &c->cell->tg_tps;
    sb_buf_addf(b, "<td class=\"figure %s b%zu%s\"", m == SB_PP ? "pp" : "tg",
                c->backend % N_COLOURS, best ? " best" : "");
    sb_buf_addf(b, " data-backend=\"%zu\"", c->backend);
    if (m == SB_TG) {
        sb_buf_adds(b, " data-name=\"");
        sb_xml_escape(b, s->rank->backends[c->backend].label);
        sb_buf_adds(b, "\"");
        double log_speed = c->figure[SB_WORKLOAD].log_speed;
        if (c->finished && isfinite(log_speed)) /* page.js: the fastest of those that are shown */
            sb_buf_addf(b, " data-time=\"%.6g\"", exp(-log_speed));
    }
    if (x->n == 0 || !isfinite(x->mean)) {
        sb_buf_adds(b, ">" SB_ABSENT "</td>");
        return;
    }
    sb_buf_addf(b, " data-value=\"%.6g\"><span>%.1f</span>", x->mean, x->mean);
    if (m == SB_TG)
        put_marks(b, s, c);
    if (isfinite(x->stddev))
        sb_buf_addf(b, "<small>±%.1f</small>", x->stddev);
    sb_buf_adds(b, "</td>");
}

/* Both figures' place: why there are none. */
static void put_problem(struct sb_buf *b, const struct html_section *s, size_t backend,
                        const struct sb_rank_cell *c) {
    bool pending = !c || c->cell->status == SB_PENDING;
    sb_buf_addf(b, "<td colspan=\"2\" class=\"none%s b%zu\" data-backend=\"%zu\" data-name=\"",
                pending ? "" : " problem", backend % N_COLOURS, backend);
    sb_xml_escape(b, s->rank->backends[backend].label);
    sb_buf_adds(b, "\">");
    if (pending)
        sb_buf_adds(b, c ? "pending" : SB_ABSENT);
    else
        sb_xml_escape(b, c->cell->reason ? c->cell->reason : sb_status_name(c->cell->status));
    if (!pending && s->answers[c->cell - s->section->set.cells].wrong)
        put_answers_mark(b, s, c);
    sb_buf_adds(b, "</td>");
}

static void put_row(struct sb_buf *b, const struct html_section *s, size_t model) {
    const struct sb_rank *r = s->rank;
    const struct sb_rank_model *m = &r->models[model];
    const struct sb_cell *any = r->cells[m->first].cell;
    sb_buf_adds(b, "<tr data-quantization=\"");
    sb_xml_escape(b, any->model.quantization ? any->model.quantization : "");
    sb_buf_addf(b, "\"><th scope=\"row\"><a href=\"#%s\">", s->anchor.item[model]);
    sb_xml_escape(b, m->label);
    sb_buf_adds(b, "</a>");
    const char *facts[] = {any->model.quantization, any->model.file_size, any->model.total_params};
    for (size_t i = 0, n = 0; i <= ARRAY_LEN(facts); i++) {
        if (i == ARRAY_LEN(facts)) {
            sb_buf_adds(b, n ? "</small>" : "");
        } else if (facts[i] && *facts[i]) {
            sb_buf_adds(b, n++ ? " · " : "<small>");
            sb_xml_escape(b, facts[i]);
        }
    }
    sb_buf_adds(b, "</th>");
    if (r->n_backends > 1)
        put_winner(b, s, m);
    for (size_t k = 0; k < r->n_backends; k++) {
        const struct sb_rank_cell *c = cell_of(r, m, k);
        if (!c || c->cell->status != SB_OK) {
            put_problem(b, s, k, c);
            continue;
        }
        static const enum sb_metric both[] = {SB_TG, SB_PP};
        for (size_t i = 0; i < ARRAY_LEN(both); i++)
            put_figure(b, s, c, both[i], m->clear[both[i]] && c == &r->cells[m->best[both[i]]]);
    }
    sb_buf_adds(b, "</tr>\n");
}

/* ---- the table ------------------------------------------------------------------------------ */

static void put_head(struct sb_buf *b, const struct html_section *s) {
    const struct sb_rank *r = s->rank;
    sb_buf_adds(b, "<thead><tr><th scope=\"col\" rowspan=\"2\">Model</th>");
    if (r->n_backends > 1)
        sb_buf_addf(b, "<th scope=\"col\" rowspan=\"2\">Winner</th>");
    for (size_t k = 0; k < r->n_backends; k++) {
        sb_buf_addf(b,
                    "<th scope=\"colgroup\" colspan=\"2\" class=\"backend b%zu\""
                    " data-backend=\"%zu\">",
                    k % N_COLOURS, k);
        put_backend_name(b, s, k);
        sb_buf_adds(b, "</th>");
    }
    sb_buf_adds(b, "</tr>\n<tr>");
    for (size_t k = 0; k < r->n_backends; k++)
        sb_buf_addf(b,
                    "<th scope=\"col\" class=\"figure tg b%zu\" data-backend=\"%zu\">TG</th>"
                    "<th scope=\"col\" class=\"figure pp\" data-backend=\"%zu\">PP</th>",
                    k % N_COLOURS, k, k);
    sb_buf_adds(b, "</tr></thead>\n");
}

void html_put_matrix(struct sb_buf *b, const struct html_section *s) {
    const struct sb_workload *w = &s->rank->workload;
    sb_buf_adds(b,
                "<div class=\"table\"><table class=\"matrix\">\n<caption>Tokens per second, more "
                "is better. TG: generation · PP: prompt processing");
    if (s->rank->n_backends > 1)
        sb_buf_addf(b, " · winner: least time for %g+%g tokens", w->part[0].prompt_tokens,
                    w->part[0].gen_tokens);
    sb_buf_adds(b, "</caption>\n");
    put_head(b, s);
    sb_buf_adds(b, "<tbody>\n");
    for (size_t m = 0; m < s->rank->n_models; m++)
        put_row(b, s, m);
    sb_buf_adds(b, "</tbody></table></div>\n");
}
