/* Footnotes of a table: a mark behind a figure, a sentence under the table. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

static struct report_note *find(struct report_group *g, const char *flag) {
    for (size_t i = 0; flag && i < g->n_notes; i++)
        if (g->notes[i].flag && strcmp(g->notes[i].flag, flag) == 0)
            return &g->notes[i];
    return NULL;
}

void report_note(struct sb_buf *b, struct report_group *g, struct report_note n, char *subject) {
    struct report_note *into = find(g, n.flag);
    if (!into) {
        g->notes = sb_grow(g->notes, g->n_notes, sizeof *g->notes);
        into = &g->notes[g->n_notes++];
        *into = n;
    } else if (n.size > into->size) {
        free(into->text);
        into->text = n.text;
        into->size = n.size;
        into->largest = into->subjects.n;
    } else {
        free(n.text);
    }
    sb_strv_take(&into->subjects, subject);
    sb_buf_adds(b, " ");
    report_superscript(b, (size_t)(into - g->notes) + 1);
}

/* "NOISY: PP of CPU: the runs vary …", "NOISY: PP of CPU, TG of CPU (largest, PP of CPU: …)" */
static void put_note(struct sb_buf *b, const struct report_note *n) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    if (n->flag)
        sb_buf_addf(&text, "%s: ", n->flag);
    for (size_t i = 0; i < n->subjects.n && n->flag; i++)
        sb_buf_addf(&text, "%s%s", i ? ", " : "", n->subjects.item[i]);
    bool several = n->subjects.n > 1;
    if (several)
        sb_buf_addf(&text, " (largest, %s", n->subjects.item[n->largest]);
    sb_buf_addf(&text, "%s%s%s", n->flag ? ": " : "", n->text, several ? ")." : n->flag ? "." : "");
    sb_markdown_escape(b, sb_buf_str(&text));
    sb_buf_release(&text);
}

void report_put_notes(struct report_doc *d, struct report_group *g) {
    size_t from = d->text->len;
    for (size_t i = 0; i < g->n_notes; i++) {
        report_superscript(d->text, i + 1);
        sb_buf_adds(d->text, " ");
        put_note(d->text, &g->notes[i]);
        sb_buf_adds(d->text, "  \n");
        sb_strv_release(&g->notes[i].subjects);
        free(g->notes[i].text);
    }
    if (g->n_notes) {
        sb_buf_adds(d->text, "\n");
        report_doc_mark(d, REPORT_NOTES, from, sb_asprintf("%zu", g->n_notes));
    }
    free(g->notes);
    g->notes = NULL;
    g->n_notes = 0;
}
