#include "yaml.h"

#include <string.h>

/* The code point of a well-formed sequence of n bytes. */
static unsigned code_point(const unsigned char *s, size_t n) {
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned c = s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

/* Characters that YAML does not take as they are, or takes for line ends or a byte order mark. */
static bool is_special(unsigned c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
           c == 0xfffe || c == 0xffff;
}

static void add_character(struct sb_buf *b, const char *s, size_t n) {
    unsigned c = code_point((const unsigned char *)s, n);
    if (c == '"' || c == '\\')
        sb_buf_addf(b, "\\%c", (int)c);
    else if (c == '\n')
        sb_buf_adds(b, "\\n");
    else if (c == '\t')
        sb_buf_adds(b, "\\t");
    else if (is_special(c))
        sb_buf_addf(b, "\\u%04x", c);
    else
        sb_buf_add(b, s, n);
}

void yaml_add_string(struct sb_buf *b, const char *text) {
    size_t len = strlen(text);
    sb_buf_adds(b, "\"");
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = sb_utf8_length(text + i, len - i);
        if (n)
            add_character(b, text + i, n);
        else
            sb_buf_adds(b, "\xef\xbf\xbd");
    }
    sb_buf_adds(b, "\"");
}

/* A block holds its text as it is, but for an empty or blank one, whose line ends are not told
 * from the block's own. */
static bool fits_block(const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0, n; i < len; i += n) {
        n = sb_utf8_length(text + i, len - i);
        unsigned c = n ? code_point((const unsigned char *)text + i, n) : 0;
        if (is_special(c) && c != '\n' && c != '\t')
            return false;
    }
    return text[strspn(text, " \t\n")] != '\0';
}

void yaml_add_block(struct sb_buf *b, const char *text, int indent) {
    if (!fits_block(text)) {
        yaml_add_string(b, text);
        sb_buf_adds(b, "\n");
        return;
    }
    bool ended = text[strlen(text) - 1] == '\n';
    sb_buf_addf(b, "|2%s\n", ended ? "+" : "-");
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len)
            sb_buf_addf(b, "%*s%.*s", indent + 2, "", (int)len, line);
        sb_buf_adds(b, "\n");
        line += len + (line[len] == '\n');
    }
}
