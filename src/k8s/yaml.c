#include "yaml.h"

#include <string.h>

/* Characters that a block does not take as they are, or takes for line ends or a byte order mark.
 */
static bool is_special(uint32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
           c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

/* A block holds its text as it is, but for an empty or blank one, whose line ends are not told
 * from the block's own. */
static bool fits_block(const char *text) {
    size_t len = strlen(text);
    for (size_t i = 0, n; i < len; i += n) {
        n = sb_utf8_length(text + i, len - i);
        if (n == 0 || is_special(sb_utf8_code(text + i, n)))
            return false;
    }
    return text[strspn(text, " \t\n")] != '\0';
}

void yaml_add_block(struct sb_buf *b, const char *text, int indent) {
    if (!fits_block(text)) {
        sb_buf_add_json(b, text);
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
