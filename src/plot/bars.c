/* Bars of PP, TG and load with their standard deviations, by model and backend. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "sheet.h"
#include "stratobench/text.h"

static const enum sb_metric metrics[] = {SB_TG, SB_PP, SB_LOAD};

static struct figure figure_of(const struct sb_cell *c, enum sb_metric m) {
    if (c->status != SB_OK)
        return (struct figure){NAN, NAN};
    if (m == SB_LOAD)
        return (struct figure){c->load_s, NAN};
    const struct sb_summary *s = m == SB_PP ? &c->pp_tps : &c->tg_tps;
    return s->n ? (struct figure){s->mean, s->stddev} : (struct figure){NAN, NAN};
}

static double end_of(struct figure f) {
    return isfinite(f.stddev) ? f.mean + f.stddev : f.mean;
}

static struct scale scale_of(const struct sb_results *set, enum sb_metric m) {
    double least = NAN, most = NAN;
    for (size_t i = 0; i < set->n_cells; i++) {
        struct figure f = figure_of(&set->cells[i], m);
        least = fmin(least, f.mean);
        most = fmax(most, end_of(f));
    }
    return chart_scale(least, most);
}

static bool has_loads(const struct sb_results *set) {
    for (size_t i = 0; i < set->n_cells; i++)
        if (figure_of(&set->cells[i], SB_LOAD).mean > 0)
            return true;
    return false;
}

static double rows_height(const struct sb_results *set) {
    double height = 0;
    for (size_t i = 0; i < set->n_cells; i++)
        height += BAR_HEIGHT + (chart_begins_model(set, i) ? MODEL_HEIGHT : 0);
    return height;
}

double bars_height(const struct sb_results *set) {
    return HEADS_HEIGHT + rows_height(set) + AXIS_HEIGHT;
}

/* ---- a panel -------------------------------------------------------------------------------- */

static void put_figure(struct sb_buf *b, struct figure f, enum sb_metric m) {
    if (m == SB_LOAD)
        sb_format_load(b, f.mean);
    else
        chart_put_figure(b, f);
}

/* The figure behind the bar, or why there is none: said once, in the first panel. */
static void put_value(struct chart *c, const struct panel *p, const struct sb_cell *cell,
                      enum sb_metric m, double y) {
    struct figure f = figure_of(cell, m);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    bool first = c->panels || m == metrics[0];
    double left = p->left + 5, room = first ? p->width + c->values - 10 : c->values;
    if (isfinite(f.mean)) {
        put_figure(&text, f, m);
        chart_text(c, TEXT_VALUE, left + p->width * chart_place(&p->x, end_of(f)), y,
                   sb_buf_str(&text), c->values);
    } else if (cell->status == SB_PENDING && first) {
        chart_text(c, TEXT_HEAD, left, y, "pending", room);
    } else if (cell->status != SB_OK && cell->status != SB_PENDING) {
        const char *reason = cell->reason ? cell->reason : sb_status_name(cell->status);
        sb_buf_addf(&text, "✗%s%s", first ? " " : "", first ? reason : "");
        chart_text(c, TEXT_BAD, left, y, sb_buf_str(&text), room);
    }
    sb_buf_release(&text);
}

/* A bar is a plot of its own: its title is what a pointer over it reads. */
static void plot_bar(struct chart *c, const struct sb_cell *cell, struct figure f, enum sb_metric m,
                     size_t row) {
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    put_figure(&text, f, m);
    sb_buf_adds(&text, m == SB_LOAD ? " to load" : m == SB_PP ? " tok/s PP" : " tok/s TG");
    sb_buf_addf(&c->script->commands,
                "$bars every ::%zu::%zu using 1:2:3:4:5:6:7 with boxxyerror lc rgb variable title "
                "'T%zu', ",
                row, row, chart_hint(c, cell, "", sb_buf_str(&text)));
    sb_buf_release(&text);
}

/* Data blocks of a panel: the bars, x y xlow xhigh ylow yhigh colour; their spreads, x y dx dy; the
 * axis, x y dx dy, and boxes over the grid: neither crosses a row that names a model. */
static void add_data(struct chart *c, const struct panel *p, const struct sb_results *set,
                     enum sb_metric m) {
    struct sb_buf spreads = SB_BUF_INIT(SIZE_MAX), heads = SB_BUF_INIT(SIZE_MAX),
                  axis = SB_BUF_INIT(SIZE_MAX);
    double y = 0;
    chart_add(c, "$bars << EOD\n");
    for (size_t i = 0; i < set->n_cells; i++, y += BAR_HEIGHT) {
        struct figure f = figure_of(&set->cells[i], m);
        if (chart_begins_model(set, i)) {
            sb_buf_addf(&heads, "%.6g %.1f %.6g %.6g %.1f %.1f\n", p->x.high, y, p->x.low,
                        p->x.high, y, y + MODEL_HEIGHT - BAR_INSET);
            y += MODEL_HEIGHT;
        }
        double middle = y + BAR_HEIGHT / 2.0;
        sb_buf_addf(&axis, "%.6g %.1f 0 %d\n", p->x.low, y, BAR_HEIGHT);
        put_value(c, p, &set->cells[i], m, p->top + middle);
        if (!isfinite(f.mean))
            continue;
        sb_buf_addf(&c->script->commands, "%.6g %.1f %.6g %.6g %.1f %.1f %ld\n", f.mean, middle,
                    p->x.low, f.mean, y + BAR_INSET, y + BAR_HEIGHT - BAR_INSET,
                    strtol(chart_colour(c, &set->cells[i]) + 1, NULL, 16));
        double from = fmax(f.mean - f.stddev, p->x.low);
        if (f.stddev > 0)
            sb_buf_addf(&spreads, "%.6g %.1f %.6g 0\n", from, middle, f.mean + f.stddev - from);
    }
    sb_buf_addf(&c->script->commands,
                "EOD\n$spreads << EOD\n%sEOD\n$heads << EOD\n%sEOD\n$axis << EOD\n%sEOD\n",
                sb_buf_str(&spreads), sb_buf_str(&heads), sb_buf_str(&axis));
    sb_buf_release(&spreads);
    sb_buf_release(&heads);
    sb_buf_release(&axis);
}

static void draw_panel(struct chart *c, const struct panel *p, const struct sb_results *set,
                       enum sb_metric m) {
    char *head = sb_asprintf("%s (%s%s)", sb_metric_name(m), m == SB_LOAD ? "s" : "tok/s",
                             chart_scale_words(&p->x));
    chart_text(c, TEXT_HEAD, p->left, p->top - HEADS_HEIGHT / 2.0, head, p->width + c->values);
    free(head);
    chart_begin_panel(c, p);
    add_data(c, p, set, m);
    chart_add(c,
              "plot $heads using 1:2:3:4:5:6 with boxxyerror lc rgb '" PLOT_GROUND "' notitle, ");
    for (size_t i = 0, row = 0; i < set->n_cells; i++) {
        struct figure f = figure_of(&set->cells[i], m);
        if (isfinite(f.mean))
            plot_bar(c, &set->cells[i], f, m, row++);
    }
    chart_add(c, "$axis using 1:2:3:4 with vectors nohead lw 1 lc rgb '" PLOT_SOFT "' notitle, "
                 "$spreads using 1:2:3:4 with vectors heads size screen 0.003,90 lw 1.2 lc rgb "
                 "'" PLOT_INK "' notitle, " PLOT_NOTHING);
}

static void put_names(struct chart *c, const struct sb_results *set, double y) {
    for (size_t i = 0; i < set->n_cells; i++, y += BAR_HEIGHT) {
        if (chart_begins_model(set, i)) {
            chart_text(c, TEXT_MODEL, c->edge, y + MODEL_HEIGHT / 2.0,
                       sb_model_label(&set->cells[i]), c->width - 2 * c->edge);
            y += MODEL_HEIGHT;
        }
        chart_text(c, TEXT_NAME, c->edge + c->names - 8, y + BAR_HEIGHT / 2.0,
                   sb_backend_label(&set->cells[i]), c->names - 8);
    }
}

/* ---- the panels ----------------------------------------------------------------------------- */

/* Side by side behind one column of names, or each with its names on a sheet of its own. */
void bars_draw(struct chart *c, const struct sb_results *set) {
    int n = has_loads(set) ? 3 : 2;
    double column = (c->width - 2 * c->edge - c->names) / (c->panels ? 1 : n);
    for (int i = 0; i < n; i++) {
        if (c->panels)
            chart_begin_sheet(c, c->edge + bars_height(set));
        struct panel p = {.left = c->edge + c->names + (c->panels ? 0 : column * i),
                          .top = c->y + HEADS_HEIGHT,
                          .width = column - c->values,
                          .height = rows_height(set),
                          .x = scale_of(set, metrics[i])};
        draw_panel(c, &p, set, metrics[i]);
        if (c->panels || i == 0)
            put_names(c, set, p.top);
        if (c->panels)
            chart_end_sheet(c);
    }
    c->y += bars_height(set);
}
