/* The document while it is written: Markdown, and beside it what its stretches are. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void report_doc_mark(struct report_doc *d, enum report_kind kind, size_t from, char *text) {
    d->marks = sb_grow(d->marks, d->n_marks, sizeof *d->marks);
    d->marks[d->n_marks++] = (struct report_mark){kind, from, d->text->len, text};
}

void report_doc_begin_details(struct report_doc *d, const char *summary) {
    size_t from = d->text->len;
    sb_buf_addf(d->text, "<details><summary>%s</summary>\n\n", summary);
    report_doc_mark(d, REPORT_DETAILS, from, sb_strdup(summary));
}

void report_doc_end_details(struct report_doc *d) {
    if (d->text->len < 2 || strcmp(sb_buf_str(d->text) + d->text->len - 2, "\n\n") != 0)
        sb_buf_adds(d->text, "\n"); /* a table has ended with one */
    size_t from = d->text->len;
    sb_buf_adds(d->text, "</details>\n\n");
    report_doc_mark(d, REPORT_DETAILS_END, from, NULL);
}

void report_doc_release(struct report_doc *d) {
    for (size_t i = 0; i < d->n_marks; i++)
        free(d->marks[i].text);
    free(d->marks);
    d->marks = NULL;
    d->n_marks = 0;
}
