#include <string.h>

#include "stratobench/base.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t sb_utf8_length(const char *text, size_t len) {
    const unsigned char *s = (const unsigned char *)text;
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || len < need)
        return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

uint32_t sb_utf8_code(const char *text, size_t n) {
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)text[0] & first_bits[n];
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    return code;
}

/* One character of n bytes: C0 but for line end and tab, DEL, C1; and of three bytes U+2028 to 202E
 * and U+2066 to 2069, which end lines or turn the direction of all text that follows. */
static bool is_control(const unsigned char *s, size_t n) {
    if (n == 1)
        return (s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f;
    if (n == 2)
        return s[0] == 0xc2 && s[1] < 0xa0;
    return n == 3 && s[0] == 0xe2 &&
           ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
            (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void sb_buf_add_printable(struct sb_buf *b, const char *text, size_t len) {
    size_t done = 0;
    for (size_t i = 0, n; i < len; i += n) {
        size_t whole = sb_utf8_length(text + i, len - i);
        n = whole ? whole : 1;
        if (whole && !is_control((const unsigned char *)text + i, n))
            continue;
        sb_buf_add(b, text + done, i - done);
        sb_buf_adds(b, "\xef\xbf\xbd");
        done = i + n;
    }
    sb_buf_add(b, text + done, len - done);
}
