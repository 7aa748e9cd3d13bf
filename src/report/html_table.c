#include "html_parts.h"

#include <ctype.h>
#include <string.h>

enum { MAX_COLUMNS = 64 }; /* no table of the document has as many; further ones count as text */
#define CELL_ABSENT "—"

static bool begins(const char *s, const char *with) {
    return strncmp(s, with, strlen(with)) == 0;
}

/* The cell holds what takes the place of a figure: why there is none. */
static bool is_problem(const char *cell) {
    return begins(cell, "ERROR") || begins(cell, "INVALID") || begins(cell, "SKIPPED");
}

static bool is_figure(const char *cell) {
    return isdigit((unsigned char)cell[*cell == '~']);
}

/* A column of figures holds figures, what stands for a missing one, and at least one figure. */
struct columns {
    bool figure[MAX_COLUMNS], other[MAX_COLUMNS];
};

static void look_at(struct columns *c, size_t column, const char *cell) {
    if (column >= MAX_COLUMNS)
        return;
    if (is_figure(cell))
        c->figure[column] = true;
    else if (*cell != '<' && !begins(cell, CELL_ABSENT) && !is_problem(cell))
        c->other[column] = true;
}

static struct columns find_columns(const char *table, const char *end) {
    struct columns c = {0};
    size_t column = 0;
    for (const char *s = table; s < end; s++) {
        if (begins(s, "<tr>"))
            column = 0;
        else if (begins(s, "<td>"))
            look_at(&c, column++, s + 4);
    }
    return c;
}

static const char *class_of(const struct columns *c, size_t column, const char *cell) {
    bool figures = column < MAX_COLUMNS && c->figure[column] && !c->other[column];
    if (is_problem(cell))
        return figures ? " class=\"figure problem\"" : " class=\"problem\"";
    return figures ? " class=\"figure\"" : "";
}

/* The first cell of a row names the row. */
static void put_cell_start(struct sb_buf *b, const struct columns *c, size_t column,
                           const char *tag) {
    const char *cell = tag + 4;
    if (tag[2] == 'h')
        sb_buf_addf(b, "<th scope=\"col\"%s>", class_of(c, column, cell));
    else if (column == 0)
        sb_buf_addf(b, "<th scope=\"row\"%s>", class_of(c, column, cell));
    else
        sb_buf_addf(b, "<td%s>", class_of(c, column, cell));
}

const char *html_put_table(struct sb_buf *b, const char *table) {
    const char *end = strstr(table, "</table>"), *plain = table;
    end = end ? end + strlen("</table>") : table + strlen(table);
    struct columns c = find_columns(table, end);
    size_t column = 0;
    sb_buf_adds(b, "<div class=\"table\">");
    for (const char *s = table; s < end; s++) {
        bool start = begins(s, "<th>") || begins(s, "<td>");
        bool first_end = column == 1 && begins(s, "</td>");
        if (begins(s, "<tr>"))
            column = 0;
        if (!start && !first_end)
            continue;
        sb_buf_add(b, plain, (size_t)(s - plain));
        if (start)
            put_cell_start(b, &c, column++, s);
        else
            sb_buf_adds(b, "</th>");
        plain = s + (start ? strlen("<td>") : strlen("</td>"));
    }
    sb_buf_add(b, plain, (size_t)(end - plain));
    sb_buf_adds(b, "</div>");
    return end;
}
