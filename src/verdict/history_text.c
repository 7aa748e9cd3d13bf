/* A history as tables for the screen and for Markdown. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/text.h"
#include "stratobench/verdict.h"

struct writer {
    const struct sb_history *h;
    enum sb_style style;
    struct sb_buf *out;
    size_t screen; /* its columns, for tables; 0 = no limit */
};

static void add_date(struct sb_buf *b, const char *date) {
    if (date)
        sb_buf_addf(b, "%.10s %.5s", date, strlen(date) > 16 ? date + 11 : "");
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void add_build(const struct writer *w, struct sb_buf *b, const struct sb_cell *c) {
    const char *version = c->backend.server_version;
    sb_style_add(b, w->style, version ? version : SB_ABSENT);
}

static void add_change(struct sb_buf *b, double change) {
    sb_buf_addf(b, "%s%.1f %%", change < 0 ? "−" : "+", 100 * fabs(change));
}

/* ---- a table a series ------------------------------------------------------------------------ */

static void add_figure(const struct writer *w, struct sb_table *t,
                       const struct sb_history_figure *f) {
    const char *mark = w->style == SB_STYLE_MARKDOWN ? "**" : "";
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    if (f->runs.n == 0)
        sb_buf_adds(&b, SB_ABSENT);
    else
        sb_buf_addf(&b, isfinite(f->runs.stddev) ? "%.1f ±%.1f" : "%.1f", f->runs.mean,
                    f->runs.stddev);
    sb_table_take(t, &b);
    if (isfinite(f->change)) {
        sb_buf_adds(&b, f->step ? mark : "");
        add_change(&b, f->change);
        sb_buf_adds(&b, f->step ? " STEP" : "");
        sb_buf_adds(&b, f->step ? mark : "");
    }
    sb_table_take(t, &b);
}

static void add_note(const struct writer *w, struct sb_table *t,
                     const struct sb_history_look *look) {
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    if (look->cell->status != SB_OK) {
        sb_buf_addf(&b, "%s: ", sb_status_name(look->cell->status));
        sb_style_add(&b, w->style, look->cell->reason);
    }
    for (size_t i = 0; i < look->differences.n; i++) {
        sb_buf_adds(&b, i ? "; " : "other settings: ");
        sb_style_add(&b, w->style, look->differences.item[i]);
    }
    sb_table_take(t, &b);
}

static void add_series(const struct writer *w, const struct sb_history_series *s) {
    static const struct sb_table_column columns[] = {
        {"#", true},       {"Date", false},      {"Build", false},  {"PP (tok/s)", true},
        {"Change", false}, {"TG (tok/s)", true}, {"Change", false}, {"Notes", false},
    };
    struct sb_table t = sb_table_begin(columns, sizeof columns / sizeof *columns);
    t.screen = w->screen;
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    for (size_t i = 0; i < s->n; i++) {
        sb_buf_addf(&b, "%zu", s->looks[i].number);
        sb_table_take(&t, &b);
        add_date(&b, s->looks[i].date);
        sb_table_take(&t, &b);
        add_build(w, &b, s->looks[i].cell);
        sb_table_take(&t, &b);
        add_figure(w, &t, &s->looks[i].figure[SB_PP]);
        add_figure(w, &t, &s->looks[i].figure[SB_TG]);
        add_note(w, &t, &s->looks[i]);
    }
    sb_buf_adds(w->out, w->style == SB_STYLE_MARKDOWN ? "## " : "");
    sb_style_add(w->out, w->style, sb_model_label(s->looks[0].cell));
    sb_buf_adds(w->out, " on ");
    sb_style_add(w->out, w->style, sb_backend_label(s->looks[0].cell));
    sb_buf_adds(w->out, w->style == SB_STYLE_MARKDOWN ? "\n\n" : "\n");
    sb_table_print(&t, w->style, w->out);
    sb_buf_adds(w->out, "\n");
    sb_table_release(&t);
}

/* ---- the first step -------------------------------------------------------------------------- */

/* The last look that was ok before this one: where the step is, somewhere between the two. */
static const struct sb_history_look *last_ok(const struct sb_history_series *s, size_t i) {
    while (i-- > 0)
        if (s->looks[i].cell->status == SB_OK)
            return &s->looks[i];
    return NULL;
}

static void add_place(const struct writer *w, const struct sb_history_look *look) {
    sb_buf_addf(w->out, "#%zu (", look->number);
    add_build(w, w->out, look->cell);
    sb_buf_adds(w->out, ", ");
    add_date(w->out, look->date);
    sb_buf_adds(w->out, ")");
}

static void add_step(const struct writer *w, const struct sb_history_series *s, size_t i) {
    const struct sb_history_look *look = &s->looks[i], *before = last_ok(s, i);
    sb_buf_adds(w->out, "- ");
    sb_style_add(w->out, w->style, sb_model_label(look->cell));
    sb_buf_adds(w->out, " on ");
    sb_style_add(w->out, w->style, sb_backend_label(look->cell));
    sb_buf_adds(w->out, ": ");
    const char *between = "";
    for (int m = SB_PP; m <= SB_TG; m++) {
        if (!look->figure[m].step)
            continue;
        sb_buf_addf(w->out, "%s%s ", between, sb_metric_name((enum sb_metric)m));
        add_change(w->out, look->figure[m].change);
        between = ", ";
    }
    sb_buf_adds(w->out, " with ");
    add_place(w, look);
    sb_buf_adds(w->out, ", after ");
    add_place(w, before);
    sb_buf_adds(w->out, "\n");
}

static void add_first_steps(const struct writer *w) {
    bool any = false;
    for (size_t i = 0; i < w->h->n; i++)
        for (size_t k = 0; k < w->h->series[i].n; k++) {
            const struct sb_history_look *look = &w->h->series[i].looks[k];
            if (!look->figure[SB_PP].step && !look->figure[SB_TG].step)
                continue;
            if (!any)
                sb_buf_adds(w->out, w->style == SB_STYLE_MARKDOWN
                                        ? "**First steps beyond noise**\n\n"
                                        : "First steps beyond noise:\n");
            any = true;
            add_step(w, &w->h->series[i], k);
            break;
        }
    if (!any)
        sb_buf_addf(w->out, "No step beyond noise in %zu look%s.\n", w->h->n_looks,
                    w->h->n_looks == 1 ? "" : "s");
    sb_buf_adds(w->out,
                "\nChange is against the mean since the last step. A step is beyond the greater of "
                "5 % and 3·√2 times the spread between launches, which is over all of those looks; "
                "2 % is assumed where there is one launch on either side.\n");
}

static void write_all(const struct writer *w) {
    for (size_t i = 0; i < w->h->n; i++)
        add_series(w, &w->h->series[i]);
    add_first_steps(w);
}

void sb_history_screen(const struct sb_history *h, size_t columns, struct sb_buf *ret) {
    write_all(&(struct writer){h, SB_STYLE_TEXT, ret, columns});
}

void sb_history_text(const struct sb_history *h, struct sb_buf *ret) {
    sb_history_screen(h, 0, ret);
}

void sb_history_markdown(const struct sb_history *h, struct sb_buf *ret) {
    write_all(&(struct writer){h, SB_STYLE_MARKDOWN, ret, 0});
}
