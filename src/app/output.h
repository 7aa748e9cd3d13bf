/* Output: the files of one run: STEM.json, STEM.md, STEM.svg, STEM.logs/. */
#ifndef STRATOBENCH_OUTPUT_H
#define STRATOBENCH_OUTPUT_H

#include "stratobench/results.h"

struct sb_output {
    char *stem, *json, *markdown, *chart, *logs;
    int lock_fd; /* on the logs folder: gone with the process, nothing to clean up */
};

/* The config's name without its .ini, in the current folder; the caller frees. */
char *sb_output_default_stem(const char *config);

/* Makes the logs folder and locks it, and proves that files can be written beside it, over nothing
 * that is not ours and over no file in `inputs` (what the matrix is made from). 0, or -errno with
 * one line; -EBUSY when another stratobench works on this STEM. */
int sb_output_open(const char *stem, bool chart, const struct sb_strv *inputs,
                   struct sb_output *ret, struct sb_buf *error);
void sb_output_close(struct sb_output *o);

/* Copies the results file, if there is one, to STEM.json~. 0, or -errno with one line. */
int sb_output_back_up(const struct sb_output *o, struct sb_buf *error);

/* Renders the document from the results file just written: the one reporting path. */
int sb_output_render(const struct sb_output *o, struct sb_buf *error);

/* Draws the chart of what was measured and names it in the results. 0; -ENOENT without gnuplot,
 * which is no fault; another -errno with one line. */
int sb_output_draw(const struct sb_output *o, struct sb_results *r, struct sb_buf *error);

#endif
