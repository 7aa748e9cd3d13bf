/* Markdown to HTML by md4c's events: every tag of the document is written here. */
#include <ctype.h>
#include <errno.h>
#include <md4c.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"

struct renderer {
    struct sb_buf *out;
    const char *columns; /* of the table: one letter each; NULL: as they are aligned */
    size_t column;
    struct sb_buf cell; /* what stands in the cell so far */
    bool in_cell, head;
};

static struct sb_buf *target(struct renderer *r) {
    return r->in_cell ? &r->cell : r->out;
}

static void put_text(struct sb_buf *b, const char *text, size_t len) {
    char *copy = sb_strndup(text, len);
    sb_xml_escape(b, copy);
    free(copy);
}

/* ---- cells ---------------------------------------------------------------------------------- */

static bool is_figure(const char *cell) {
    return isdigit((unsigned char)cell[*cell == '~' || *cell == '-']);
}

/* In a column of figures: what takes the place of one, the reason why there is none. */
static bool is_problem(const char *cell) {
    return *cell && !is_figure(cell) && strncmp(cell, SB_ABSENT, strlen(SB_ABSENT)) != 0;
}

/* "172.8 ±2.9 ¹": the spread is a thing of its own, which a small screen sets below. */
static void put_figure(struct sb_buf *b, const char *cell) {
    const char *spread = strstr(cell, " ±"), *end = spread ? strchr(spread + 1, ' ') : NULL;
    if (!spread) {
        sb_buf_adds(b, cell);
        return;
    }
    size_t len = end ? (size_t)(end - spread) : strlen(spread);
    sb_buf_add(b, cell, (size_t)(spread - cell));
    sb_buf_addf(b, " <small>%.*s</small>%s", (int)len - 1, spread + 1, end ? end : "");
}

/* The first cell of a row names the row. */
static void put_cell(struct renderer *r, bool right) {
    const char *cell = sb_buf_str(&r->cell);
    bool figures = right;
    if (r->columns && r->column < strlen(r->columns))
        figures = r->columns[r->column] == REPORT_FIGURES;
    const char *tag = r->head || r->column == 0 ? "th" : "td";
    bool problem = !r->head && figures && is_problem(cell);
    sb_buf_addf(r->out, "<%s%s%s>", tag,
                r->head          ? " scope=\"col\""
                : r->column == 0 ? " scope=\"row\""
                                 : "",
                problem   ? " class=\"figure problem\""
                : figures ? " class=\"figure\""
                          : "");
    if (figures && !r->head && !problem)
        put_figure(r->out, cell);
    else
        sb_buf_adds(r->out, cell);
    sb_buf_addf(r->out, "</%s>", tag);
    sb_buf_release(&r->cell);
    r->column++;
}

/* ---- events --------------------------------------------------------------------------------- */

static const char *block_tag(MD_BLOCKTYPE type) {
    switch (type) {
    case MD_BLOCK_P: return "p";
    case MD_BLOCK_UL: return "ul";
    case MD_BLOCK_OL: return "ol";
    case MD_BLOCK_LI: return "li";
    case MD_BLOCK_THEAD: return "thead";
    case MD_BLOCK_TBODY: return "tbody";
    case MD_BLOCK_TR: return "tr";
    default: return NULL;
    }
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    struct renderer *r = arg;
    const char *tag = block_tag(type);
    if (type == MD_BLOCK_TR)
        r->column = 0;
    if (type == MD_BLOCK_THEAD || type == MD_BLOCK_TBODY)
        r->head = type == MD_BLOCK_THEAD;
    if (tag)
        sb_buf_addf(r->out, "<%s>", tag);
    else if (type == MD_BLOCK_H)
        sb_buf_addf(r->out, "<h%u>", ((MD_BLOCK_H_DETAIL *)detail)->level);
    else if (type == MD_BLOCK_CODE)
        sb_buf_adds(r->out, "<pre><code>");
    else if (type == MD_BLOCK_TABLE)
        sb_buf_adds(r->out, "<div class=\"table\"><table>");
    else if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
        r->in_cell = true;
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    struct renderer *r = arg;
    const char *tag = block_tag(type);
    if (tag)
        sb_buf_addf(r->out, "</%s>\n", tag);
    else if (type == MD_BLOCK_H)
        sb_buf_addf(r->out, "</h%u>\n", ((MD_BLOCK_H_DETAIL *)detail)->level);
    else if (type == MD_BLOCK_CODE)
        sb_buf_adds(r->out, "</code></pre>\n");
    else if (type == MD_BLOCK_TABLE)
        sb_buf_adds(r->out, "</table></div>\n");
    if (type == MD_BLOCK_TH || type == MD_BLOCK_TD) {
        r->in_cell = false;
        put_cell(r, ((MD_BLOCK_TD_DETAIL *)detail)->align == MD_ALIGN_RIGHT);
    }
    return 0;
}

/* The document has no other span: what looks like one came from outside, and its text stays. */
static int enter_span(MD_SPANTYPE type, void *detail, void *arg) {
    (void)detail;
    if (type == MD_SPAN_STRONG)
        sb_buf_adds(target(arg), "<strong>");
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg) {
    (void)detail;
    if (type == MD_SPAN_STRONG)
        sb_buf_adds(target(arg), "</strong>");
    return 0;
}

/* The references that the Markdown's escaping writes; any other is text. */
static bool is_own_entity(const char *text, size_t len) {
    static const char *const own[] = {"&lt;", "&gt;", "&amp;"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (len == strlen(own[i]) && strncmp(text, own[i], len) == 0)
            return true;
    return false;
}

static int put_event_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE len, void *arg) {
    struct sb_buf *b = target(arg);
    if (type == MD_TEXT_BR)
        sb_buf_adds(b, "<br>\n");
    else if (type == MD_TEXT_SOFTBR)
        sb_buf_adds(b, "\n");
    else if (type == MD_TEXT_NULLCHAR)
        sb_buf_adds(b, "\xef\xbf\xbd");
    else if (type == MD_TEXT_ENTITY && is_own_entity(text, len))
        sb_buf_add(b, text, len);
    else
        put_text(b, text, len);
    return 0;
}

/* ---- a document ----------------------------------------------------------------------------- */

static void render(struct sb_buf *out, const char *markdown, size_t len, const char *columns) {
    struct renderer r = {.out = out, .columns = columns, .cell = SB_BUF_INIT(SB_TEXT_MAX)};
    const MD_PARSER parser = {
        .flags = MD_FLAG_TABLES | MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = put_event_text,
    };
    if (md_parse(markdown, (MD_SIZE)len, &parser, &r) != 0)
        sb_out_of_memory();
    sb_buf_release(&r.cell);
}

static void put_mark(struct sb_buf *html, const struct report_doc *d, const struct report_mark *m) {
    const char *text = sb_buf_str(d->text) + m->from;
    size_t len = m->to - m->from;
    switch (m->kind) {
    case REPORT_DETAILS: sb_buf_addf(html, "<details><summary>%s</summary>\n", m->text); break;
    case REPORT_DETAILS_END: sb_buf_adds(html, "</details>\n"); break;
    case REPORT_TABLE: render(html, text, len, m->text); break;
    case REPORT_NOTES:
        sb_buf_adds(html, "<details class=\"notes\"><summary>");
        sb_buf_addf(html, "%s doubt%s</summary>\n", m->text, strcmp(m->text, "1") ? "s" : "");
        render(html, text, len, NULL);
        sb_buf_adds(html, "</details>\n");
    }
}

int html_render(const struct report_doc *d, struct sb_buf *html) {
    const char *text = sb_buf_str(d->text);
    size_t at = 0;
    if (d->text->overflow)
        return -EFBIG;
    for (size_t i = 0; i < d->n_marks; i++) {
        render(html, text + at, d->marks[i].from - at, NULL);
        put_mark(html, d, &d->marks[i]);
        at = d->marks[i].to;
    }
    render(html, text + at, d->text->len - at, NULL);
    return html->overflow ? -EFBIG : 0;
}
