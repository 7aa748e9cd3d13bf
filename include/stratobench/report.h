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
/* The same without the links to the charts beside it, for a page that holds the chart itself. */
int sb_report_text(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

/* Text from outside (labels, notes, reasons) made safe for a Markdown table cell, heading or list:
 * | < > ` * \ $ always, & _ ~ # ] where they would be read as markup; line ends and tabs become
 * blanks, other control characters and malformed UTF-8 U+FFFD. */
void sb_markdown_escape(struct sb_buf *b, const char *text);

/* "50s", "1m41s", below ten seconds "3.2s". NaN appends an em dash. */
void sb_format_load(struct sb_buf *b, double load_s);

#endif
