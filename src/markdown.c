/* Untrusted text and figures as Markdown. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"

static bool is_blank(char c) {
    return c == '\0' || c == ' ' || c == '\n' || c == '\t';
}

/* Does s, at '&', begin what HTML would read as a character reference? */
static bool is_entity(const char *s) {
    size_t n = strspn(s + 1, "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return n > 0 && s[1 + n] == ';';
}

/* Between two letters or digits an underscore is text ("q4_0"). */
static bool is_within_word(const char *text, const char *s) {
    const char *before = s, *after = s;
    while (before > text && before[-1] == '_')
        before--;
    while (*after == '_')
        after++;
    return before > text && isalnum((unsigned char)before[-1]) && isalnum((unsigned char)*after);
}

/* Where a text needs a backslash lest it be more than text at the start of a line: a list, a rule,
 * the underline of a heading; or "[x]: y", which makes every other "[x]" a link. NULL: nowhere. */
static const char *block_start(const char *text) {
    char c = text[0];
    const char *end = text + strspn(text, "0123456789");
    if (end > text)
        return (*end == '.' || *end == ')') && is_blank(end[1]) ? end : NULL;
    bool line = c == '-' || c == '+' || c == '=';
    if (line && (is_blank(text[1]) || text[strspn(text, (char[]){c, ' ', '\0'})] == '\0'))
        return text;
    return c == '[' ? text : NULL;
}

/* The characters that may need a replacement. */
#define SPECIAL "\n\t<>&|`*\\$_~#]"

/* What stands for the character at s, or NULL when it stands for itself. */
static const char *replacement(const char *text, const char *s) {
    char before = s > text ? s[-1] : '\0';
    switch (*s) {
    case '\n':
    case '\t': return " ";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return is_entity(s) ? "&amp;" : NULL;
    case '|': return "\\|";
    case '`': return "\\`";
    case '*': return "\\*";
    case '\\': return "\\\\";
    case '$': /* mathematics on some sites */ return "\\$";
    case '_': return is_within_word(text, s) ? NULL : "\\_";
    case '~': /* "~4 GiB" cannot close a strikethrough, so it opens none */
        return is_blank(before) ? NULL : "\\~";
    case '#': /* a heading's closing sequence */ return is_blank(before) ? "\\#" : NULL;
    case ']': /* "[reference]" is text, "[x](y)" a link */
        return s[1] == '(' || s[1] == '[' ? "\\]" : NULL;
    default: return NULL;
    }
}

static char *printable(const char *text) {
    struct sb_buf b = SB_BUF_INIT(REPORT_TEXT_MAX);
    sb_buf_add_printable(&b, text, strlen(text));
    return sb_buf_detach(&b);
}

void sb_markdown_escape(struct sb_buf *b, const char *text) {
    char *safe = printable(text);
    const char *start = safe + strspn(safe, " \n\t"), *plain = start, *block = block_start(start);
    if (block) {
        sb_buf_add(b, start, (size_t)(block - start));
        sb_buf_adds(b, "\\");
        plain = block;
    }
    for (const char *s = start; *(s += strcspn(s, SPECIAL)); s++) {
        const char *instead = replacement(start, s);
        if (!instead)
            continue;
        sb_buf_add(b, plain, (size_t)(s - plain));
        sb_buf_adds(b, instead);
        plain = s + 1;
    }
    sb_buf_adds(b, plain);
    free(safe);
}

void report_code_text(struct sb_buf *b, const char *text) {
    char *safe = printable(text);
    for (char *s = safe; *s; s++)
        if (*s == '\n' || *s == '\t')
            *s = ' ';
    sb_buf_adds(b, safe);
    free(safe);
}

void report_code_block(struct sb_buf *b, const char *code) {
    size_t fence = 3, run = 0;
    for (const char *s = code; *s; s++) {
        run = *s == '`' ? run + 1 : 0;
        if (run >= fence)
            fence = run + 1;
    }
    for (size_t i = 0; i < fence; i++)
        sb_buf_adds(b, "`");
    sb_buf_adds(b, "\n");
    sb_buf_adds(b, code);
    for (size_t i = 0; i < fence; i++)
        sb_buf_adds(b, "`");
    sb_buf_adds(b, "\n");
}

void report_superscript(struct sb_buf *b, size_t number) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    if (number >= 10)
        report_superscript(b, number / 10);
    sb_buf_adds(b, digits[number % 10]);
}

void sb_format_load(struct sb_buf *b, double load_s) {
    if (!isfinite(load_s) || load_s < 0 || load_s > 1e9) {
        sb_buf_adds(b, REPORT_ABSENT);
        return;
    }
    long whole_s = lround(load_s);
    if (load_s < 9.95)
        sb_buf_addf(b, "%.1fs", load_s);
    else if (whole_s < 60)
        sb_buf_addf(b, "%lds", whole_s);
    else
        sb_buf_addf(b, "%ldm%02lds", whole_s / 60, whole_s % 60);
}

void report_figure(struct sb_buf *b, double x, int decimals, const char *unit) {
    if (isfinite(x))
        sb_buf_addf(b, "%.*f%s", decimals, x, unit);
    else
        sb_buf_adds(b, REPORT_ABSENT);
}

void report_mean(struct sb_buf *b, const struct sb_summary *s) {
    if (s->n == 0 || !isfinite(s->mean)) {
        sb_buf_adds(b, REPORT_ABSENT);
        return;
    }
    sb_buf_addf(b, "%.1f", s->mean);
    if (isfinite(s->stddev))
        sb_buf_addf(b, " ±%.1f", s->stddev);
}
