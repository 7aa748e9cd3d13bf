#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

void sb_buf_reserve(struct sb_buf *b, size_t more) {
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->len + more + 1)
        cap *= 2;
    if (cap > b->cap)
        b->data = sb_realloc(b->data, cap, 1);
    b->cap = cap;
}

int sb_buf_add(struct sb_buf *b, const void *data, size_t len) {
    size_t room = b->limit - b->len;
    bool cut = len > room;
    if (cut)
        len = room;
    sb_buf_reserve(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    if (!cut)
        return 0;
    b->overflow = true;
    return -EFBIG;
}

int sb_buf_adds(struct sb_buf *b, const char *s) {
    return sb_buf_add(b, s, strlen(s));
}

int sb_buf_add_integer(struct sb_buf *b, long long x) {
    char digits[3 * sizeof x + 1], *at = digits + sizeof digits;
    unsigned long long rest = x < 0 ? 0 - (unsigned long long)x : (unsigned long long)x;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (x < 0)
        *--at = '-';
    return sb_buf_add(b, at, (size_t)(digits + sizeof digits - at));
}

/* Formatted in its place: once where the text is short, as most pieces of a document are. */
SB_PRINTF(2, 0)
static int add_formatted(struct sb_buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    sb_buf_reserve(b, 64);
    size_t room = b->cap - b->len;
    int n = vsnprintf(b->data + b->len, room, fmt, again);
    va_end(again);
    if (n >= 0 && (size_t)n >= room) {
        sb_buf_reserve(b, (size_t)n);
        n = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    }
    if (n < 0)
        sb_out_of_memory(); /* no format of ours fails otherwise */
    bool cut = (size_t)n > b->limit - b->len;
    b->len = cut ? b->limit : b->len + (size_t)n;
    b->data[b->len] = '\0';
    b->overflow |= cut;
    return cut ? -EFBIG : 0;
}

int sb_buf_addf(struct sb_buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int rc = add_formatted(b, fmt, ap);
    va_end(ap);
    return rc;
}

char *sb_vasprintf(const char *fmt, va_list ap) {
    struct sb_buf b = SB_BUF_INIT(SIZE_MAX);
    add_formatted(&b, fmt, ap);
    return sb_realloc(b.data, b.len + 1, 1);
}

const char *sb_buf_str(const struct sb_buf *b) {
    return b->data ? b->data : "";
}

char *sb_buf_detach(struct sb_buf *b) {
    char *data = b->data ? b->data : sb_strdup("");
    *b = (struct sb_buf)SB_BUF_INIT(b->limit);
    return data;
}

void sb_buf_release(struct sb_buf *b) {
    free(b->data);
    *b = (struct sb_buf)SB_BUF_INIT(b->limit);
}

char *sb_asprintf(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = sb_vasprintf(fmt, ap);
    va_end(ap);
    return text;
}
