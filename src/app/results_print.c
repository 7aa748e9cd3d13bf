#include "results_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/text.h"
#include "terminal.h"

/* ---- what stands in a row ----------------------------------------------------------------- */

enum column { MODEL, BACKEND, LOAD, PP, TG, DOUBTS, N_COLUMNS };
static const char *const titles[] = {"Model",      "Backend",    "Load",
                                     "PP (tok/s)", "TG (tok/s)", "Doubts"};

struct layout {
    size_t width[N_COLUMNS];
    bool models_apart, spreads, load; /* models (and doubts) on lines of their own */
};

/* Why there are no figures takes the place of all of them. */
static void add_reason(struct sb_buf *b, const struct sb_cell *c) {
    char *text = sb_asprintf("%s: %s", sb_status_word(c->status),
                             c->reason ? c->reason : "not measured yet");
    sb_buf_add_printable(b, text, strlen(text));
    free(text);
}

/* The caller frees. */
static char *content(const struct sb_cell *c, enum column column, const struct layout *l) {
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    bool ok = c->status == SB_OK;
    switch (column) {
    case MODEL: sb_style_add(&b, SB_STYLE_TEXT, c->model.label); break;
    case BACKEND: sb_style_add(&b, SB_STYLE_TEXT, c->backend.label); break;
    case LOAD:
        if (ok)
            sb_format_load(&b, c->load_s);
        break;
    case PP:
        if (ok)
            sb_mean_add(&b, c->pp_tps.mean, l->spreads ? c->pp_tps.stddev : NAN);
        break;
    case TG:
        if (ok)
            sb_mean_add(&b, c->tg_tps.mean, l->spreads ? c->tg_tps.stddev : NAN);
        break;
    case DOUBTS:
        for (size_t i = 0; ok && i < c->flags.n; i++)
            sb_buf_addf(&b, "%s%s", i ? " " : "", c->flags.item[i]);
        break;
    case N_COLUMNS: break;
    }
    return b.data ? sb_buf_detach(&b) : sb_strdup("");
}

/* ---- what fits ---------------------------------------------------------------------------- */

static bool stands(const struct layout *l, enum column c) {
    return !(c == LOAD && !l->load) && !(l->models_apart && (c == MODEL || c == DOUBTS));
}

static size_t total(const struct layout *l) {
    size_t sum = 0;
    for (enum column c = MODEL; c < N_COLUMNS; c++)
        if (stands(l, c) && l->width[c])
            sum += l->width[c] + 2;
    return sum - 2 + (l->models_apart ? 2 : 0);
}

static void measure(const struct sb_results *r, struct layout *l) {
    for (enum column c = MODEL; c < N_COLUMNS; c++) {
        size_t widest = 0;
        for (size_t i = 0; i < r->n_cells; i++) {
            char *text = content(&r->cells[i], c, l);
            size_t width = sb_text_width(text);
            widest = width > widest ? width : widest;
            free(text);
        }
        size_t title = sb_text_width(titles[c]);
        l->width[c] = widest && widest < title ? title : widest; /* an empty column has no title */
    }
}

static struct layout choose(const struct sb_results *r, size_t columns) {
    static const struct layout tries[] = {{.spreads = true, .load = true},
                                          {.models_apart = true, .spreads = true, .load = true},
                                          {.models_apart = true, .load = true},
                                          {.models_apart = true}};
    struct layout l;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        l = tries[i];
        measure(r, &l);
        if (total(&l) <= columns)
            return l;
    }
    size_t over = total(&l) - columns; /* the name of a backend is cut at last */
    l.width[BACKEND] = l.width[BACKEND] > over + 4 ? l.width[BACKEND] - over : 4;
    return l;
}

struct screen {
    size_t columns;
    bool colour;
};

/* ---- printing ----------------------------------------------------------------------------- */

static void add_padded(struct sb_buf *b, const char *text, size_t width) {
    char *fits = sb_strndup(text, sb_text_fit(text, width));
    sb_buf_addf(b, "%s%*s", fits, (int)(width - sb_text_width(fits)), "");
    free(fits);
}

/* Adds a line without blanks at its end, cut where the screen ends; empties it. */
static void take_line(struct sb_buf *ret, struct sb_buf *line, size_t columns) {
    size_t n = sb_text_fit(sb_buf_str(line), columns);
    while (n && line->data[n - 1] == ' ')
        n--;
    sb_buf_add(ret, sb_buf_str(line), n);
    sb_buf_release(line);
}

static void add_titles(const struct layout *l, size_t columns, struct sb_buf *ret) {
    struct sb_buf line = SB_BUF_INIT(1 << 16);
    sb_buf_adds(&line, l->models_apart ? "  " : "");
    for (enum column c = MODEL; c < N_COLUMNS; c++)
        if (stands(l, c) && l->width[c]) {
            add_padded(&line, titles[c], l->width[c]);
            sb_buf_adds(&line, "  ");
        }
    take_line(ret, &line, columns);
    sb_buf_adds(ret, "\n");
}

/* Under the row when models stand apart, else at its end. */
static void add_doubts(const struct sb_cell *c, const struct layout *l, const struct screen *s,
                       struct sb_buf *ret) {
    enum { INDENT = 4 };
    char *text = content(c, DOUBTS, l);
    if (*text) {
        sb_buf_adds(ret, l->models_apart ? "\n    " : "  ");
        sb_buf_adds(ret, s->colour ? SB_YELLOW : "");
        if (l->models_apart)
            sb_text_fill(ret, text, INDENT, s->columns);
        else
            sb_buf_adds(ret, text);
        sb_buf_adds(ret, s->colour ? SB_PLAIN : "");
    }
    free(text);
}

static void add_row(const struct sb_cell *c, const struct layout *l, const struct screen *s,
                    struct sb_buf *ret) {
    struct sb_buf line = SB_BUF_INIT(1 << 16);
    bool ok = c->status == SB_OK, doubted = ok && c->flags.n && !l->models_apart;
    sb_buf_adds(&line, l->models_apart ? "  " : "");
    for (enum column k = MODEL; k < DOUBTS; k++) {
        if (!stands(l, k) || !l->width[k] || (!ok && k > BACKEND))
            continue;
        char *text = content(c, k, l);
        add_padded(&line, text, l->width[k]);
        sb_buf_adds(&line, k < TG || !ok ? "  " : "");
        free(text);
    }
    if (!ok)
        add_reason(&line, c);
    if (doubted) { /* the blanks before them count */
        sb_buf_adds(ret, sb_buf_str(&line));
        sb_buf_release(&line);
    } else {
        take_line(ret, &line, s->columns);
    }
    add_doubts(c, l, s, ret);
    sb_buf_adds(ret, "\n");
}

void sb_results_table(const struct sb_results *r, size_t columns, bool colour, struct sb_buf *ret) {
    struct layout l = choose(r, columns);
    struct screen s = {columns, colour};
    add_titles(&l, columns, ret);
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct sb_cell *c = &r->cells[i];
        if (l.models_apart && (i == 0 || !sb_same_model(c, &r->cells[i - 1]))) {
            char *model = content(c, MODEL, &l);
            sb_buf_addf(ret, "%.*s\n", (int)sb_text_fit(model, columns), model);
            free(model);
        }
        add_row(c, &l, &s, ret);
    }
}
