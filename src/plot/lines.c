/* Lines of PP and TG over depth, and over requests at once, for every model and prompt with several. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sheet.h"

/* What the lines go over; the other one is that of the cell's first point. */
struct axis {
    const char *name;     /* in the heading */
    const char *where[2]; /* around a point's number, in a hint */
    bool slots;
    bool needs_two; /* a single place makes no chart */
};
static const struct axis over_depth = {"depth", {" at depth ", ""}, false, false},
                         over_looks = {"the looks", {", look ", ""}, false, false},
                         over_slots = {"requests at once", {", ", " at once"}, true, true};

/* A model's stretch of cells, at one prompt. */
struct stretch {
    const struct axis *axis;
    const struct sb_cell *cells;
    size_t n;
    int prompt;
    const char *prompt_label; /* "" where there is one prompt alone */
};

static bool is_drawn(const struct stretch *s, const struct sb_cell *c, const struct sb_point *p,
                     enum sb_metric m) {
    struct sb_at first = sb_cell_first_at(c);
    bool on_line = s->axis->slots ? p->at.depth == first.depth : p->at.slots == first.slots;
    return c->status == SB_OK && p->at.prompt == s->prompt && on_line &&
           sb_point_summary(p, m)->n > 0;
}

static int place_of(const struct stretch *s, const struct sb_point *p) {
    return s->axis->slots ? p->at.slots : p->at.depth;
}

static struct stretch stretch_at(const struct axis *axis, const struct sb_results *set,
                                 size_t first, int prompt) {
    size_t end = first + 1;
    while (end < set->n_cells && !chart_begins_model(set, end))
        end++;
    const char *label = set->bench.n_prompts > 1 ? set->bench.prompts[prompt].label : NULL;
    return (struct stretch){axis, &set->cells[first], end - first, prompt, label ? label : ""};
}

static int farthest(const struct stretch *s, size_t from, size_t n) {
    int far = 0;
    for (size_t i = from; i < from + n; i++)
        for (size_t p = 0; p < s->cells[i].n_points; p++)
            if (is_drawn(s, &s->cells[i], &s->cells[i].points[p], SB_PP) &&
                place_of(s, &s->cells[i].points[p]) > far)
                far = place_of(s, &s->cells[i].points[p]);
    return far;
}

static bool is_worth_drawing(const struct stretch *s) {
    int far = farthest(s, 0, s->n);
    for (size_t i = 0; i < s->n && s->axis->needs_two; i++)
        for (size_t p = 0; p < s->cells[i].n_points; p++)
            if (is_drawn(s, &s->cells[i], &s->cells[i].points[p], SB_PP) &&
                place_of(s, &s->cells[i].points[p]) < far)
                return true;
    return far > 0 && !s->axis->needs_two;
}

static struct scale scale_of(const struct stretch *s, enum sb_metric m) {
    double least = NAN, most = NAN;
    for (size_t i = 0; i < s->n; i++)
        for (size_t p = 0; p < s->cells[i].n_points; p++) {
            if (!is_drawn(s, &s->cells[i], &s->cells[i].points[p], m))
                continue;
            const struct sb_summary *f = sb_point_summary(&s->cells[i].points[p], m);
            least = fmin(least, f->mean);
            most = fmax(most, f->mean + (f->stddev > 0 ? f->stddev : 0));
        }
    struct scale scale = chart_scale(least, most);
    scale.high *= scale.log ? 1.3 : 1.05;
    return scale;
}

static size_t add_points(struct chart *c, const struct stretch *s, size_t cell, enum sb_metric m) {
    size_t n = 0;
    sb_buf_addf(&c->script->commands, "$line%zu << EOD\n", cell);
    for (size_t k = 0; k < s->cells[cell].n_points; k++) {
        const struct sb_point *p = &s->cells[cell].points[k];
        if (!is_drawn(s, &s->cells[cell], p, m))
            continue;
        const struct sb_summary *f = sb_point_summary(p, m);
        sb_buf_addf(&c->script->commands, "%d %.6g %.6g\n", place_of(s, p), f->mean,
                    f->stddev > 0 ? f->stddev : 0);
        n++;
    }
    chart_add(c, "EOD\n");
    return n;
}

/* A line, and each of its points as a plot of its own, whose title a pointer over it reads. */
static void plot_line(struct chart *c, const struct stretch *s, size_t cell, enum sb_metric m) {
    const char *colour = chart_colour(c, &s->cells[cell]);
    sb_buf_addf(&c->script->commands, "$line%zu using 1:2 with lines lw 2 lc rgb '%s' notitle, ",
                cell, colour);
    for (size_t k = 0, row = 0; k < s->cells[cell].n_points; k++) {
        const struct sb_point *p = &s->cells[cell].points[k];
        if (!is_drawn(s, &s->cells[cell], p, m))
            continue;
        const struct sb_summary *f = sb_point_summary(p, m);
        struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
        chart_put_figure(&text, (struct figure){f->mean, f->stddev});
        sb_buf_addf(&text, " tok/s %s", sb_metric_name(m));
        char *where = sb_asprintf("%s%d%s", s->axis->where[0], place_of(s, p), s->axis->where[1]);
        sb_buf_addf(
            &c->script->commands,
            "$line%zu every ::%zu::%zu using 1:2:3 with yerrorbars pt %d ps 0.7 lw 1.2 lc rgb "
            "'%s' title 'T%zu', ",
            cell, row, row, chart_marker(c, &s->cells[cell]), colour,
            chart_hint(c, &s->cells[cell], where, sb_buf_str(&text)));
        free(where);
        sb_buf_release(&text);
        row++;
    }
}

/* The least place beyond this one; 0 = there is none. */
static int next_place(const struct stretch *s, int beyond) {
    int next = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t p = 0; p < s->cells[i].n_points; p++) {
            int x = place_of(s, &s->cells[i].points[p]);
            if (x > beyond && (next == 0 || x < next) &&
                is_drawn(s, &s->cells[i], &s->cells[i].points[p], SB_PP))
                next = x;
        }
    return next;
}

/* Of requests at once nothing lies between the numbers that were made: those are named, as far as
 * there is room. */
static void name_places(struct chart *c, const struct panel *p, const struct stretch *s) {
    enum { ROOM_PX = 14 };
    double room = ROOM_PX / p->width * p->x.high, far = farthest(s, 0, s->n);
    const char *before = "set xtics (";
    for (int x = next_place(s, 0); x; x = x + room > far ? 0 : next_place(s, (int)(x + room))) {
        sb_buf_addf(&c->script->commands, "%s%d", before, x);
        before = ",";
    }
    chart_add(c, *before == ',' ? ")\n" : "");
}

static void draw_panel(struct chart *c, const struct panel *p, const struct stretch *s,
                       enum sb_metric m) {
    char *head = sb_asprintf("%s over %s (tok/s%s)", sb_metric_name(m), s->axis->name,
                             chart_scale_words(&p->y));
    chart_text(c, TEXT_HEAD, p->left, p->top - HEADS_HEIGHT / 2.0, head,
               c->width - p->left - c->edge);
    free(head);
    chart_begin_panel(c, p);
    if (s->axis->slots)
        name_places(c, p, s);
    bool *has = sb_alloc(s->n, sizeof *has);
    for (size_t i = 0; i < s->n; i++)
        has[i] = add_points(c, s, i, m) > 0;
    chart_add(c, "plot ");
    for (size_t i = 0; i < s->n; i++)
        if (has[i])
            plot_line(c, s, i, m);
    chart_add(c, PLOT_NOTHING);
    free(has);
}

/* Marker and name of each backend, side by side. */
static void put_legend(struct chart *c, const struct stretch *s) {
    double x = c->edge + 8;
    for (size_t i = 0; i < s->n; i++) {
        const char *name = sb_backend_label(&s->cells[i]);
        double most = c->width - c->edge - x - 10;
        if (farthest(s, i, 1) == 0 || most < 40)
            continue;
        sb_buf_addf(&c->legend, "%.1f %.1f %d %ld\n", x, c->y, chart_marker(c, &s->cells[i]),
                    strtol(chart_colour(c, &s->cells[i]) + 1, NULL, 16));
        chart_text(c, TEXT_HEAD, x + 10, c->y, name, most);
        x += 30 + fmin(chart_text_width(name), most);
    }
}

static void put_head(struct chart *c, const struct stretch *s) {
    char *name = sb_asprintf("%s%s%s", sb_model_label(s->cells), *s->prompt_label ? " — " : "",
                             s->prompt_label);
    chart_text(c, TEXT_MODEL, c->edge, c->y + MODEL_HEIGHT / 2.0, name, c->width - 2 * c->edge);
    free(name);
    c->y += MODEL_HEIGHT + HEADS_HEIGHT / 2.0;
    put_legend(c, s);
    c->y += HEADS_HEIGHT * 1.5;
}

static double pair_height(void) {
    return MODEL_HEIGHT + 2 * HEADS_HEIGHT + LINES_HEIGHT + AXIS_HEIGHT;
}

static void draw_pair(struct chart *c, const struct stretch *s) {
    static const enum sb_metric metrics[] = {SB_TG, SB_PP};
    double column = (c->width - 2 * c->edge) / (c->panels ? 1 : 2), top = c->y;
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        if (c->panels)
            chart_begin_sheet(c, c->edge + pair_height());
        if (c->panels || i == 0) {
            put_head(c, s);
            top = c->y;
        }
        struct panel p = {.left = c->edge + 55 + (c->panels ? 0 : column * (double)i),
                          .top = top,
                          .width = column - 75,
                          .height = LINES_HEIGHT,
                          .x.high = farthest(s, 0, s->n) * 1.03,
                          .y = scale_of(s, metrics[i])};
        draw_panel(c, &p, s, metrics[i]);
        if (c->panels)
            chart_end_sheet(c);
    }
    c->y = top + LINES_HEIGHT + AXIS_HEIGHT;
}

/* Draws each model's pairs, or only counts them (c NULL). */
static size_t each_pair(struct chart *c, const struct axis *axis, const struct sb_results *set) {
    size_t n = 0;
    int prompts = set->bench.n_prompts > 1 ? (int)set->bench.n_prompts : 1;
    for (size_t i = 0; i < set->n_cells; i++)
        for (int prompt = 0; chart_begins_model(set, i) && prompt < prompts; prompt++) {
            struct stretch s = stretch_at(axis, set, i, prompt);
            if (!is_worth_drawing(&s))
                continue;
            n++;
            if (c)
                draw_pair(c, &s);
        }
    return n;
}

double lines_height(const struct sb_results *set) {
    return (double)(each_pair(NULL, &over_depth, set) + each_pair(NULL, &over_slots, set)) *
           pair_height();
}

void lines_draw(struct chart *c, const struct sb_results *set) {
    each_pair(c, c->history ? &over_looks : &over_depth, set);
    each_pair(c, &over_slots, set);
}
