/* Prompts that hold a picture: what they are made of, and what of their time is the picture's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

const char *report_picture(const struct sb_cell *c) {
    const char *slash = c->model.image ? strrchr(c->model.image, '/') : NULL;
    return slash ? slash + 1 : c->model.image;
}

/* Of the runs that count at the cell's first prompt, the mean of what `figure` says; NaN. */
static double mean_of(const struct sb_cell *c, double (*figure)(const struct sb_run *r)) {
    struct sb_at at = sb_cell_first_at(c);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        if (!sb_run_counts(r) || !sb_at_same(r->at, at) || r->image_n < 0 || isnan(figure(r)))
            continue;
        sum += figure(r);
        n++;
    }
    return n ? sum / (double)n : (double)NAN;
}

static double image_n(const struct sb_run *r) {
    return (double)r->image_n;
}

static double text_n(const struct sb_run *r) {
    return (double)(r->prompt_n - r->image_n);
}

static double encode_ms(const struct sb_run *r) {
    return r->image_encode_ms;
}

static double encode_share(const struct sb_run *r) {
    return r->image_encode_ms / r->prompt_ms;
}

double report_picture_tokens(const struct sb_cell *c) {
    return mean_of(c, image_n);
}

static double text_tokens(const struct sb_cell *c) {
    return mean_of(c, text_n);
}

static double encode(const struct sb_cell *c) {
    return mean_of(c, encode_ms);
}

static double share(const struct sb_cell *c) {
    return mean_of(c, encode_share);
}

static void put_picture(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    sb_markdown_escape(b, report_picture(r->cell));
}

static const struct report_column *const columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"Picture", .put = put_picture},
    &(const struct report_column){"Image tokens", .value = report_picture_tokens, .unit = ""},
    &(const struct report_column){"Text tokens", .value = text_tokens, .unit = ""},
    &(const struct report_column){"Encode", .value = encode, .unit = " ms"},
    &(const struct report_column){"Of the prompt's time", .value = share, .scale = 100,
                                  .unit = " %"},
};

/* Another number of tokens is another prompt. */
static bool differ(const struct report_row *rows, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (sb_same_model(rows[i - 1].cell, rows[i].cell) &&
            fabs(report_picture_tokens(rows[i - 1].cell) - report_picture_tokens(rows[i].cell)) >=
                1)
            return true;
    return false;
}

void report_vision(struct report_doc *d, struct report_group *g) {
    struct report_row *rows = sb_alloc(g->n_cells, sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; i < g->n_cells; i++) {
        const struct sb_cell *c = &g->cells[i];
        rows[n] = report_row_of_cell(c);
        n += c->status == SB_OK && report_picture(c) && isfinite(report_picture_tokens(c));
    }
    if (n) {
        sb_buf_adds(d->text, "**Vision:** the prompt is a picture and a text, and PP is over the "
                             "tokens of both, the picture's encoding included; answers and turns "
                             "are of the text alone\n\n");
        report_table(d, g, columns, ARRAY_LEN(columns), rows, n);
    }
    if (differ(rows, n))
        sb_buf_adds(d->text, "**Not one prompt:** the picture is not as many tokens to each of "
                             "them, so their PP is not of the same.\n\n");
    free(rows);
}
