#include "stratobench/text.h"

#include <stdlib.h>
#include <string.h>

void sb_style_add(struct sb_buf *b, enum sb_style style, const char *text) {
    if (!text)
        return;
    if (style == SB_STYLE_MARKDOWN) {
        sb_markdown_escape(b, text);
        return;
    }
    char *line = sb_strdup(text);
    for (char *c = line; (c = strpbrk(c, "\n\t")); c++)
        *c = ' ';
    sb_buf_add_printable(b, line, strlen(line));
    free(line);
}

void sb_interval_add(struct sb_buf *b, double low, double high, int decimals) {
    const double most = 100;
    sb_buf_addf(b, "%.*f–", decimals, low < most ? low : most);
    if (high < most)
        sb_buf_addf(b, "%.*f", decimals, high);
    else
        sb_buf_addf(b, "%.0f+", most);
}

struct sb_table sb_table_begin(const struct sb_table_column *columns, size_t n_columns) {
    return (struct sb_table){columns, n_columns, SB_BUF_INIT(SIZE_MAX)};
}

void sb_table_take(struct sb_table *t, struct sb_buf *content) {
    sb_table_add(t, sb_buf_str(content));
    sb_buf_release(content);
}

void sb_table_add(struct sb_table *t, const char *content) {
    sb_buf_add(&t->cells, content, strlen(content) + 1);
}

void sb_table_release(struct sb_table *t) {
    sb_buf_release(&t->cells);
}

/* The cell at `at`, which then is the next one's place; empty where a short last row has none. */
static const char *next_cell(const struct sb_table *t, size_t *at) {
    if (*at == t->cells.len)
        return "";
    const char *cell = sb_buf_str(&t->cells) + *at;
    *at += strlen(cell) + 1;
    return cell;
}

struct line {
    struct sb_buf *b;
    size_t blanks; /* owed before the next content, so that no line ends in blanks */
};

static void print_text_cell(struct line *l, const char *text, size_t width, bool right) {
    size_t pad = width - sb_text_width(text);
    if (right)
        l->blanks += pad;
    if (*text) {
        sb_buf_addf(l->b, "%*s%s", (int)l->blanks, "", text);
        l->blanks = 0;
    }
    l->blanks += (right ? 0 : pad) + 2;
}

static void print_text(const struct sb_table *t, struct sb_buf *ret) {
    size_t *width = sb_alloc(t->n_columns, sizeof *width);
    for (size_t c = 0; c < t->n_columns; c++)
        width[c] = sb_text_width(t->columns[c].title);
    for (size_t at = 0, c = 0; at < t->cells.len; c = c + 1 < t->n_columns ? c + 1 : 0) {
        size_t w = sb_text_width(next_cell(t, &at));
        if (w > width[c])
            width[c] = w;
    }
    struct line titles = {.b = ret};
    for (size_t c = 0; c < t->n_columns; c++)
        print_text_cell(&titles, t->columns[c].title, width[c], t->columns[c].right);
    sb_buf_adds(ret, "\n");
    for (size_t at = 0; at < t->cells.len;) {
        struct line row = {.b = ret};
        for (size_t c = 0; c < t->n_columns; c++)
            print_text_cell(&row, next_cell(t, &at), width[c], t->columns[c].right);
        sb_buf_adds(ret, "\n");
    }
    free(width);
}

static void print_markdown(const struct sb_table *t, struct sb_buf *ret) {
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_addf(ret, "| %s ", t->columns[c].title);
    sb_buf_adds(ret, "|\n");
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_adds(ret, t->columns[c].right ? "|---:" : "|---");
    sb_buf_adds(ret, "|\n");
    for (size_t at = 0; at < t->cells.len;) {
        for (size_t c = 0; c < t->n_columns; c++) {
            sb_buf_adds(ret, "| ");
            sb_buf_adds(ret, next_cell(t, &at));
            sb_buf_adds(ret, " ");
        }
        sb_buf_adds(ret, "|\n");
    }
}

void sb_table_print(const struct sb_table *t, enum sb_style style, struct sb_buf *ret) {
    if (style == SB_STYLE_MARKDOWN)
        print_markdown(t, ret);
    else
        print_text(t, ret);
}
