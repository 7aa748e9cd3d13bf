/* The layout of a chart, and the gnuplot script that draws it. */
#ifndef SB_PLOT_SCRIPT_H
#define SB_PLOT_SCRIPT_H

#include "stratobench/results.h"

struct plot_size {
    int width_px, height_px;
};
struct plot_script {
    struct sb_buf commands; /* for gnuplot: numbers, and placeholders T0, T1, ... for texts */
    struct sb_strv texts;   /* what the placeholders stand for, raw */
    struct plot_size *sheets;
    size_t n_sheets; /* pictures that gnuplot prints one after the other */
    size_t n_cells;
};

/* Colours of the script that the SVG makes follow the reader's scheme; the rest stay. */
#define PLOT_INK    "#1f2328"
#define PLOT_SOFT   "#59636e"
#define PLOT_GRID   "#d1d9e0"
#define PLOT_GROUND "#ffffff"
/* A font that gnuplot passes on by name, and that the SVG makes a bold sans-serif. */
#define PLOT_BOLD "stratobench-bold"

enum plot_kind {
    PLOT_DOCUMENT, /* one sheet */
    PLOT_PANELS,   /* one a panel, narrow enough for a small screen */
    PLOT_HISTORY,  /* one sheet of lines alone, over the number of a look: the points' depth */
};
void plot_script_make(const struct sb_results *const *sets, size_t n, enum plot_kind kind,
                      struct plot_script *ret);
void plot_script_release(struct plot_script *p);

#endif
