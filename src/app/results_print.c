#include "results_print.h"

#include <math.h>
#include <string.h>

#include "stratobench/text.h"
#include "terminal.h"

/* What stands in a row. Where that is too wide for the screen the model gets a line of its own above
 * its backends and the doubts one below theirs; then the spreads go, then the load. */
struct layout {
    bool models_apart, spreads, load;
};

static const struct sb_table_column in_a_row[] = {{"Model", false},     {"Backend", false},
                                                  {"Load", true},       {"PP (tok/s)", true},
                                                  {"TG (tok/s)", true}, {"Doubts", false}};
static const struct sb_table_column apart[] = {
    {"", false}, {"Backend", false}, {"Load", true}, {"PP (tok/s)", true}, {"TG (tok/s)", true}};
static const struct sb_table_column without_load[] = {
    {"", false}, {"Backend", false}, {"PP (tok/s)", true}, {"TG (tok/s)", true}};

#define COLUMNS_OF(list) sb_table_begin(list, sizeof(list) / sizeof *(list))

static bool any_doubt(const struct sb_results *r) {
    for (size_t i = 0; i < r->n_cells; i++)
        if (r->cells[i].status == SB_OK && r->cells[i].flags.n)
            return true;
    return false;
}

static struct sb_table begin(const struct sb_results *r, const struct layout *l) {
    struct sb_table t = l->load ? COLUMNS_OF(apart) : COLUMNS_OF(without_load);
    if (!l->models_apart)
        t = COLUMNS_OF(in_a_row);
    t.n_columns -= !l->models_apart && !any_doubt(r); /* an empty column has no title */
    return t;
}

static void add_text(struct sb_table *t, const char *label) {
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    sb_style_add(&b, SB_STYLE_TEXT, label);
    sb_table_take(t, &b);
}

static void add_mean(struct sb_table *t, const struct sb_summary *s, bool spread) {
    struct sb_buf b = SB_BUF_INIT(64);
    sb_mean_add(&b, s->mean, spread ? s->stddev : NAN);
    sb_table_take(t, &b);
}

/* Why there are no figures takes the place of all of them. */
static void add_reason(struct sb_table *t, const struct sb_cell *c) {
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    sb_buf_addf(&b, "%s: ", sb_status_word(c->status));
    sb_style_add(&b, SB_STYLE_TEXT, c->reason ? c->reason : "not measured yet");
    sb_table_span(t, sb_buf_str(&b));
    sb_buf_release(&b);
}

static void add_figures(struct sb_table *t, const struct sb_cell *c, const struct layout *l) {
    struct sb_buf b = SB_BUF_INIT(64);
    if (l->load) {
        sb_format_load(&b, c->load_s);
        sb_table_take(t, &b);
    }
    add_mean(t, &c->pp_tps, l->spreads);
    add_mean(t, &c->tg_tps, l->spreads);
}

/* In the last column, or in a row of its own under the figures. */
static void add_doubts(struct sb_table *t, const struct sb_cell *c, const struct layout *l) {
    struct sb_buf b = SB_BUF_INIT(1 << 12);
    for (size_t i = 0; i < c->flags.n; i++)
        sb_buf_addf(&b, "%s%s", i ? " " : "", c->flags.item[i]);
    for (size_t i = 0; l->models_apart && b.len && i < 2; i++)
        sb_table_add(t, "");
    if (b.len)
        sb_table_mark(t, sb_buf_str(&b));
    else if (!l->models_apart && t->n_columns == sizeof in_a_row / sizeof *in_a_row)
        sb_table_add(t, "");
    sb_buf_release(&b);
}

static struct sb_table fill(const struct sb_results *r, const struct layout *l) {
    struct sb_table t = begin(r, l);
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct sb_cell *c = &r->cells[i];
        if (!l->models_apart) {
            add_text(&t, c->model.label);
        } else {
            struct sb_buf model = SB_BUF_INIT(1 << 16);
            sb_style_add(&model, SB_STYLE_TEXT, c->model.label);
            if (i == 0 || !sb_same_model(c, &r->cells[i - 1]))
                sb_table_span(&t, sb_buf_str(&model));
            sb_buf_release(&model);
            sb_table_add(&t, "");
        }
        add_text(&t, c->backend.label);
        if (c->status != SB_OK) {
            add_reason(&t, c);
            continue;
        }
        add_figures(&t, c, l);
        add_doubts(&t, c, l);
    }
    return t;
}

void sb_results_table(const struct sb_results *r, size_t columns, bool colour, struct sb_buf *ret) {
    static const struct layout tries[] = {{.spreads = true, .load = true},
                                          {.models_apart = true, .spreads = true, .load = true},
                                          {.models_apart = true, .load = true},
                                          {.models_apart = true}};
    enum { TRIES = sizeof tries / sizeof *tries };
    for (size_t i = 0; i < TRIES; i++) {
        struct sb_table t = fill(r, &tries[i]);
        bool fits = sb_table_width(&t) <= columns || i + 1 == TRIES;
        t.screen = columns;
        t.marker = colour ? SB_YELLOW : NULL;
        if (fits)
            sb_table_print(&t, SB_STYLE_TEXT, ret);
        sb_table_release(&t);
        if (fits)
            return;
    }
}
