/* HTML: the document of report.h as one self-contained page.
 *
 * The same Markdown, rendered by md4c with raw HTML switched off: text from outside can never be
 * a tag, also if its escaping in the Markdown should fail, and the page's Content-Security-Policy
 * runs no script but its own. The chart of plot.h stands in it where gnuplot can draw it. Nothing
 * is loaded from elsewhere. Tables sort by a click on a heading; without scripts the page is
 * complete all the same. */
#ifndef STRATOBENCH_HTML_H
#define STRATOBENCH_HTML_H

#include "stratobench/results.h"

/* Appends the page to `ret`. 0, or -EFBIG when ret's limit cut it. */
int sb_html_page(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

#endif
