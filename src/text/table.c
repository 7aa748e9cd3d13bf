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
    return (struct sb_table){
        .columns = columns, .n_columns = n_columns, .cells = SB_BUF_INIT(SIZE_MAX)};
}

void sb_table_take(struct sb_table *t, struct sb_buf *content) {
    sb_table_add(t, sb_buf_str(content));
    sb_buf_release(content);
}

/* What a cell in the buffer begins with. */
enum { PLAIN = 'p', SPAN = 's', MARK = 'm' };

static void add_cell(struct sb_table *t, char kind, const char *content) {
    sb_buf_add(&t->cells, &kind, 1);
    sb_buf_add(&t->cells, content, strlen(content) + 1);
}

void sb_table_add(struct sb_table *t, const char *content) {
    add_cell(t, PLAIN, content);
}

void sb_table_span(struct sb_table *t, const char *content) {
    add_cell(t, SPAN, content);
}

void sb_table_mark(struct sb_table *t, const char *content) {
    add_cell(t, MARK, content);
}

void sb_table_release(struct sb_table *t) {
    sb_buf_release(&t->cells);
}

struct row {
    const char **cells; /* n_columns; "" behind a span, and where a short last row has none */
    size_t span; /* the column from which the last cell takes the rest; n_columns: none does */
    bool marked; /* that cell */
};

/* Reads the row at `at`, which then is the next one's place. */
static void next_row(const struct sb_table *t, size_t *at, struct row *r) {
    r->span = t->n_columns;
    r->marked = false;
    for (size_t c = 0; c < t->n_columns; c++) {
        r->cells[c] = "";
        if (*at == t->cells.len || r->span < c)
            continue;
        const char *cell = sb_buf_str(&t->cells) + *at;
        *at += strlen(cell) + 1;
        r->cells[c] = cell + 1;
        r->span = *cell == PLAIN ? t->n_columns : c;
        r->marked = *cell == MARK;
    }
}

/* ---- as text ------------------------------------------------------------------------------- */

enum { LEAST_WIDTH = 8, GAP = 2 };

static size_t longest_word(const char *text) {
    size_t longest = 0;
    while (*text) {
        char *word = sb_strndup(text, strcspn(text, " "));
        size_t width = sb_text_width(word);
        longest = width > longest ? width : longest;
        text += strlen(word) + strspn(text + strlen(word), " ");
        free(word);
    }
    return longest;
}

/* How wide each column is, and how narrow it may become: words are wrapped, figures are not. */
static void measure(const struct sb_table *t, struct row *r, size_t *width, size_t *least) {
    for (size_t c = 0; c < t->n_columns; c++) {
        width[c] = sb_text_width(t->columns[c].title);
        least[c] = t->columns[c].right ? longest_word(t->columns[c].title) : LEAST_WIDTH;
    }
    for (size_t at = 0; at < t->cells.len;) {
        next_row(t, &at, r);
        for (size_t c = 0; c < r->span; c++) {
            size_t w = sb_text_width(r->cells[c]);
            width[c] = w > width[c] ? w : width[c];
            if (t->columns[c].right && w > least[c])
                least[c] = w;
        }
    }
}

static size_t total_width(const struct sb_table *t, const size_t *width) {
    size_t total = GAP * (t->n_columns - 1);
    for (size_t c = 0; c < t->n_columns; c++)
        total += width[c];
    return total;
}

/* Takes columns away, each time from the widest that may give one, until the screen holds all. */
static void shrink(const struct sb_table *t, size_t *width, const size_t *least) {
    for (size_t total = total_width(t, width); t->screen && total > t->screen; total--) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++)
            if (width[c] > least[c] && (widest == t->n_columns || width[c] > width[widest]))
                widest = c;
        if (widest == t->n_columns)
            return;
        width[widest]--;
    }
}

/* The next line of a cell that is wrapped, up to a blank if there is one; taken off *rest. The
 * caller frees. */
static char *take_line(const char **rest, size_t width) {
    size_t fits = sb_text_fit(*rest, width), end = fits;
    if (fits == 0)
        fits = end = strlen(*rest); /* not one character does */
    while ((*rest)[fits] && end > 0 && (*rest)[end] != ' ')
        end--;
    if (end == 0)
        end = fits;
    char *line = sb_strndup(*rest, end);
    *rest += end;
    *rest += strspn(*rest, " ");
    return line;
}

struct line {
    struct sb_buf *b;
    size_t blanks; /* owed before the next content, so that no line ends in blanks */
};

static void print_text_cell(struct line *l, const char *text, size_t width, bool right,
                            const char *marker) {
    size_t own = sb_text_width(text), pad = width > own ? width - own : 0;
    if (right)
        l->blanks += pad;
    if (*text) {
        sb_buf_addf(l->b, "%*s%s%s%s", (int)l->blanks, "", marker ? marker : "", text,
                    marker ? "\x1b[0m" : "");
        l->blanks = 0;
    }
    l->blanks += (right ? 0 : pad) + GAP;
}

/* What a span from that column on has to itself. */
static size_t rest_width(const struct sb_table *t, const size_t *width, size_t column) {
    size_t before = 0;
    for (size_t c = 0; c < column; c++)
        before += width[c] + GAP;
    return !t->screen                         ? SIZE_MAX
           : t->screen > before + LEAST_WIDTH ? t->screen - before
                                              : LEAST_WIDTH;
}

/* One row, in as many lines as its longest cell takes. Advances the cells. */
static void print_text_row(const struct sb_table *t, struct row *r, const size_t *width,
                           struct sb_buf *ret) {
    for (bool more = true; more;) {
        struct line line = {.b = ret};
        more = false;
        for (size_t c = 0; c < t->n_columns && c <= r->span; c++) {
            bool span = c == r->span;
            size_t w = span ? rest_width(t, width, c) : width[c];
            bool whole = sb_text_width(r->cells[c]) <= w;
            char *text = whole ? sb_strdup(r->cells[c]) : take_line(&r->cells[c], w);
            if (whole)
                r->cells[c] = "";
            print_text_cell(&line, text, span ? 0 : w, t->columns[c].right && !span,
                            span && r->marked ? t->marker : NULL);
            more |= *r->cells[c] != '\0';
            free(text);
        }
        sb_buf_adds(ret, "\n");
    }
}

static void print_text(const struct sb_table *t, struct sb_buf *ret) {
    size_t *width = sb_alloc(2 * t->n_columns, sizeof *width), *least = width + t->n_columns;
    struct row row = {.cells = sb_alloc(t->n_columns, sizeof *row.cells)};
    measure(t, &row, width, least);
    shrink(t, width, least);
    for (size_t c = 0; c < t->n_columns; c++)
        row.cells[c] = t->columns[c].title;
    row.span = t->n_columns;
    print_text_row(t, &row, width, ret);
    for (size_t at = 0; at < t->cells.len;) {
        next_row(t, &at, &row);
        print_text_row(t, &row, width, ret);
    }
    free(row.cells);
    free(width);
}

size_t sb_table_width(const struct sb_table *t) {
    size_t *width = sb_alloc(2 * t->n_columns, sizeof *width);
    struct row row = {.cells = sb_alloc(t->n_columns, sizeof *row.cells)};
    measure(t, &row, width, width + t->n_columns);
    size_t total = total_width(t, width);
    free(row.cells);
    free(width);
    return total;
}

/* ---- as Markdown --------------------------------------------------------------------------- */

static void print_markdown(const struct sb_table *t, struct sb_buf *ret) {
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_addf(ret, "| %s ", t->columns[c].title);
    sb_buf_adds(ret, "|\n");
    for (size_t c = 0; c < t->n_columns; c++)
        sb_buf_adds(ret, t->columns[c].right ? "|---:" : "|---");
    sb_buf_adds(ret, "|\n");
    struct row row = {.cells = sb_alloc(t->n_columns, sizeof *row.cells)};
    for (size_t at = 0; at < t->cells.len;) {
        next_row(t, &at, &row);
        for (size_t c = 0; c < t->n_columns; c++)
            sb_buf_addf(ret, "| %s ", row.cells[c]);
        sb_buf_adds(ret, "|\n");
    }
    free(row.cells);
}

void sb_table_print(const struct sb_table *t, enum sb_style style, struct sb_buf *ret) {
    if (style == SB_STYLE_MARKDOWN)
        print_markdown(t, ret);
    else
        print_text(t, ret);
}
