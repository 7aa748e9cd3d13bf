#include "stratobench/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void sb_out_of_memory(void) {
    fputs("stratobench: out of memory\n", stderr);
    abort();
}

static void *or_die(void *p) {
    if (!p)
        sb_out_of_memory();
    return p;
}

void *sb_malloc(size_t size) {
    return or_die(malloc(size ? size : 1));
}

void *sb_alloc(size_t n, size_t size) {
    return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *sb_realloc(void *p, size_t n, size_t size) {
    return or_die(reallocarray(p, n ? n : 1, size ? size : 1));
}

void *sb_grow(void *p, size_t n, size_t size) {
    return n & (n - 1) ? p : sb_realloc(p, n ? 2 * n : 1, size);
}

char *sb_strdup(const char *s) {
    return s ? or_die(strdup(s)) : NULL;
}

char *sb_strndup(const char *s, size_t n) {
    return or_die(strndup(s, n));
}

char *sb_asprintf(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = sb_vasprintf(fmt, ap);
    va_end(ap);
    return text;
}

/* Room for `more` bytes and a NUL. */
static void reserve(struct sb_buf *b, size_t more) {
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
    reserve(b, len);
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

/* Formatted in its place: once where the text is short, as most pieces of a document are. */
SB_PRINTF(2, 0)
static int add_formatted(struct sb_buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    reserve(b, 64);
    size_t room = b->cap - b->len;
    int n = vsnprintf(b->data + b->len, room, fmt, again);
    va_end(again);
    if (n >= 0 && (size_t)n >= room) {
        reserve(b, (size_t)n);
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

/* Reads straight into the buffer. */
static int read_into(const char *path, struct sb_buf *b) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = 0;
    while (rc == 0) {
        reserve(b, 65536);
        size_t most = b->cap - b->len - 1, room = b->limit - b->len;
        ssize_t n = read(fd, b->data + b->len, most > room ? room + 1 : most);
        if (n == 0)
            break;
        if (n < 0) {
            rc = errno == EINTR ? 0 : -errno;
        } else if ((size_t)n > room) {
            b->len = b->limit;
            b->overflow = true;
            rc = -EFBIG;
        } else {
            b->len += (size_t)n;
        }
    }
    if (b->data)
        b->data[b->len] = '\0';
    close(fd);
    return rc;
}

int sb_file_read(const char *path, struct sb_buf *ret, struct sb_buf *error) {
    int rc = read_into(path, ret);
    if (rc == -EFBIG && error)
        sb_buf_addf(error, "%s: larger than the %zu bytes this program reads", path, ret->limit);
    else if (rc < 0 && error)
        sb_buf_addf(error, "%s: %s", path, strerror(-rc));
    return rc;
}

void sb_strv_take(struct sb_strv *v, char *s) {
    v->item = sb_grow(v->item, v->n + 1, sizeof *v->item); /* the NULL has its place, too */
    v->item[v->n++] = s;
    v->item[v->n] = NULL;
}

void sb_strv_add(struct sb_strv *v, const char *s) {
    sb_strv_take(v, sb_strdup(s));
}

bool sb_strv_has(const struct sb_strv *v, const char *s) {
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->item[i], s) == 0)
            return true;
    return false;
}

void sb_strv_copy(struct sb_strv *dst, const struct sb_strv *src) {
    for (size_t i = 0; i < src->n; i++)
        sb_strv_add(dst, src->item[i]);
}

void sb_strv_release(struct sb_strv *v) {
    for (size_t i = 0; i < v->n; i++)
        free(v->item[i]);
    free(v->item);
    *v = (struct sb_strv){0};
}

double sb_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double sb_suspended_s(void) {
    struct timespec since_boot, awake;
    clock_gettime(CLOCK_MONOTONIC, &awake);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (double)(since_boot.tv_sec - awake.tv_sec) +
           (double)(since_boot.tv_nsec - awake.tv_nsec) * 1e-9;
}

int sb_poll_ms(double deadline_s) {
    double ms = ceil((deadline_s - sb_now_s()) * 1e3);
    return ms <= 0 ? 0 : ms < INT_MAX ? (int)ms : INT_MAX;
}

char *sb_now_rfc3339(void) {
    time_t now = time(NULL);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return sb_strdup(text);
}

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

static size_t edit_distance(const char *a, const char *b) {
    enum { MAX = 64 };
    size_t row[MAX + 1], na = strnlen(a, MAX), nb = strnlen(b, MAX);
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[nb];
}

/* "md" for "markdown": its first letter, then others of it in their order. */
static bool is_short_for(const char *word, const char *whole) {
    if (strlen(word) < 2 || word[0] != whole[0])
        return false;
    for (; *word && *whole; whole++)
        word += *word == *whole;
    return !*word;
}

const char *sb_nearest(const char *word, const char *const *candidates, size_t n) {
    const char *best = NULL;
    size_t limit = 1 + strlen(word) / 3, least = limit + 1;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    for (size_t i = 0; !best && i < n; i++)
        if (is_short_for(word, candidates[i]))
            best = candidates[i];
    return best;
}
