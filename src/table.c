#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "stratobench/report.h"

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

void sb_table_take(struct sb_table *t, struct sb_buf *content) {
    sb_strv_take(&t->cells, sb_buf_detach(content));
}

void sb_table_add(struct sb_table *t, const char *content) {
    sb_strv_add(&t->cells, content);
}

void sb_table_release(struct sb_table *t) {
    sb_strv_release(&t->cells);
}

/* Characters, taken as one column each: continuation bytes of UTF-8 do not count. */
static size_t width_of(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static const char *cell_at(const struct sb_table *t, size_t row, size_t column) {
    size_t i = row * t->n_columns + column;
    return i < t->cells.n ? t->cells.item[i] : "";
}

static void print_text_row(const struct sb_table *t, const size_t *width, size_t row,
                           struct sb_buf *ret) {
    size_t blanks = 0; /* owed before the next content, so that no line ends in blanks */
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *text = row == SIZE_MAX ? t->columns[c].title : cell_at(t, row, c);
        size_t pad = width[c] - width_of(text);
        if (t->columns[c].right)
            blanks += pad;
        if (*text) {
            sb_buf_addf(ret, "%*s%s", (int)blanks, "", text);
            blanks = 0;
        }
        blanks += (t->columns[c].right ? 0 : pad) + 2;
    }
    sb_buf_adds(ret, "\n");
}

static void print_text(const struct sb_table *t, size_t n_rows, struct sb_buf *ret) {
    size_t *width = sb_alloc(t->n_columns, sizeof *width);
    for (size_t c = 0; c < t->n_columns; c++) {
        width[c] = width_of(t->columns[c].title);
        for (size_t r = 0; r < n_rows; r++) {
            size_t w = width_of(cell_at(t, r, c));
            if (w > width[c])
                width[c] = w;
        }
    }
    print_text_row(t, width, SIZE_MAX, ret);
    for (size_t r = 0; r < n_rows; r++)
        print_text_row(t, width, r, ret);
    free(width);
}

static void print_markdown(const struct sb_table *t, size_t n_rows, struct sb_buf *ret) {
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_addf(ret, "| %s ", t->columns[c].title);
    sb_buf_adds(ret, "|\n");
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_adds(ret, t->columns[c].right ? "|---:" : "|---");
    sb_buf_adds(ret, "|\n");
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++)
            sb_buf_addf(ret, "| %s ", cell_at(t, r, c));
        sb_buf_adds(ret, "|\n");
    }
}

void sb_table_print(const struct sb_table *t, enum sb_style style, struct sb_buf *ret) {
    size_t n_rows = (t->cells.n + t->n_columns - 1) / t->n_columns;
    if (style == SB_STYLE_MARKDOWN)
        print_markdown(t, n_rows, ret);
    else
        print_text(t, n_rows, ret);
}
