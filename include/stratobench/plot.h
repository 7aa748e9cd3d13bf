/* Plot: results as one SVG chart, drawn by gnuplot (a program, started through proc).
 *
 * For each section bars of PP and TG with their sample standard deviation, and of the load,
 * by model and backend; a cell that is not ok has its place and its reason, and no bar. Where
 * cells were measured at several depths, PP and TG over depth as lines, for every prompt. A scale is
 * logarithmic, and says so, where the least figure would lie on the zero line; a pointer over a figure
 * reads whose it is.
 *
 * gnuplot is given numbers and placeholders alone: every text is put into its SVG afterwards,
 * escaped, so that no label can be a command or markup. What names gnuplot's version is taken
 * out: same input, same bytes. The picture brings its own background and follows the reader's
 * light or dark scheme; the colours are those of Okabe and Ito. */
#ifndef STRATOBENCH_PLOT_H
#define STRATOBENCH_PLOT_H

#include "stratobench/results.h"

/* Appends the chart to `svg`. 0; -ENODATA when there are no cells; -ENOENT when there is no
 * gnuplot; another -errno when it failed. On failure one line in `error`. */
int sb_plot_svg(const struct sb_results *const *sets, size_t n, struct sb_buf *svg,
                struct sb_buf *error);

/* The same for a page: an <svg> for each panel, narrow enough for a small screen and without title,
 * background and scheme, which are the page's. */
int sb_plot_panels(const struct sb_results *const *sets, size_t n, struct sb_buf *svg,
                   struct sb_buf *error);

/* PP and TG over time: every cell of the set is a line, whose points' depth is the number of the
 * look (verdict.h, History). */
int sb_plot_history_svg(const struct sb_results *set, struct sb_buf *svg, struct sb_buf *error);

#endif
