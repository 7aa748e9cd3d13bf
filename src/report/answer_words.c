/* What servers that differ would have written in the place of the prompt's own tokens. Only the page
 * has room for it: each column is a server, each line a token at which not all expect the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "stratobench/verdict.h"

enum { MAX_LINES = 8, TOKENS_BEFORE = 4 };

struct column {
    const struct sb_cell *cell;
    const struct sb_answer *answer;
};
struct columns {
    struct column *item;
    size_t n;
};

static bool differs(const struct sb_answers_verdict *v) {
    return v->state >= SB_ANSWERS_DISAGREES;
}

static bool is_same_place(struct sb_at a, const struct sb_answers_verdict *v) {
    return sb_at_same(a, v->at);
}

/* It, or one that is held against it, differs at that place. */
static bool takes_part(const struct report_group *g, size_t i, struct sb_at at) {
    for (size_t k = 0; k < g->n_cells; k++) {
        const struct sb_answers_verdict *v = &g->answers[k];
        if (differs(v) && is_same_place(at, v) && (k == i || v->other == i))
            return true;
    }
    return false;
}

static void add(struct columns *c, const struct sb_cell *cell, const struct sb_answer *a) {
    if (!a || (c->n && a->n_positions != c->item[0].answer->n_positions))
        return;
    c->item = sb_grow(c->item, c->n, sizeof *c->item);
    c->item[c->n++] = (struct column){cell, a};
}

static struct columns columns_at(const struct report_group *g, struct sb_at at) {
    struct columns c = {NULL, 0};
    for (size_t i = 0; i < g->n_cells; i++) {
        if (!takes_part(g, i, at))
            continue;
        add(&c, &g->cells[i], sb_cell_answer(&g->cells[i], at, false, 0));
        if (g->answers[i].state == SB_ANSWERS_CONTRADICTS)
            add(&c, &g->cells[i], sb_cell_answer(&g->cells[i], at, true, 0));
    }
    return c;
}

static bool differ_at(const struct columns *c, size_t position) {
    for (size_t i = 0; i < c->n; i++) {
        const struct sb_answer_position *p = &c->item[0].answer->positions[position],
                                        *q = &c->item[i].answer->positions[position];
        if (p->n_top && q->n_top && p->top[0] != q->top[0])
            return true;
    }
    return false;
}

/* A token with what of it is blank made visible. */
static void put_token(struct sb_buf *b, const char *text) {
    struct sb_buf seen = SB_BUF_INIT(SB_TEXT_MAX);
    if (!text || !*text) {
        sb_buf_adds(b, SB_ABSENT);
        return;
    }
    for (const char *s = text; *s; s++) {
        bool edge = s == text || s[1] == '\0';
        if (*s == '\n')
            sb_buf_adds(&seen, "↵");
        else if (*s == '\t')
            sb_buf_adds(&seen, "⇥");
        else if (*s == ' ' && edge)
            sb_buf_adds(&seen, "␣");
        else
            sb_buf_add(&seen, s, 1);
    }
    sb_markdown_escape(b, sb_buf_str(&seen));
    sb_buf_release(&seen);
}

static void put_text_before(struct sb_buf *b, const struct sb_answer *a, size_t position) {
    struct sb_buf text = SB_BUF_INIT(SB_TEXT_MAX);
    for (size_t i = position > TOKENS_BEFORE ? position - TOKENS_BEFORE : 0; i < position; i++)
        sb_buf_adds(&text, a->positions[i].text ? a->positions[i].text : "");
    sb_buf_adds(b, "…");
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    sb_markdown_escape(b, sb_buf_str(&text));
    sb_buf_release(&text);
}

static void put_head(struct sb_buf *b, const struct columns *c) {
    sb_buf_adds(b, "| Behind | The text |");
    for (size_t i = 0; i < c->n; i++) {
        sb_buf_adds(b, " ");
        sb_markdown_escape(b, sb_backend_label(c->item[i].cell));
        sb_buf_adds(b, c->item[i].answer->pieces ? ", in pieces |" : " |");
    }
    sb_buf_adds(b, "\n|---|---|");
    for (size_t i = 0; i < c->n; i++)
        sb_buf_adds(b, "---|");
    sb_buf_adds(b, "\n");
}

static void put_line(struct sb_buf *b, const struct columns *c, size_t position) {
    const struct sb_answer *first = c->item[0].answer;
    sb_buf_adds(b, "| ");
    put_text_before(b, first, position);
    sb_buf_adds(b, " | ");
    put_token(b, first->positions[position].text);
    for (size_t i = 0; i < c->n; i++) {
        sb_buf_adds(b, " | ");
        put_token(b, c->item[i].answer->positions[position].expected);
    }
    sb_buf_adds(b, " |\n");
}

static void put_lines(struct report_doc *d, const struct columns *c) {
    size_t from = d->text->len, n = c->item[0].answer->n_positions, lines = 0;
    put_head(d->text, c);
    for (size_t i = 0; i < n && lines < MAX_LINES; i++)
        if (differ_at(c, i)) {
            put_line(d->text, c, i);
            lines++;
        }
    char *kinds = sb_alloc(c->n + 3, 1);
    memset(kinds, REPORT_WORDS, c->n + 2);
    report_doc_mark(d, REPORT_TABLE, from, kinds);
}

static void put_place(struct report_doc *d, const struct report_group *g, struct sb_at at) {
    struct columns c = columns_at(g, at);
    size_t n_differ = 0;
    for (size_t i = 0; c.n > 1 && i < c.item[0].answer->n_positions; i++)
        n_differ += differ_at(&c, i);
    if (n_differ) {
        char *summary =
            sb_asprintf("What each would have written: they differ at %zu of %zu tokens", n_differ,
                        c.item[0].answer->n_positions);
        report_doc_begin_details(d, summary);
        put_lines(d, &c);
        report_doc_end_details(d);
        free(summary);
    }
    free(c.item);
}

void report_answer_words(struct report_doc *d, const struct report_group *g) {
    for (size_t i = 0; g->page && i < g->n_cells; i++) {
        const struct sb_answers_verdict *v = &g->answers[i];
        bool shown = !differs(v);
        for (size_t k = 0; k < i; k++)
            shown |= differs(&g->answers[k]) && is_same_place(v->at, &g->answers[k]);
        if (!shown)
            put_place(d, g, v->at);
    }
}
