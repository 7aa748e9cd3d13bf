#include "parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ------------------------------------------------------------------------------ */

static void put_text(struct sb_buf *b, const char *text) {
    if (text && *text)
        sb_markdown_escape(b, text);
    else
        sb_buf_adds(b, SB_ABSENT);
}

#define TEXT_COLUMN(name, value)                                                                   \
    static void name(struct sb_buf *b, struct report_group *g, const struct report_row *r) {       \
        (void)g;                                                                                   \
        put_text(b, value);                                                                        \
    }
TEXT_COLUMN(put_model, sb_model_label(r->cell))
TEXT_COLUMN(put_quantization, r->cell->model.quantization)
TEXT_COLUMN(put_size, r->cell->model.file_size)
TEXT_COLUMN(put_params, r->cell->model.total_params)
TEXT_COLUMN(put_active, r->cell->model.active_params)
TEXT_COLUMN(put_backend, sb_backend_label(r->cell))

static void put_load(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    if (r->cell->status == SB_OK)
        sb_format_load(b, r->cell->load_s);
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void put_figure(struct sb_buf *b, struct report_group *g, const struct report_row *r,
                       enum sb_metric m) {
    report_mean(b, sb_point_summary(&r->point, m));
    if (r->cell->flags.n)
        report_flag_marks(b, g, r, m);
}

static void put_pp(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    if (r->cell->status == SB_OK)
        put_figure(b, g, r, SB_PP);
    else
        sb_buf_adds(b, SB_ABSENT);
}

static void put_problem(struct sb_buf *b, struct report_group *g, const struct sb_cell *c) {
    sb_buf_adds(b, sb_status_word(c->status));
    if (c->reason && *c->reason) {
        sb_buf_adds(b, ": ");
        sb_markdown_escape(b, c->reason);
    }
    const char *hidden = g->section->hidden[c - g->section->set.cells];
    if (hidden)
        report_note(b, g, (struct report_note){.text = sb_strdup(hidden)}, sb_strdup(""));
}

static void put_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    switch (r->cell->status) {
    case SB_OK: put_figure(b, g, r, SB_TG); break;
    case SB_FAILED:
    case SB_INVALID:
    case SB_SKIPPED: put_problem(b, g, r->cell); break;
    case SB_PENDING: sb_buf_adds(b, SB_ABSENT);
    }
}

/* The main table is where flags that belong to no figure of it find their place. */
static void put_main_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    put_tg(b, g, r);
    if (r->cell->flags.n)
        report_other_flag_marks(b, g, r);
}

static bool is_given(const char *text) {
    return text && *text;
}

static bool has_notes(const struct report_row *r) {
    const struct sb_cell *c = r->cell;
    return is_given(c->backend.notes) || is_given(c->model.notes) || c->remarks.n ||
           is_given(c->kept);
}

static void put_note(struct sb_buf *b, const char *note, bool *first) {
    if (!is_given(note))
        return;
    if (!*first)
        sb_buf_adds(b, "; ");
    *first = false;
    sb_markdown_escape(b, note);
}

static void put_notes(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    bool first = true;
    put_note(b, r->cell->backend.notes, &first);
    put_note(b, r->cell->model.notes, &first);
    for (size_t i = 0; i < r->cell->remarks.n; i++)
        put_note(b, r->cell->remarks.item[i], &first);
    put_note(b, r->cell->kept, &first);
    if (r->cell->status == SB_PENDING && !report_is_transcribed(&g->section->set))
        put_note(b, "pending: not measured yet", &first);
}

static bool is_table(const struct report_group *g) {
    return g->table;
}

static bool names_backends(const struct report_group *g) {
    return !g->table || g->many_backends;
}

/* A row that was not measured yet says so, and for that there are notes. */
static bool has_pending(const struct report_group *g) {
    for (size_t i = 0; i < g->n_cells; i++)
        if (g->cells[i].status == SB_PENDING)
            return !report_is_transcribed(&g->section->set);
    return false;
}

static bool has_none_pending(const struct report_group *g) {
    return !has_pending(g);
}

/* The rule of the two figures is one short in the reference document. */
#define FIGURE_RULE "-----------"
const struct report_column report_column_model = {"Model", .put = put_model, .wanted = is_table};
const struct report_column report_column_backend = {"Backend", .put = put_backend,
                                                    .wanted = names_backends};
const struct report_column report_column_pp = {"PP (tok/s)", .put = put_pp, .rule = FIGURE_RULE,
                                               .figures = true};
const struct report_column report_column_tg = {"TG (tok/s)", .put = put_tg, .rule = FIGURE_RULE,
                                               .figures = true};
static const struct report_column column_main_tg = {"TG (tok/s)", .put = put_main_tg,
                                                    .rule = FIGURE_RULE, .figures = true};
static const struct report_column column_load = {"Load", .put = put_load, .figures = true};
static const struct report_column column_quantization = {"Quant", .put = put_quantization};
static const struct report_column column_size = {"Size", .put = put_size, .figures = true};
static const struct report_column column_params = {"Params", .put = put_params, .figures = true};
static const struct report_column column_active = {"Active", .put = put_active, .figures = true};
static const struct report_column column_notes = {"Notes", .put = put_notes};
static const struct report_column column_notes_pending = {"Notes", .put = put_notes,
                                                          .wanted = has_pending};
static const struct report_column column_notes_if_any = {
    "Notes", .put = put_notes, .wanted = has_none_pending, .has = has_notes};

/* ---- tables ------------------------------------------------------------------------------- */

static bool has(const struct report_column *c, const struct report_row *r) {
    return c->has ? c->has(r) : !c->value || isfinite(c->value(r->cell));
}

static bool is_shown(const struct report_column *c, const struct report_group *g,
                     const struct report_row *rows, size_t n_rows) {
    if (c->wanted && !c->wanted(g))
        return false;
    if (!c->has && !c->value)
        return true;
    for (size_t i = 0; i < n_rows; i++)
        if (has(c, &rows[i]))
            return true;
    return false;
}

static void put_column(struct sb_buf *b, struct report_group *g, const struct report_column *c,
                       const struct report_row *r) {
    if (c->value)
        report_figure(b, c->value(r->cell) * (c->scale > 0 ? c->scale : 1), c->decimals, c->unit);
    else
        c->put(b, g, r);
}

static void put_rule(struct sb_buf *b, const struct report_column *c) {
    if (c->rule) {
        sb_buf_adds(b, c->rule);
        return;
    }
    for (size_t i = 0; i < strlen(c->head) + 2; i++)
        sb_buf_adds(b, "-");
}

static void put_head_rows(struct sb_buf *b, const struct report_column *const *shown, size_t n) {
    sb_buf_adds(b, "|");
    for (size_t i = 0; i < n; i++)
        sb_buf_addf(b, " %s |", shown[i]->head);
    sb_buf_adds(b, "\n|");
    for (size_t i = 0; i < n; i++) {
        put_rule(b, shown[i]);
        sb_buf_adds(b, "|");
    }
}

void report_table(struct report_doc *d, struct report_group *g,
                  const struct report_column *const *columns, size_t n_columns,
                  const struct report_row *rows, size_t n_rows) {
    const struct report_column **shown = sb_alloc(n_columns, sizeof *shown);
    char *kinds = sb_alloc(n_columns + 1, 1);
    size_t n = 0, from = d->text->len;
    for (size_t i = 0; i < n_columns; i++)
        if (is_shown(columns[i], g, rows, n_rows)) {
            kinds[n] = columns[i]->value || columns[i]->figures ? REPORT_FIGURES : REPORT_WORDS;
            shown[n++] = columns[i];
        }
    put_head_rows(d->text, shown, n);
    for (size_t r = 0; r < n_rows; r++) {
        sb_buf_adds(d->text, "\n|");
        for (size_t i = 0; i < n; i++) {
            sb_buf_adds(d->text, " ");
            put_column(d->text, g, shown[i], &rows[r]);
            sb_buf_adds(d->text, " |");
        }
    }
    sb_buf_adds(d->text, "\n\n");
    report_doc_mark(d, REPORT_TABLE, from, kinds);
    report_put_notes(d, g);
    free(shown);
}

void report_main_table(struct report_doc *d, struct report_group *g) {
    static const struct report_column *const sections[] = {
        &report_column_backend, &column_load, &report_column_pp, &column_main_tg, &column_notes,
    };
    static const struct report_column *const page[] = {
        &report_column_backend, &column_main_tg,      &report_column_pp,
        &column_notes_pending,  &column_notes_if_any, &column_load,
    };
    static const struct report_column *const table[] = {
        &report_column_model, &column_quantization,   &column_size,         &column_params,
        &column_active,       &report_column_backend, &column_load,         &report_column_pp,
        &column_main_tg,      &column_notes_pending,  &column_notes_if_any,
    };
    struct report_row *rows = sb_alloc(g->n_cells, sizeof *rows);
    for (size_t i = 0; i < g->n_cells; i++)
        rows[i] = report_row_of_cell(&g->cells[i]);
    if (g->table)
        report_table(d, g, table, ARRAY_LEN(table), rows, g->n_cells);
    else if (g->page)
        report_table(d, g, page, ARRAY_LEN(page), rows, g->n_cells);
    else
        report_table(d, g, sections, ARRAY_LEN(sections), rows, g->n_cells);
    free(rows);
}

/* ---- a model's line in the layout `sections` ----------------------------------------------- */

/* A dense model reads all that it has for every token. */
static const char *active_name(const struct sb_results *set, const struct sb_cell *c) {
    bool dense = is_given(c->model.active_params) && is_given(c->model.total_params) &&
                 strcmp(c->model.active_params, c->model.total_params) == 0;
    return dense && !report_is_transcribed(set) ? "Active params" : "Active params (MoE)";
}

/* "gradient.png, 39 image tokens"; NULL without a picture. The caller frees. */
static char *vision_of(const struct sb_cell *c) {
    const char *picture = report_picture(c);
    double tokens = report_picture_tokens(c);
    if (!picture)
        return NULL;
    return isfinite(tokens) ? sb_asprintf("%s, %.0f image tokens", picture, tokens)
                            : sb_strdup(picture);
}

void report_model_facts(struct sb_buf *b, const struct sb_results *set, const struct sb_cell *c) {
    char *vision = vision_of(c);
    const struct {
        const char *name, *value;
    } facts[] = {
        {"Quantization", c->model.quantization},
        {"File size", c->model.file_size},
        {"Total params", c->model.total_params},
        {active_name(set, c), c->model.active_params},
        {"Vision", vision},
    };
    size_t start = b->len;
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (!is_given(facts[i].value))
            continue;
        sb_buf_addf(b, "%s%s: ", b->len == start ? "" : " · ", facts[i].name);
        sb_markdown_escape(b, facts[i].value);
    }
    if (b->len != start)
        sb_buf_adds(b, "\n");
    free(vision);
}
