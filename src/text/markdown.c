/* Untrusted text as Markdown. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/text.h"

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
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
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
