/* A comparison as a table for the screen and for Markdown, and as annotations. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "stratobench/text.h"
#include "stratobench/verdict.h"

struct writer {
    const struct sb_comparison *c;
    enum sb_style style;
    struct sb_buf *out;
    size_t screen; /* its columns, for tables; 0 = no limit */
};

static const struct sb_cell *any_side(const struct sb_compare_cell *cell) {
    return cell->next ? cell->next : cell->base;
}

/* "b", or of a pair "old → new". */
static void add_backend(const struct writer *w, struct sb_buf *b,
                        const struct sb_compare_cell *cell) {
    if (w->c->options.paired && cell->base && cell->next) {
        sb_style_add(b, w->style, sb_backend_label(cell->base));
        sb_buf_adds(b, " → ");
    }
    sb_style_add(b, w->style, sb_backend_label(any_side(cell)));
}

static bool has_regression(const struct sb_compare_cell *cell) {
    return cell->state == SB_CELL_REGRESSION || cell->state == SB_CELL_BROKEN;
}

static void add_status(struct sb_buf *b, enum sb_style style, const struct sb_cell *cell) {
    sb_buf_adds(b, sb_status_name(cell->status));
    if (cell->reason) {
        sb_buf_adds(b, ": ");
        sb_style_add(b, style, cell->reason);
    }
}

void sb_compare_add_metric(struct sb_buf *b, const struct sb_compare_figure *f) {
    sb_buf_adds(b, sb_metric_name(f->metric));
    if (f->at.depth)
        sb_buf_addf(b, " at depth %d", f->at.depth);
    if (f->at.prompt)
        sb_buf_addf(b, ", prompt %d", f->at.prompt + 1);
    if (f->at.slots > 1)
        sb_buf_addf(b, ", %d at once", f->at.slots);
}

static void add_value(struct sb_buf *b, const struct sb_compare_figure *f, double value) {
    if (isnan(value))
        sb_buf_adds(b, "—");
    else if (f->metric == SB_LOAD)
        sb_format_load(b, value);
    else
        sb_buf_addf(b, "%.1f", value);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void add_gate(const struct writer *w, struct sb_buf *b, const struct sb_compare_figure *f) {
    if (isnan(f->gate.drop))
        return; /* not gated, or not measured */
    const char *mark = w->style == SB_STYLE_MARKDOWN ? "**" : "";
    if (f->gate.regression)
        sb_buf_addf(b, "%sREGRESSION%s", mark, mark);
    else
        sb_buf_adds(b, f->inconclusive ? "inconclusive" : "ok");
    if (f->inconclusive || f->gate.drop > w->c->options.max_drop)
        sb_buf_addf(b, " %s%.1f %% (limit %.1f %%)", f->gate.drop < 0 ? "+" : "−",
                    100 * fabs(f->gate.drop), 100 * f->gate.limit);
}

static void add_row(const struct writer *w, const struct sb_compare_cell *cell, size_t figure,
                    struct sb_table *t) {
    const struct sb_compare_figure *f = &cell->figures[figure];
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX);
    bool known = !isnan(f->ratio.ratio);
    if (figure == 0)
        sb_style_add(&b, w->style, sb_model_label(any_side(cell)));
    sb_table_take(t, &b);
    if (figure == 0)
        add_backend(w, &b, cell);
    sb_table_take(t, &b);
    sb_compare_add_metric(&b, f);
    sb_table_take(t, &b);
    add_value(&b, f, f->base);
    sb_table_take(t, &b);
    add_value(&b, f, f->next);
    sb_table_take(t, &b);
    if (known)
        sb_buf_addf(&b, "%.3f×", f->ratio.ratio);
    sb_table_take(t, &b);
    if (known)
        sb_interval_add(&b, f->ratio.low, f->ratio.high, 3);
    sb_table_take(t, &b);
    sb_table_add(t, known ? sb_verdict_name(f->ratio.verdict) : "");
    add_gate(w, &b, f);
    sb_table_take(t, &b);
    sb_buf_release(&b);
}

static void add_table(const struct writer *w) {
    static const struct sb_table_column columns[] = {
        {"Model", false},        {"Backend", false}, {"Metric", false},
        {"Base", true},          {"New", true},      {"Speed", true},
        {"95 % interval", true}, {"Verdict", false}, {"Gate", false},
    };
    struct sb_table t = sb_table_begin(columns, sizeof columns / sizeof *columns);
    t.screen = w->screen;
    for (size_t i = 0; i < w->c->n_cells; i++)
        for (size_t f = 0; f < w->c->cells[i].n_figures; f++)
            add_row(w, &w->c->cells[i], f, &t);
    if (t.cells.len) {
        sb_table_print(&t, w->style, w->out);
        sb_buf_adds(w->out, "\n");
    }
    sb_table_release(&t);
}

/* ---- what is not in the table, one line a cell ----------------------------------------------- */

static void add_differences(const struct writer *w, const struct sb_compare_cell *cell) {
    for (size_t i = 0; i < cell->differences.n; i++) {
        sb_buf_adds(w->out, i ? "; " : " — ");
        sb_style_add(w->out, w->style, cell->differences.item[i]);
    }
}

static void add_remark(const struct writer *w, const struct sb_compare_cell *cell) {
    bool by_force = cell->differences.n && cell->n_figures && !cell->answers;
    sb_buf_addf(w->out, "- %s: ",
                !by_force || cell->state == SB_CELL_NOT_COMPARABLE
                    ? sb_compare_state_name(cell->state)
                : w->c->options.paired ? "other settings"
                                       : "compared by force");
    sb_style_add(w->out, w->style, sb_model_label(any_side(cell)));
    sb_buf_adds(w->out, " on ");
    add_backend(w, w->out, cell);
    if (cell->state == SB_CELL_BROKEN || cell->state == SB_CELL_NEITHER ||
        (cell->state == SB_CELL_MISSING && cell->next)) {
        sb_buf_adds(w->out, " — ");
        add_status(w->out, w->style, any_side(cell));
    }
    if (cell->state == SB_CELL_FIXED) {
        sb_buf_adds(w->out, " — was ");
        add_status(w->out, w->style, cell->base);
    }
    if (cell->answers)
        sb_buf_addf(w->out, " — %s", cell->answers);
    add_differences(w, cell);
    sb_buf_adds(w->out, "\n");
}

static void add_remarks(const struct writer *w) {
    /* what fails the gate first */
    static const enum sb_compare_state order[] = {
        SB_CELL_BROKEN,       SB_CELL_REGRESSION, SB_CELL_NOT_COMPARABLE, SB_CELL_MISSING,
        SB_CELL_INCONCLUSIVE, SB_CELL_SAME,       SB_CELL_IMPROVED,       SB_CELL_FIXED,
        SB_CELL_NEW,          SB_CELL_NEITHER,
    };
    size_t before = w->out->len;
    for (size_t o = 0; o < sizeof order / sizeof *order; o++)
        for (size_t i = 0; i < w->c->n_cells; i++) {
            const struct sb_compare_cell *cell = &w->c->cells[i];
            if (cell->state == order[o] &&
                (cell->n_figures == 0 || cell->differences.n || cell->answers))
                add_remark(w, cell);
        }
    if (w->out->len > before)
        sb_buf_adds(w->out, "\n");
}

/* ---- the last word --------------------------------------------------------------------------- */

static bool any_assumed(const struct sb_comparison *c, bool of_load) {
    for (size_t i = 0; i < c->n_cells; i++)
        for (size_t k = 0; k < c->cells[i].n_figures; k++) {
            const struct sb_compare_figure *f = &c->cells[i].figures[k];
            if (f->ratio.assumed && (f->metric == SB_LOAD) == of_load)
                return true;
        }
    return false;
}

static bool any_unjudged(const struct sb_comparison *c) {
    for (size_t i = 0; i < c->n_cells; i++)
        for (size_t k = 0; k < c->cells[i].n_figures; k++)
            if (isfinite(c->cells[i].figures[k].ratio.ratio) &&
                c->cells[i].figures[k].ratio.verdict == SB_VERDICT_NONE)
                return true;
    return false;
}

static void add_count(struct sb_buf *b, size_t n, const char *what) {
    if (n)
        sb_buf_addf(b, ", %zu %s", n, what);
}

static void add_conclusion(const struct writer *w) {
    const size_t *n = w->c->count;
    size_t regressions = n[SB_CELL_REGRESSION] + n[SB_CELL_BROKEN];
    size_t compared =
        n[SB_CELL_SAME] + n[SB_CELL_IMPROVED] + n[SB_CELL_INCONCLUSIVE] + n[SB_CELL_REGRESSION];
    const char *mark = w->style == SB_STYLE_MARKDOWN ? "**" : "";
    sb_buf_adds(w->out, mark);
    if (regressions)
        sb_buf_addf(w->out, "%zu regression%s", regressions, regressions == 1 ? "" : "s");
    else
        sb_buf_adds(w->out,
                    w->c->exit_code ? "No regression seen, but not cleared" : "No regression");
    sb_buf_addf(w->out, "%s: %zu cell%s compared", mark, compared, compared == 1 ? "" : "s");
    for (int s = SB_CELL_IMPROVED; s < SB_CELL_STATES; s++)
        if (s != SB_CELL_REGRESSION)
            add_count(w->out, n[s], sb_compare_state_name((enum sb_compare_state)s));
    sb_buf_adds(w->out, ".\n");
}

/* How much could be lost unseen: a gate that passes says how well it saw. */
static void add_blindest(const struct writer *w) {
    const struct sb_compare_cell *cell = NULL;
    const struct sb_compare_figure *figure = NULL;
    for (size_t i = 0; i < w->c->n_cells; i++)
        for (size_t k = 0; k < w->c->cells[i].n_figures; k++) {
            const struct sb_compare_figure *f = &w->c->cells[i].figures[k];
            if (f->gate.regression ||
                !(f->gate.limit > (figure ? figure->gate.limit : w->c->options.max_drop)))
                continue;
            cell = &w->c->cells[i];
            figure = f;
        }
    if (!figure)
        return;
    sb_buf_addf(w->out, " Noise can hide drops of up to %.1f %% here (",
                100 * fmin(figure->gate.limit, 1));
    sb_compare_add_metric(w->out, figure);
    sb_buf_adds(w->out, " of ");
    sb_style_add(w->out, w->style, sb_model_label(any_side(cell)));
    sb_buf_adds(w->out, " on ");
    add_backend(w, w->out, cell);
    sb_buf_adds(w->out, "); more launches or a quieter machine show more.");
}

/* The least and the most pairs behind a figure of PP or TG. */
static void add_pairs(const struct writer *w) {
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < w->c->n_cells; i++)
        for (size_t k = 0; k < w->c->cells[i].n_figures; k++) {
            const struct sb_compare_figure *f = &w->c->cells[i].figures[k];
            if (f->metric == SB_LOAD)
                continue;
            least = f->n_pairs < least ? f->n_pairs : least;
            most = f->n_pairs > most ? f->n_pairs : most;
        }
    if (least > most)
        return;
    sb_buf_addf(w->out, "Compared in pairs of launches made side by side, %zu", least);
    if (least != most)
        sb_buf_addf(w->out, " to %zu", most);
    sb_buf_adds(w->out, " a model: what the machine did to both cancels. ");
}

static void add_rules(const struct writer *w) {
    const struct sb_compare_options *o = &w->c->options;
    if (w->style == SB_STYLE_MARKDOWN)
        sb_buf_adds(w->out, "\n");
    if (o->paired)
        add_pairs(w);
    sb_buf_addf(w->out,
                "Speed is new/base: below 1 is slower. A drop is a regression beyond the greater "
                "of %g %% and %s; between the two it is inconclusive where its whole interval is a "
                "loss.",
                100 * o->max_drop,
                o->paired ? "what chance makes of equal pairs once in a hundred times"
                          : "3·√2 times the spread between launches");
    add_blindest(w);
    if (any_assumed(w->c, false))
        sb_buf_addf(w->out,
                    " Where %s, the spread between launches is unknown: %g %% is assumed, "
                    "more where the runs leave the mean less certain.",
                    o->paired ? "there is one pair" : "a side has one launch",
                    100 * o->assumed_spread);
    else if (any_assumed(w->c, true))
        sb_buf_addf(w->out,
                    " Loads are those that found the same share of the file in the page cache; "
                    "where %s, a spread of %g %% is assumed.",
                    o->paired ? "there is one pair" : "a side has one", 100 * o->assumed_spread);
    if (any_unjudged(w->c))
        sb_buf_adds(w->out,
                    " Loads are judged only where both sides found the same share of the file "
                    "in the page cache.");
    sb_buf_adds(w->out, "\n");
}

static void add_warnings(const struct writer *w, const struct sb_sections *side) {
    for (size_t i = 0; i < side->n; i++)
        for (size_t k = 0; k < side->item[i].warnings.n; k++)
            sb_buf_addf(w->out, "\n%s\n", side->item[i].warnings.item[k]);
}

static void add_repetition(const struct writer *w) {
    const struct sb_strv *v = &w->c->repetition;
    for (size_t i = 0; i < v->n; i++)
        sb_buf_addf(w->out, "%s%s",
                    i ? "; " : "\nThe sides were not measured equally often: ", v->item[i]);
    sb_buf_adds(w->out, v->n ? ".\n" : "");
}

static void add_machine(const struct writer *w) {
    const struct sb_strv *v = &w->c->machine;
    for (size_t i = 0; i < v->n; i++) {
        sb_buf_adds(w->out, i ? "; " : "\nNot the same on both sides: ");
        sb_style_add(w->out, w->style, v->item[i]);
    }
    sb_buf_adds(w->out, v->n ? ".\n" : "");
}

static void write_all(const struct writer *w) {
    add_table(w);
    add_remarks(w);
    add_conclusion(w);
    add_rules(w);
    add_repetition(w);
    add_machine(w);
    add_warnings(w, &w->c->base);
    add_warnings(w, &w->c->next);
}

void sb_comparison_screen(const struct sb_comparison *c, size_t columns, struct sb_buf *ret) {
    write_all(&(struct writer){c, SB_STYLE_TEXT, ret, columns});
}

void sb_comparison_text(const struct sb_comparison *c, struct sb_buf *ret) {
    sb_comparison_screen(c, 0, ret);
}

void sb_comparison_markdown(const struct sb_comparison *c, struct sb_buf *ret) {
    write_all(&(struct writer){c, SB_STYLE_MARKDOWN, ret, 0});
}

/* ---- GitHub's workflow commands -------------------------------------------------------------- */

/* "PP 183.5 → 150.2 tok/s, −18.1 % (limit 5.0 %); TG …" */
static void describe_losses(const struct sb_compare_cell *cell, struct sb_buf *b) {
    if (cell->state == SB_CELL_BROKEN) {
        sb_buf_adds(b, "was ok, now ");
        add_status(b, SB_STYLE_TEXT, cell->next);
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < cell->n_figures; i++) {
        const struct sb_compare_figure *f = &cell->figures[i];
        if (!f->gate.regression)
            continue;
        sb_buf_adds(b, n++ ? "; " : "");
        sb_compare_add_metric(b, f);
        sb_buf_addf(b, " %.1f → %.1f tok/s, −%.1f %% (limit %.1f %%)", f->base, f->next,
                    100 * f->gate.drop, 100 * f->gate.limit);
    }
    if (cell->answers)
        sb_buf_addf(b, "%s%s", n ? "; " : "", cell->answers);
}

void sb_comparison_annotations(const struct sb_comparison *c, struct sb_buf *ret) {
    struct sb_buf title = SB_BUF_INIT(SB_ERR_MAX), message = SB_BUF_INIT(SB_ERR_MAX);
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct sb_compare_cell *cell = &c->cells[i];
        if (!has_regression(cell))
            continue;
        sb_style_add(&title, SB_STYLE_TEXT, sb_model_label(any_side(cell)));
        sb_buf_adds(&title, " on ");
        sb_style_add(&title, SB_STYLE_TEXT, sb_backend_label(any_side(cell)));
        describe_losses(cell, &message);
        sb_buf_adds(ret, "::error title=");
        sb_github_escape(ret, sb_buf_str(&title), true);
        sb_buf_adds(ret, "::");
        sb_github_escape(ret, sb_buf_str(&message), false);
        sb_buf_adds(ret, "\n");
        sb_buf_release(&title);
        sb_buf_release(&message);
    }
}
