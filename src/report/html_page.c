/* What the page shows, from the verdict down: the answer, the models by the backends, the chart,
 * each model folded, and how it was measured. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "stratobench/plot.h"

enum { CHART_MAX_CELLS = 500, VERDICT_SHORT = 220 /* bytes that a headline may have */ };

/* Markdown that `write` made, as HTML. */
static void put_document(struct sb_buf *html, struct report_doc *d) {
    if (html_render(d, html) != 0)
        html->overflow = true;
    sb_buf_release(d->text);
    report_doc_release(d);
}

/* ---- anchors -------------------------------------------------------------------------------- */

/* "Llama 3.3 70B" -> "llama-3-3-70b", with a number where that is taken. */
static char *anchor_for(const char *label, const struct sb_strv *taken) {
    struct sb_buf b = SB_BUF_INIT(64);
    for (const char *s = label; *s; s++)
        if (isalnum((unsigned char)*s))
            sb_buf_addf(&b, "%c", tolower((unsigned char)*s));
        else if (b.len && b.data[b.len - 1] != '-')
            sb_buf_adds(&b, "-");
    while (b.len && b.data[b.len - 1] == '-')
        b.data[--b.len] = '\0';
    char *base = sb_asprintf("%s%s", b.len ? "" : "model", sb_buf_str(&b));
    char *anchor = sb_strdup(base);
    for (size_t n = 2; sb_strv_has(taken, anchor); n++) {
        free(anchor);
        anchor = sb_asprintf("%s-%zu", base, n);
    }
    sb_buf_release(&b);
    free(base);
    return anchor;
}

static void add_anchors(struct html_section *s, struct sb_strv *taken) {
    for (size_t m = 0; m < s->rank->n_models; m++) {
        char *anchor = anchor_for(s->rank->models[m].label, taken);
        sb_strv_add(taken, anchor);
        sb_strv_take(&s->anchor, anchor);
    }
}

/* ---- the head ------------------------------------------------------------------------------- */

static void put_heading(struct sb_buf *b, const struct html_section *s) {
    const struct sb_results *set = &s->section->set;
    const char *tag = s->number == 0 ? "h1" : "h2";
    sb_buf_addf(b, "<%s>", tag);
    sb_xml_escape(b, set->bench.title ? set->bench.title : "");
    sb_buf_addf(b, "</%s>\n<p class=\"meta\">", tag);
    const char *hardware = sb_fact_text(set->host, "hardware");
    const char *date = set->started_at;
    if (hardware) {
        sb_xml_escape(b, hardware);
        sb_buf_adds(b, date ? " · " : "");
    }
    if (date) {
        char *day = sb_strndup(date, strcspn(date, "T"));
        sb_xml_escape(b, day);
        free(day);
    }
    sb_buf_adds(b, "</p>\n");
}

static void put_verdict(struct sb_buf *b, const struct sb_rank *r) {
    struct sb_buf sentence = SB_BUF_INIT(SB_TEXT_MAX);
    struct report_doc d = {.text = &sentence};
    if (r->n_backends < 2)
        return;
    sb_rank_sentence(r, SB_STYLE_MARKDOWN, &sentence);
    sb_buf_addf(b, "<div class=\"verdict%s\">", sentence.len > VERDICT_SHORT ? " long" : "");
    put_document(b, &d);
    sb_buf_adds(b, "</div>\n");
}

/* A page without a chart is whole: there may be no gnuplot, nothing to draw, or so many cells that
 * nobody would read the picture. */
static void put_chart(struct sb_buf *b, const struct sb_section *s) {
    struct sb_buf svg = SB_BUF_INIT(SB_TEXT_MAX), error = SB_BUF_INIT(SB_ERR_MAX);
    if (s->set.n_cells <= CHART_MAX_CELLS &&
        sb_plot_panels(s->parts, s->n_parts, &svg, &error) == 0)
        sb_buf_addf(b, "<figure class=\"chart\">%s</figure>\n", sb_buf_str(&svg));
    sb_buf_release(&svg);
    sb_buf_release(&error);
}

/* ---- the models ----------------------------------------------------------------------------- */

static void put_model(struct sb_buf *b, const struct html_section *s, size_t first, size_t n,
                      const char *anchor) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    struct report_doc d = {.text = &text};
    struct report_group g = report_group_of(s->section, first, n);
    g.table = false;
    g.page = true;
    sb_buf_addf(b, "<details class=\"model\" id=\"%s\"><summary>", anchor);
    sb_xml_escape(b, sb_model_label(g.cells));
    sb_buf_adds(b, "</summary>\n");
    report_model_facts(&text, &s->section->set, g.cells);
    sb_buf_adds(&text, "\n");
    report_group(&d, &g);
    put_document(b, &d);
    sb_buf_adds(b, "</details>\n");
}

/* Cells of one model stand together, in the order of the rank's models. */
static void put_models(struct sb_buf *b, const struct html_section *s) {
    const struct sb_results *set = &s->section->set;
    size_t model = 0;
    sb_buf_addf(b, "<%s>Model by model</%s>\n", s->number ? "h3" : "h2", s->number ? "h3" : "h2");
    for (size_t i = 0, n; i < set->n_cells; i += n) {
        n = report_model_length(set, i);
        put_model(b, s, i, n, s->anchor.item[model++]);
    }
}

/* ---- how it was measured -------------------------------------------------------------------- */

static void put_method(struct sb_buf *b, const struct html_section *s) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    struct report_doc d = {.text = &text};
    report_head(&text, &s->section->set);
    char *legend = report_legend(&s->section->set);
    sb_buf_adds(&text, legend);
    free(legend);
    report_environment(&d, s->section);
    sb_buf_adds(b, "<details class=\"model\"><summary>How it was measured</summary>\n");
    put_document(b, &d);
    sb_buf_adds(b, "</details>\n");
}

static void put_warnings(struct sb_buf *b, const struct sb_section *s) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    struct report_doc d = {.text = &text};
    for (size_t i = 0; i < s->warnings.n; i++)
        sb_buf_addf(&text, "%s  \n", s->warnings.item[i]);
    put_document(b, &d);
}

static void put_ranking(struct sb_buf *b, const struct html_section *s) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    struct report_doc d = {.text = &text};
    if (s->rank->n_backends < 2)
        return;
    sb_rank_details(s->rank, &text);
    sb_buf_adds(b, "<details class=\"model\"><summary>The verdict in figures</summary>\n");
    put_document(b, &d);
    sb_buf_adds(b, "</details>\n");
}

/* ---- the page ------------------------------------------------------------------------------- */

static void put_section(struct sb_buf *b, struct html_section *s) {
    sb_buf_adds(b, "<section>\n");
    put_heading(b, s);
    put_verdict(b, s->rank);
    put_warnings(b, s->section);
    if (s->section->set.n_cells) {
        html_put_matrix(b, s);
        put_chart(b, s->section);
        put_models(b, s);
    }
    put_ranking(b, s);
    put_method(b, s);
    sb_buf_adds(b, "</section>\n");
}

int html_put_page(struct sb_buf *b, const struct sb_results *const *sets, size_t n) {
    struct sb_sections all = sb_results_merge(sets, n);
    struct sb_strv taken = {0};
    const struct sb_workload workload = SB_WORKLOAD_DEFAULT;
    for (size_t i = 0; i < all.n; i++) {
        struct sb_rank rank;
        sb_rank(&all.item[i].set, all.item[i].hidden, &workload, &rank);
        struct html_section s = {.section = &all.item[i], .rank = &rank, .number = i};
        struct sb_answers_verdict *answers =
            report_judge_answers(s.section->set.cells, s.section->set.n_cells, NULL);
        s.answers = answers;
        add_anchors(&s, &taken);
        put_section(b, &s);
        report_release_answers(answers, s.section->set.n_cells);
        sb_strv_release(&s.anchor);
        sb_rank_release(&rank);
    }
    sb_strv_release(&taken);
    sb_sections_release(&all);
    return b->overflow ? -EFBIG : 0;
}
