/* Report: results -> Markdown (HTML and SVG are made from it in html.h and plot.h).
 *
 * From the results alone: same input, same bytes. The format is that of the reference
 * document, to the character; what goes beyond it is added under it. */
#ifndef STRATOBENCH_REPORT_H
#define STRATOBENCH_REPORT_H

#include "stratobench/results.h"

/* The whole document: the sections (merge.h) of the result sets, the first under a `#` title, the
 * following ones under `##`. Appends to `ret`. 0, or -EFBIG when ret's limit cut it. */
int sb_report_markdown(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

/* HTML: the document of report.h as one self-contained page.
 *
 * The same Markdown, rendered by md4c with raw HTML switched off: text from outside can never be
 * a tag, also if its escaping in the Markdown should fail, and the page's Content-Security-Policy
 * runs no script but its own. The chart of plot.h stands in it where gnuplot can draw it. Nothing
 * is loaded from elsewhere. Tables sort by a click on a heading; without scripts the page is
 * complete all the same. */

/* Appends the page to `ret`. 0, or -EFBIG when ret's limit cut it. */
int sb_html_page(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

/* Exports. CSV and JSON lines: a row a run, warm-ups too, with the units in the names; a cell without
 * a run has one row, which says why; what was not measured is empty or absent. llama-bench: its
 * Markdown table of the ok cells, to the column. 0, or -EFBIG when ret's limit cut it. */
int sb_report_csv(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);
int sb_report_jsonl(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);
int sb_report_llama_bench(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

#endif
