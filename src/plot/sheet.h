/* What the parts of a chart share: a sheet, texts on it, panels in it.
 *
 * sheet.c the sheet · bars.c a section's bars · lines.c a model's lines over depth and slots · script.c the
 * whole · plot.c gnuplot's SVG made ours. */
#ifndef SB_PLOT_SHEET_H
#define SB_PLOT_SHEET_H

#include "script.h"
#include "stratobench/base.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

/* In pixels. Bars: a column of backend names, then the panels, each with room for the figure behind
 * its longest bar. */
enum {
    TITLE_HEIGHT = 40,
    HEADS_HEIGHT = 26,
    MODEL_HEIGHT = 30,
    BAR_HEIGHT = 20,
    BAR_INSET = 2,
    AXIS_HEIGHT = 36,
    LINES_HEIGHT = 170,
};

enum text_kind { TEXT_TITLE, TEXT_MODEL, TEXT_HEAD, TEXT_NAME, TEXT_VALUE, TEXT_BAD, N_TEXTS };

struct chart {
    struct plot_script *script;
    bool panels;                       /* each panel a sheet of its own */
    bool history;                      /* lines alone, over the number of a look */
    double width, edge, names, values; /* of the sheet, its margins, the columns of text */
    struct sb_buf labels[N_TEXTS];     /* data of the texts: x y placeholder */
    struct sb_buf legend;              /* data of its markers: x y marker colour */
    struct sb_index backends;          /* by label */
    double y;                          /* where the next thing goes, from the top */
};

/* The end of a list of plots: a point off the sheet, which keeps gnuplot content when all else is
 * empty. */
#define PLOT_NOTHING "'+' using (-1):(-1) every 1000 with dots notitle\n"

void chart_begin_sheet(struct chart *c, double height);
void chart_end_sheet(struct chart *c);
void chart_add(struct chart *c, const char *commands);

/* Every backend keeps its colour and its marker over all sheets. */
const char *chart_colour(struct chart *c, const struct sb_cell *cell);
int chart_marker(struct chart *c, const struct sb_cell *cell);

/* The number of the placeholder that stands for a text. */
size_t chart_placeholder(struct chart *c, const char *text);
/* Text on the sheet, cut with "…" where it is wider than `most` pixels. */
void chart_text(struct chart *c, enum text_kind kind, double x, double y, const char *text,
                double most);
/* Pixels that a text surely does not exceed. */
double chart_text_width(const char *text);
/* "Vulkan, Dense 4 GB F16: 422.6 ±10.8 tok/s": what a pointer over a figure reads. */
size_t chart_hint(struct chart *c, const struct sb_cell *cell, const char *where,
                  const char *figure);

/* From the least to the most of what is drawn; logarithmic, from 1, 2 or 5 times a power of ten on,
 * where the least would lie on the zero line. */
struct scale {
    double low, high;
    bool log;
};
struct scale chart_scale(double least, double most);
/* Where a value lies, 0 to 1. */
double chart_place(const struct scale *s, double value);
const char *chart_scale_words(const struct scale *s); /* ", logarithmic", or "" */

struct panel {
    double left, top, width, height; /* px */
    struct scale x, y;               /* y.high 0: y counts pixels from the top */
};
void chart_begin_panel(struct chart *c, const struct panel *p);

struct figure {
    double mean, stddev; /* NaN: none */
};
/* "422.6 ±10.8" */
void chart_put_figure(struct sb_buf *b, struct figure f);

bool chart_begins_model(const struct sb_results *set, size_t i);

/* A section's bars; its lines, where there are several depths or numbers of requests at once. */
double bars_height(const struct sb_results *set);
void bars_draw(struct chart *c, const struct sb_results *set);
double lines_height(const struct sb_results *set);
void lines_draw(struct chart *c, const struct sb_results *set);

#endif
