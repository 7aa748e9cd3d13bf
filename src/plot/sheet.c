/* A sheet, texts on it, panels in it. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sheet.h"
#include "stratobench/text.h"

/* Okabe and Ito's palette, in an order whose neighbours differ most; the yellow, hard to see
 * on white, comes late. */
static const char *const palette[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#d55e00", "#999999", "#f0e442"};
static const int markers[] = {7, 5, 9, 11, 13}; /* filled shapes of gnuplot */
enum { MOST_TICKS = 4 };

static const struct {
    const char *align, *font, *colour;
} text_kinds[N_TEXTS] = {
    [TEXT_TITLE] = {"left", PLOT_BOLD ",18", PLOT_INK},
    [TEXT_MODEL] = {"left", PLOT_BOLD ",13", PLOT_INK},
    [TEXT_HEAD] = {"left", "sans-serif,13", PLOT_SOFT},
    [TEXT_NAME] = {"right", "sans-serif,13", PLOT_INK},
    [TEXT_VALUE] = {"left", "sans-serif,13", PLOT_INK},
    [TEXT_BAD] = {"left", "sans-serif,13", "#d55e00"},
};

void chart_add(struct chart *c, const char *commands) {
    sb_buf_adds(&c->script->commands, commands);
}

const char *chart_colour(struct chart *c, const struct sb_cell *cell) {
    return palette[sb_index_add(&c->backends, sb_backend_label(cell)) % ARRAY_LEN(palette)];
}

int chart_marker(struct chart *c, const struct sb_cell *cell) {
    return markers[sb_index_add(&c->backends, sb_backend_label(cell)) % ARRAY_LEN(markers)];
}

bool chart_begins_model(const struct sb_results *set, size_t i) {
    return i == 0 || !sb_same_model(&set->cells[i - 1], &set->cells[i]);
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Of 13 px, in a wide sans-serif: the reader's font is not known. */
static double character_width(const char *s) {
    unsigned char c = (unsigned char)*s;
    if (c < 0x80)
        return strchr("iljtf.,:;'|!()[] ", c)      ? 5.4
               : strchr("mwMW@%", c)               ? 12.6
               : (c >= 'A' && c <= 'Z') || c > 'y' ? 9.6
                                                   : 8.3;
    return c >= 0xe3 ? 13.5 : 9; /* from U+3000 on: East Asia */
}

static size_t character_bytes(const char *s) {
    size_t n = sb_utf8_length(s, strlen(s));
    return n ? n : 1;
}

double chart_text_width(const char *text) {
    double width = 0;
    for (const char *s = text; *s; s += character_bytes(s))
        width += character_width(s);
    return width;
}

size_t chart_placeholder(struct chart *c, const char *text) {
    sb_strv_add(&c->script->texts, text);
    return c->script->texts.n - 1;
}

void chart_text(struct chart *c, enum text_kind kind, double x, double y, const char *text,
                double most) {
    size_t fits = 0; /* bytes that leave room for the ellipsis */
    double width = 0;
    for (const char *s = text; *s && width <= most; s += character_bytes(s)) {
        width += character_width(s);
        if (width <= most - 13)
            fits = (size_t)(s - text) + character_bytes(s);
    }
    char *shown = width > most ? sb_asprintf("%.*s…", (int)fits, text) : sb_strdup(text);
    sb_buf_addf(&c->labels[kind], "%.1f %.1f T%zu\n", x, y, chart_placeholder(c, shown));
    free(shown);
}

size_t chart_hint(struct chart *c, const struct sb_cell *cell, const char *where,
                  const char *figure) {
    char *hint =
        sb_asprintf("%s, %s%s: %s", sb_backend_label(cell), sb_model_label(cell), where, figure);
    size_t number = chart_placeholder(c, hint);
    free(hint);
    return number;
}

void chart_put_figure(struct sb_buf *b, struct figure f) {
    sb_mean_add(b, f.mean, f.stddev);
}

/* ---- panels --------------------------------------------------------------------------------- */

/* A bar shorter than this share of its panel says nothing of how short it is. */
#define LEAST_SHARE 0.03

struct scale chart_scale(double least, double most) {
    struct scale s = {.high = most > 0 ? most : 1};
    if (least > 0 && least < LEAST_SHARE * s.high) {
        s.log = true;
        double power = pow(10, floor(log10(least * 0.8)));
        s.low = power * (least * 0.8 >= 5 * power ? 5 : least * 0.8 >= 2 * power ? 2 : 1);
    }
    return s;
}

double chart_place(const struct scale *s, double value) {
    if (s->log)
        return value <= s->low ? 0 : log(value / s->low) / log(s->high / s->low);
    return value / s->high;
}

const char *chart_scale_words(const struct scale *s) {
    return s->log ? ", logarithmic" : "";
}

/* 1, 2 or 5 times a power of ten, at most MOST_TICKS of them up to `most`. */
static double tick_step(double most) {
    double power = pow(10, floor(log10(most / MOST_TICKS)));
    static const double steps[] = {1, 2, 5};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (most / (steps[i] * power) <= MOST_TICKS)
            return steps[i] * power;
    return 10 * power;
}

#define TICKS "nomirror scale 0 textcolor rgb '" PLOT_SOFT "'"

static void set_axis(struct chart *c, char axis, const struct scale *s) {
    struct sb_buf *b = &c->script->commands;
    if (s->log)
        sb_buf_addf(b, "set logscale %c 10\nset %crange [%.6g:%.6g]\nset %ctics " TICKS " 10\n",
                    axis, axis, s->low, s->high, axis);
    else
        sb_buf_addf(b, "unset logscale %c\nset %crange [0:%.6g]\nset %ctics " TICKS " 0,%.6g\n",
                    axis, axis, s->high, axis, tick_step(s->high));
}

void chart_begin_panel(struct chart *c, const struct panel *p) {
    double height = c->script->sheets[c->script->n_sheets - 1].height_px;
    sb_buf_addf(&c->script->commands,
                "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                p->left / c->width, (p->left + p->width) / c->width, 1 - p->top / height,
                1 - (p->top + p->height) / height);
    set_axis(c, 'x', &p->x);
    if (p->y.high > 0) {
        set_axis(c, 'y', &p->y);
        chart_add(c, "set border 3 back\nset grid xtics ytics back\n");
    } else {
        sb_buf_addf(&c->script->commands,
                    "unset logscale y\nset yrange [%.6g:0]\nunset ytics\nunset border\n"
                    "set grid noytics xtics back\n",
                    p->height);
    }
}

/* ---- the sheet ------------------------------------------------------------------------------ */

void chart_begin_sheet(struct chart *c, double height) {
    struct plot_script *s = c->script;
    s->sheets = sb_grow(s->sheets, s->n_sheets, sizeof *s->sheets);
    s->sheets[s->n_sheets++] = (struct plot_size){(int)c->width, (int)ceil(height)};
    c->y = c->edge / 2;
    sb_buf_addf(&s->commands,
                "set terminal svg size %d,%d dynamic enhanced font 'sans-serif,12'\n"
                "set multiplot\nunset key\nset style fill solid 1 noborder\n"
                "set border lw 1 lc rgb '" PLOT_SOFT "'\n"
                "set grid lt 1 lw 1 lc rgb '" PLOT_GRID "'\n",
                (int)c->width, (int)ceil(height));
}

/* All texts at once, over everything else, in pixels of the sheet. */
static void draw_texts(struct chart *c) {
    double height = c->script->sheets[c->script->n_sheets - 1].height_px;
    struct panel p = {.width = c->width, .height = height, .x.high = c->width};
    chart_begin_panel(c, &p);
    chart_add(c, "unset xtics\nunset grid\n");
    for (int k = 0; k < N_TEXTS; k++)
        sb_buf_addf(&c->script->commands, "$text%d << EOD\n%sEOD\n", k, sb_buf_str(&c->labels[k]));
    sb_buf_addf(&c->script->commands, "$legend << EOD\n%sEOD\nplot ", sb_buf_str(&c->legend));
    for (int k = 0; k < N_TEXTS; k++)
        if (c->labels[k].len)
            sb_buf_addf(&c->script->commands,
                        "$text%d using 1:2:3 with labels %s font '%s' tc rgb '%s' notitle, ", k,
                        text_kinds[k].align, text_kinds[k].font, text_kinds[k].colour);
    chart_add(c, "$legend using 1:2:3:4 with points pt variable ps 0.8 lc rgb variable notitle\n");
}

void chart_end_sheet(struct chart *c) {
    draw_texts(c);
    chart_add(c, "unset multiplot\n");
    for (int k = 0; k < N_TEXTS; k++)
        sb_buf_release(&c->labels[k]);
    sb_buf_release(&c->legend);
}
