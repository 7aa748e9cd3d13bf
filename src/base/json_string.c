#include <string.h>

#include "stratobench/base.h"

/* What JSON does not take as it is; and, for YAML's sake, control characters, line ends and marks
 * beyond ASCII. */
static bool is_special(uint32_t c) {
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
           c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void add_escaped(struct sb_buf *b, uint32_t c) {
    static const char letters[] = "btn.fr"; /* of the characters from 8 to 13 */
    if (c == '"' || c == '\\')
        sb_buf_addf(b, "\\%c", (int)c);
    else if (c >= 8 && c <= 13 && c != 11)
        sb_buf_addf(b, "\\%c", letters[c - 8]);
    else
        sb_buf_addf(b, "\\u%04x", (unsigned)c);
}

void sb_buf_add_json(struct sb_buf *b, const char *text) {
    size_t len = strlen(text), from = 0;
    sb_buf_adds(b, "\"");
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = sb_utf8_length(text + i, len - i);
        uint32_t c = n ? sb_utf8_code(text + i, n) : 0;
        if (n && !is_special(c))
            continue;
        sb_buf_add(b, text + from, i - from);
        if (n)
            add_escaped(b, c);
        else
            sb_buf_adds(b, "\xef\xbf\xbd");
        from = i + (n ? n : 1);
    }
    sb_buf_add(b, text + from, len - from);
    sb_buf_adds(b, "\"");
}
