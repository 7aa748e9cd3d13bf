/* What the files of the html module share.
 *
 * html_render.c Markdown by md4c's events · html_matrix.c the table of models and backends ·
 * html_page.c what the page shows, from the verdict down · html.c the file around it. */
#ifndef SB_HTML_PARTS_H
#define SB_HTML_PARTS_H

#include "parts.h"
#include "stratobench/verdict.h"

/* The document's Markdown as HTML. Only what the renderer itself writes is a tag: raw HTML, links
 * and pictures in it become text, and what is a folded block, a table of figures or a footnote is
 * what the marks say. 0 or -EFBIG. */
int html_render(const struct report_doc *d, struct sb_buf *html);

/* One section's models by its backends. */
struct html_section {
    const struct sb_section *section;
    const struct sb_rank *rank;
    size_t number;                            /* from 0 */
    struct sb_strv anchor;                    /* of each model of the rank: its id in the page */
    const struct sb_answers_verdict *answers; /* one a cell of the section */
};
void html_put_matrix(struct sb_buf *b, const struct html_section *s);

/* All that stands within <main>. */
int html_put_page(struct sb_buf *b, const struct sb_results *const *sets, size_t n);

#endif
