#include "script.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"
#include "stratobench/results.h"
#include "stratobench/text.h"

/* The sheet, in pixels. Bars: a column of backend names, then one panel a metric, each with
 * room for the figure behind its longest bar. */
enum {
    WIDTH = 1000,
    EDGE = 20,
    NAMES_WIDTH = 176,
    VALUE_WIDTH = 100,
    TITLE_HEIGHT = 36,
    HEADS_HEIGHT = 24,
    MODEL_HEIGHT = 26,
    BAR_HEIGHT = 18,
    BAR_INSET = 2,
    AXIS_HEIGHT = 34,
    LINES_HEIGHT = 150,
    MOST_TICKS = 4,
};

/* Okabe and Ito's palette, in an order whose neighbours differ most; the yellow, hard to see
 * on white, comes late. */
static const char *const palette[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#d55e00", "#999999", "#f0e442"};
enum { N_COLOURS = sizeof palette / sizeof *palette };
static const int markers[] = {7, 5, 9, 11, 13}; /* filled shapes of gnuplot */
enum { N_MARKERS = sizeof markers / sizeof *markers };

enum text_kind { TEXT_TITLE, TEXT_MODEL, TEXT_HEAD, TEXT_NAME, TEXT_VALUE, TEXT_BAD, N_TEXTS };
static const struct {
    const char *align, *font, *colour;
} text_kinds[N_TEXTS] = {
    [TEXT_TITLE] = {"left", PLOT_BOLD ",16", PLOT_INK},
    [TEXT_MODEL] = {"left", PLOT_BOLD ",12", PLOT_INK},
    [TEXT_HEAD] = {"left", "sans-serif,12", PLOT_SOFT},
    [TEXT_NAME] = {"right", "sans-serif,12", PLOT_INK},
    [TEXT_VALUE] = {"left", "sans-serif,11", PLOT_INK},
    [TEXT_BAD] = {"left", "sans-serif,11", "#d55e00"},
};

struct chart {
    struct plot_script *script;
    struct sb_buf labels[N_TEXTS]; /* data of the texts: x y placeholder */
    struct sb_buf legend;          /* data of its markers: x y marker colour */
    struct sb_index backends;      /* by label */
    double y;                      /* where the next thing goes, from the top */
};

/* ---- text ----------------------------------------------------------------------------------- */

/* The number of the placeholder that stands for the text; cut to `most` characters. */
static size_t placeholder(struct chart *c, const char *text, size_t most) {
    size_t bytes = 0, n = 0;
    while (text[bytes] && n <= most)
        n += ((unsigned char)text[bytes++] & 0xc0) != 0x80;
    if (n > most) { /* bytes is one past the first byte of the character too many */
        size_t end = bytes - 1, kept = n - 1;
        while (end > 0 && kept >= most)
            kept -= ((unsigned char)text[--end] & 0xc0) != 0x80;
        sb_strv_take(&c->script->texts, sb_asprintf("%.*s…", (int)end, text));
    } else {
        sb_strv_add(&c->script->texts, text);
    }
    return c->script->texts.n - 1;
}

static void put_text(struct chart *c, enum text_kind kind, double x, double y, const char *text,
                     size_t most) {
    sb_buf_addf(&c->labels[kind], "%.1f %.1f T%zu\n", x, y, placeholder(c, text, most));
}

/* Characters of 12 px that surely fit into a width. */
static size_t fitting(double width) {
    return (size_t)(width / 6.6);
}

/* Every backend keeps its colour and its marker over the sheet. */
static const char *colour_of(struct chart *c, const struct sb_cell *cell) {
    return palette[sb_index_add(&c->backends, sb_backend_label(cell)) % N_COLOURS];
}

static int marker_of(struct chart *c, const struct sb_cell *cell) {
    return markers[sb_index_add(&c->backends, sb_backend_label(cell)) % N_MARKERS];
}

/* ---- panels --------------------------------------------------------------------------------- */

static void add(struct chart *c, const char *line) {
    sb_buf_adds(&c->script->commands, line);
}

/* 1, 2 or 5 times a power of ten, at most MOST_TICKS of them up to `most`. */
static double tick_step(double most) {
    double power = pow(10, floor(log10(most / MOST_TICKS)));
    static const double steps[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (most / (steps[i] * power) <= MOST_TICKS)
            return steps[i] * power;
    return 10 * power;
}

struct panel {
    double left, top, width, height; /* px */
    double most_x, most_y;           /* most_y 0: y counts pixels from the top */
};

#define TICKS "nomirror scale 0 textcolor rgb '" PLOT_SOFT "'"

static void begin_panel(struct chart *c, const struct panel *p) {
    double height = c->script->height_px;
    sb_buf_addf(&c->script->commands,
                "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                p->left / WIDTH, (p->left + p->width) / WIDTH, 1 - p->top / height,
                1 - (p->top + p->height) / height);
    sb_buf_addf(&c->script->commands, "set xrange [0:%.6g]\nset xtics " TICKS " 0,%.6g\n",
                p->most_x, tick_step(p->most_x));
    if (p->most_y > 0)
        sb_buf_addf(&c->script->commands,
                    "set yrange [0:%.6g]\nset ytics " TICKS " 0,%.6g\nset border 3\n"
                    "set grid xtics ytics\n",
                    p->most_y, tick_step(p->most_y));
    else
        sb_buf_addf(&c->script->commands,
                    "set yrange [%.6g:0]\nunset ytics\nset border 2\nset grid noytics xtics\n",
                    p->height);
}

/* ---- bars ----------------------------------------------------------------------------------- */

enum bars { BARS_PP, BARS_TG, BARS_LOAD, N_BARS };
static const char *const bar_heads[N_BARS] = {"PP (tok/s)", "TG (tok/s)", "Load (s)"};

struct bar {
    double mean, stddev; /* NaN: none */
};

static struct bar bar_of(const struct sb_cell *c, enum bars metric) {
    if (c->status != SB_OK)
        return (struct bar){NAN, NAN};
    if (metric == BARS_LOAD)
        return (struct bar){c->load_s, NAN};
    const struct sb_summary *s = metric == BARS_PP ? &c->pp_tps : &c->tg_tps;
    return s->n ? (struct bar){s->mean, s->stddev} : (struct bar){NAN, NAN};
}

static double bar_end(struct bar b) {
    return isfinite(b.stddev) ? b.mean + b.stddev : b.mean;
}

static double longest_bar(const struct sb_results *set, enum bars metric) {
    double most = 0;
    for (size_t i = 0; i < set->n_cells; i++) {
        double end = bar_end(bar_of(&set->cells[i], metric));
        if (isfinite(end) && end > most)
            most = end;
    }
    return most;
}

static bool begins_model(const struct sb_results *set, size_t i) {
    return i == 0 || !sb_same_model(&set->cells[i - 1], &set->cells[i]);
}

static double bars_height(const struct sb_results *set) {
    double height = 0;
    for (size_t i = 0; i < set->n_cells; i++)
        height += BAR_HEIGHT + (begins_model(set, i) ? MODEL_HEIGHT : 0);
    return height;
}

/* The figure behind the bar, or why there is none. */
static void put_value(struct chart *c, const struct panel *p, const struct sb_cell *cell,
                      enum bars metric, double y) {
    struct bar bar = bar_of(cell, metric);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    if (isfinite(bar.mean)) {
        if (metric == BARS_LOAD)
            sb_format_load(&text, bar.mean);
        else
            sb_buf_addf(&text, isfinite(bar.stddev) ? "%.1f ±%.1f" : "%.1f", bar.mean, bar.stddev);
        put_text(c, TEXT_VALUE, p->left + p->width * bar_end(bar) / p->most_x + 5, y,
                 sb_buf_str(&text), fitting(VALUE_WIDTH));
    } else if (metric == BARS_PP && cell->status == SB_PENDING) {
        put_text(c, TEXT_HEAD, p->left + 5, y, "pending", fitting(p->width));
    } else if (cell->status != SB_OK && cell->status != SB_PENDING) {
        sb_buf_adds(&text, "✗");
        if (metric == BARS_PP)
            sb_buf_addf(&text, " %s", cell->reason ? cell->reason : sb_status_name(cell->status));
        put_text(c, TEXT_BAD, p->left + 5, y, sb_buf_str(&text), fitting(p->width + VALUE_WIDTH));
    }
    sb_buf_release(&text);
}

/* Data blocks of a panel: the bars, x y xlow xhigh ylow yhigh colour; their spreads, x y dx dy. */
static void add_bar_data(struct chart *c, const struct panel *p, const struct sb_results *set,
                         enum bars metric) {
    struct sb_buf spreads = SB_BUF_INIT(SIZE_MAX);
    double y = 0;
    add(c, "$bars << EOD\n");
    for (size_t i = 0; i < set->n_cells; i++, y += BAR_HEIGHT) {
        struct bar bar = bar_of(&set->cells[i], metric);
        y += begins_model(set, i) ? MODEL_HEIGHT : 0;
        double middle = y + BAR_HEIGHT / 2.0;
        put_value(c, p, &set->cells[i], metric, p->top + middle);
        if (!isfinite(bar.mean))
            continue;
        sb_buf_addf(&c->script->commands, "0 %.1f 0 %.6g %.1f %.1f %ld\n", middle, bar.mean,
                    y + BAR_INSET, y + BAR_HEIGHT - BAR_INSET,
                    strtol(colour_of(c, &set->cells[i]) + 1, NULL, 16));
        if (bar.stddev > 0)
            sb_buf_addf(&spreads, "%.6g %.1f %.6g 0\n", bar.mean - bar.stddev, middle,
                        2 * bar.stddev);
    }
    sb_buf_addf(&c->script->commands, "EOD\n$spreads << EOD\n%sEOD\n", sb_buf_str(&spreads));
    sb_buf_release(&spreads);
}

static void draw_bars(struct chart *c, const struct panel *p, const struct sb_results *set,
                      enum bars metric) {
    put_text(c, TEXT_HEAD, p->left, p->top - HEADS_HEIGHT / 2.0, bar_heads[metric],
             fitting(p->width));
    begin_panel(c, p);
    add_bar_data(c, p, set, metric);
    /* The point off the sheet keeps gnuplot content when a block is empty. */
    add(c, "plot $bars using 1:2:3:4:5:6:7 with boxxyerror lc rgb variable, "
           "$spreads using 1:2:3:4 with vectors heads size screen 0.003,90 lw 1.2 lc rgb '" PLOT_INK
           "', '+' using (-1):(-1) every 1000 with dots\n");
}

static void put_names(struct chart *c, const struct sb_results *set) {
    double y = c->y;
    for (size_t i = 0; i < set->n_cells; i++, y += BAR_HEIGHT) {
        if (begins_model(set, i)) {
            put_text(c, TEXT_MODEL, EDGE, y + MODEL_HEIGHT / 2.0, sb_model_label(&set->cells[i]),
                     fitting(WIDTH - 2 * EDGE));
            y += MODEL_HEIGHT;
        }
        put_text(c, TEXT_NAME, EDGE + NAMES_WIDTH - 8, y + BAR_HEIGHT / 2.0,
                 sb_backend_label(&set->cells[i]), fitting(NAMES_WIDTH - 8));
    }
}

static void draw_bar_panels(struct chart *c, const struct sb_results *set) {
    int n = longest_bar(set, BARS_LOAD) > 0 ? N_BARS : N_BARS - 1;
    double column = (double)(WIDTH - 2 * EDGE - NAMES_WIDTH) / n, height = bars_height(set);
    c->y += HEADS_HEIGHT;
    for (int metric = 0; metric < n; metric++) {
        double most = longest_bar(set, (enum bars)metric);
        struct panel p = {.left = EDGE + NAMES_WIDTH + column * metric,
                          .top = c->y,
                          .width = column - VALUE_WIDTH,
                          .height = height,
                          .most_x = most > 0 ? most : 1};
        draw_bars(c, &p, set, (enum bars)metric);
    }
    put_names(c, set);
    c->y += height + AXIS_HEIGHT;
}

/* ---- lines over depth ----------------------------------------------------------------------- */

static bool is_drawn(const struct sb_point *p, enum sb_metric m) {
    return p->at.prompt == 0 && sb_point_summary(p, m)->n > 0;
}

/* A model's stretch of cells. */
struct stretch {
    const struct sb_cell *cells;
    size_t n;
};

static struct stretch stretch_at(const struct sb_results *set, size_t first) {
    size_t end = first + 1;
    while (end < set->n_cells && !begins_model(set, end))
        end++;
    return (struct stretch){&set->cells[first], end - first};
}

static int deepest(struct stretch s) {
    int depth = 0;
    for (size_t i = 0; i < s.n; i++)
        for (size_t p = 0; p < s.cells[i].n_points; p++)
            if (s.cells[i].status == SB_OK && is_drawn(&s.cells[i].points[p], SB_PP) &&
                s.cells[i].points[p].at.depth > depth)
                depth = s.cells[i].points[p].at.depth;
    return depth;
}

static double highest(struct stretch s, enum sb_metric m) {
    double most = 0;
    for (size_t i = 0; i < s.n; i++)
        for (size_t p = 0; p < s.cells[i].n_points; p++) {
            const struct sb_summary *f = sb_point_summary(&s.cells[i].points[p], m);
            double end = bar_end((struct bar){f->mean, f->stddev});
            if (is_drawn(&s.cells[i].points[p], m) && end > most)
                most = end;
        }
    return most > 0 ? most : 1;
}

static void draw_lines(struct chart *c, const struct panel *p, struct stretch s, enum sb_metric m) {
    begin_panel(c, p);
    for (size_t i = 0; i < s.n; i++) {
        sb_buf_addf(&c->script->commands, "$line%zu << EOD\n", i);
        for (size_t k = 0; k < s.cells[i].n_points && s.cells[i].status == SB_OK; k++) {
            const struct sb_summary *f = sb_point_summary(&s.cells[i].points[k], m);
            if (is_drawn(&s.cells[i].points[k], m))
                sb_buf_addf(&c->script->commands, "%d %.6g %.6g\n", s.cells[i].points[k].at.depth,
                            f->mean, f->stddev > 0 ? f->stddev : 0);
        }
        add(c, "EOD\n");
    }
    add(c, "plot ");
    for (size_t i = 0; i < s.n; i++)
        sb_buf_addf(&c->script->commands,
                    "$line%zu using 1:2:3 with yerrorbars pt %d ps 0.7 lw 1.2 lc rgb '%s', "
                    "$line%zu using 1:2 with lines lw 2 lc rgb '%s', ",
                    i, marker_of(c, &s.cells[i]), colour_of(c, &s.cells[i]), i,
                    colour_of(c, &s.cells[i]));
    add(c, "'+' using (-1):(-1) every 1000 with dots\n");
}

/* Marker and name of each backend, side by side. */
static void put_legend(struct chart *c, struct stretch s) {
    double x = EDGE + 8;
    for (size_t i = 0; i < s.n; i++) {
        const char *name = sb_backend_label(&s.cells[i]);
        if (deepest((struct stretch){&s.cells[i], 1}) == 0)
            continue;
        sb_buf_addf(&c->legend, "%.1f %.1f %d %ld\n", x, c->y, marker_of(c, &s.cells[i]),
                    strtol(colour_of(c, &s.cells[i]) + 1, NULL, 16));
        put_text(c, TEXT_HEAD, x + 10, c->y, name, fitting(NAMES_WIDTH));
        size_t shown = strlen(name) < fitting(NAMES_WIDTH) ? strlen(name) : fitting(NAMES_WIDTH);
        x += 34 + 7.0 * (double)shown;
    }
}

static void draw_depths(struct chart *c, struct stretch s) {
    static const char *const heads[] = {"PP (tok/s) over tokens in the context",
                                        "TG (tok/s) over tokens in the context"};
    double column = (WIDTH - 2.0 * EDGE) / 2;
    put_text(c, TEXT_MODEL, EDGE, c->y + MODEL_HEIGHT / 2.0, sb_model_label(s.cells),
             fitting(WIDTH - 2 * EDGE));
    c->y += MODEL_HEIGHT + HEADS_HEIGHT / 2.0;
    put_legend(c, s);
    c->y += HEADS_HEIGHT * 1.5;
    for (int m = SB_PP; m <= SB_TG; m++) {
        struct panel p = {.left = EDGE + 50 + column * m,
                          .top = c->y,
                          .width = column - 80,
                          .height = LINES_HEIGHT,
                          .most_x = deepest(s) * 1.03,
                          .most_y = highest(s, (enum sb_metric)m) * 1.05};
        put_text(c, TEXT_HEAD, p.left, p.top - HEADS_HEIGHT / 2.0, heads[m], fitting(p.width));
        draw_lines(c, &p, s, (enum sb_metric)m);
    }
    c->y += LINES_HEIGHT + AXIS_HEIGHT;
}

/* ---- the sheet ------------------------------------------------------------------------------ */

static double depths_height(void) {
    return MODEL_HEIGHT + 2 * HEADS_HEIGHT + LINES_HEIGHT + AXIS_HEIGHT;
}

static double section_height(const struct sb_results *set) {
    double height = TITLE_HEIGHT + HEADS_HEIGHT + bars_height(set) + AXIS_HEIGHT;
    for (size_t i = 0; i < set->n_cells; i++)
        if (begins_model(set, i) && deepest(stretch_at(set, i)) > 0)
            height += depths_height();
    return height;
}

static void draw_section(struct chart *c, const struct sb_results *set) {
    put_text(c, TEXT_TITLE, EDGE, c->y + TITLE_HEIGHT / 2.0,
             set->bench.title ? set->bench.title : "", fitting(0.75 * WIDTH));
    c->y += TITLE_HEIGHT;
    draw_bar_panels(c, set);
    for (size_t i = 0; i < set->n_cells; i++)
        if (begins_model(set, i) && deepest(stretch_at(set, i)) > 0)
            draw_depths(c, stretch_at(set, i));
}

/* All texts at once, over everything else, in pixels of the sheet. */
static void draw_texts(struct chart *c) {
    static const struct panel sheet = {.width = WIDTH, .most_x = WIDTH};
    struct panel p = sheet;
    p.height = c->script->height_px;
    begin_panel(c, &p);
    add(c, "unset border\nunset xtics\nunset grid\n");
    for (int k = 0; k < N_TEXTS; k++)
        sb_buf_addf(&c->script->commands, "$text%d << EOD\n%sEOD\n", k, sb_buf_str(&c->labels[k]));
    sb_buf_addf(&c->script->commands, "$legend << EOD\n%sEOD\nplot ", sb_buf_str(&c->legend));
    for (int k = 0; k < N_TEXTS; k++)
        if (c->labels[k].len)
            sb_buf_addf(&c->script->commands,
                        "$text%d using 1:2:3 with labels %s font '%s' tc rgb '%s', ", k,
                        text_kinds[k].align, text_kinds[k].font, text_kinds[k].colour);
    add(c, "$legend using 1:2:3:4 with points pt variable ps 0.8 lc rgb variable\n");
}

static void draw_sheet(struct chart *c, const struct sb_sections *all) {
    double height = EDGE / 2.0;
    for (size_t i = 0; i < all->n; i++)
        height += section_height(&all->item[i].set);
    c->script->height_px = (int)ceil(height);
    c->y = EDGE / 2.0;
    sb_buf_addf(&c->script->commands,
                "set terminal svg size %d,%d dynamic noenhanced font 'sans-serif,11'\n"
                "set multiplot\nunset key\nset style fill solid 1 noborder\n"
                "set border lw 1 lc rgb '" PLOT_SOFT "'\n"
                "set grid lt 1 lw 1 lc rgb '" PLOT_GRID "'\n",
                WIDTH, c->script->height_px);
    for (size_t i = 0; i < all->n; i++) {
        c->script->n_cells += all->item[i].set.n_cells;
        draw_section(c, &all->item[i].set);
    }
    draw_texts(c);
    add(c, "unset multiplot\n");
}

void plot_script_make(const struct sb_results *const *sets, size_t n, struct plot_script *ret) {
    struct plot_script script = {.commands = SB_BUF_INIT(SIZE_MAX), .width_px = WIDTH};
    struct chart c = {.script = &script, .legend = SB_BUF_INIT(SIZE_MAX)};
    struct sb_sections all = sb_results_merge(sets, n);
    for (int k = 0; k < N_TEXTS; k++)
        c.labels[k] = (struct sb_buf)SB_BUF_INIT(SIZE_MAX);
    draw_sheet(&c, &all);
    for (int k = 0; k < N_TEXTS; k++)
        sb_buf_release(&c.labels[k]);
    sb_buf_release(&c.legend);
    sb_index_release(&c.backends);
    sb_sections_release(&all);
    *ret = script;
}

void plot_script_release(struct plot_script *p) {
    sb_buf_release(&p->commands);
    sb_strv_release(&p->texts);
}
