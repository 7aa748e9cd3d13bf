/* Columns of a terminal. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "stratobench/text.h"

/* A column each: Latin letters and signs, and the dashes and arrows that tables are full of. What
 * else there is only libc knows, and each question opens a locale: half the time of a ranking. */
static bool is_narrow(uint32_t c) {
    return c < 0x300 || (c >= 0x2010 && c <= 0x2027) || (c >= 0x2190 && c <= 0x2193);
}

/* Bytes of the character at s; what is no character is one. */
static size_t bytes_of(const char *s) {
    size_t n = sb_utf8_length(s, strnlen(s, 4));
    return n ? n : 1;
}

/* The bytes of at most so many characters of s, and how many these are; false when one of the whole
 * text is not narrow. */
static bool all_narrow(const char *s, size_t most, size_t *ret_bytes, size_t *ret_n) {
    *ret_bytes = *ret_n = 0;
    for (size_t at = 0, n; s[at]; at += n) {
        n = (unsigned char)s[at] < 0x80 ? 1 : bytes_of(s + at);
        if (n > 1 && !is_narrow(sb_utf8_code(s + at, n)))
            return false;
        if (*ret_n < most) {
            *ret_bytes = at + n;
            ++*ret_n;
        }
    }
    return true;
}

/* Calls walk with libc's knowledge of Unicode, whatever the caller's locale is. */
static size_t in_utf8(size_t (*walk)(const char *s, size_t columns), const char *s,
                      size_t columns) {
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8 && errno == ENOMEM)
        sb_out_of_memory();
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    size_t result = walk(s, columns);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return result;
}

/* Columns of the character at s, whose bytes are *ret_bytes: two for those of East Asia and most
 * pictures, none for marks that stand over another; what is no character counts as one. */
static size_t character(const char *s, size_t *ret_bytes) {
    *ret_bytes = bytes_of(s);
    bool none = *ret_bytes == 1 && (unsigned char)*s >= 0x80;
    int columns = none ? 1 : wcwidth((wchar_t)sb_utf8_code(s, *ret_bytes));
    return columns < 0 ? 1 : (size_t)columns;
}

static size_t measure(const char *s, size_t unused) {
    (void)unused;
    size_t columns = 0;
    for (size_t n; *s; s += n)
        columns += character(s, &n);
    return columns;
}

static size_t fit(const char *s, size_t columns) {
    size_t bytes = 0;
    for (size_t n, w; s[bytes]; bytes += n, columns -= w) {
        w = character(s + bytes, &n);
        if (w > columns)
            break;
    }
    return bytes;
}

size_t sb_text_width(const char *s) {
    size_t bytes, n;
    return all_narrow(s, SIZE_MAX, &bytes, &n) ? n : in_utf8(measure, s, 0);
}

size_t sb_text_fit(const char *s, size_t columns) {
    size_t bytes, n;
    return all_narrow(s, columns, &bytes, &n) ? bytes : in_utf8(fit, s, columns);
}

void sb_text_fill(struct sb_buf *b, const char *text, size_t indent, size_t columns) {
    size_t at = indent; /* columns taken in this line */
    while (*text) {
        size_t bytes = strcspn(text, " \n");
        if (bytes == 0) {
            if (*text++ == '\n') {
                sb_buf_adds(b, "\n");
                at = 0;
            }
            continue;
        }
        char *word = sb_strndup(text, bytes);
        size_t width = sb_text_width(word);
        if (at > indent && at + 1 + width > columns) {
            sb_buf_adds(b, "\n");
            at = 0;
        }
        size_t blanks = at > indent ? 1 : indent - at;
        sb_buf_addf(b, "%*s%s", (int)blanks, "", word);
        at += blanks + width;
        free(word);
        text += bytes;
    }
}

void sb_text_wrap(struct sb_buf *b, const char *text, size_t columns) {
    for (size_t bytes; *text; text += bytes) {
        bytes = strcspn(text, "\n");
        char *line = sb_strndup(text, bytes);
        size_t mark = strncmp(line, "- ", 2) == 0 ? 2 : 0;
        if (sb_text_width(line) > columns) {
            sb_buf_add(b, line, mark);
            sb_text_fill(b, line + mark, mark, columns);
        } else {
            sb_buf_adds(b, line);
        }
        free(line);
        if (text[bytes] == '\n') {
            sb_buf_adds(b, "\n");
            bytes++;
        }
    }
}
