#include "fingerprint_diff.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_SHOWN = 12 };

/* Length of NAME in "NAME=value". */
static size_t name_length(const char *line) {
    return strcspn(line, "=");
}

static bool has_name(const char *line, const char *name, size_t len) {
    return name_length(line) == len && memcmp(line, name, len) == 0;
}

static const char *value_of(const char *line) {
    size_t n = name_length(line);
    return line + n + (line[n] == '=');
}

/* The words of all values of one name, in order. */
static struct sb_strv words_of(const struct sb_strv *lines, const char *name, size_t len) {
    struct sb_strv words = {0};
    for (size_t i = 0; i < lines->n; i++) {
        if (!has_name(lines->item[i], name, len))
            continue;
        for (const char *s = value_of(lines->item[i]); *s;) {
            size_t n = strcspn(s, " ");
            if (n)
                sb_strv_take(&words, sb_strndup(s, n));
            s += n + (s[n] == ' ');
        }
    }
    return words;
}

static bool is_hash(const char *word) {
    size_t n = strspn(word, "0123456789abcdef");
    return n >= 32 && word[n] == '\0';
}

static void add_words(struct sb_buf *b, const struct sb_strv *words, size_t from, size_t to) {
    if (from == to)
        sb_buf_adds(b, "none");
    for (size_t i = from; i < to; i++) {
        const char *word = words->item[i];
        sb_buf_adds(b, i > from ? " " : "");
        if (is_hash(word))
            sb_buf_addf(b, "%.*s…", HASH_SHOWN, word);
        else
            sb_buf_adds(b, word);
    }
}

/* Words that both sides begin and end with say nothing, but for the option before a value. */
static void add_difference(const char *name, size_t len, const struct sb_strv *a,
                           const struct sb_strv *b, struct sb_strv *ret) {
    size_t head = 0, tail = 0, least = a->n < b->n ? a->n : b->n;
    while (head < least && strcmp(a->item[head], b->item[head]) == 0)
        head++;
    if (head == a->n && head == b->n)
        return;
    while (tail < least - head && strcmp(a->item[a->n - 1 - tail], b->item[b->n - 1 - tail]) == 0)
        tail++;
    bool value = head < a->n - tail && head < b->n - tail;
    if (value && head > 0 && a->item[head - 1][0] == '-')
        head--;
    struct sb_buf line = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_addf(&line, "%.*s: ", (int)len, name);
    add_words(&line, a, head, a->n - tail);
    sb_buf_adds(&line, " → ");
    add_words(&line, b, head, b->n - tail);
    sb_strv_take(ret, sb_buf_detach(&line));
}

static bool seen_before(const struct sb_strv *lines, size_t end, const char *name, size_t len) {
    for (size_t i = 0; i < end; i++)
        if (has_name(lines->item[i], name, len))
            return true;
    return false;
}

/* Adds the differences of the names in `lines`, but for those in `done`. */
static void diff_names(const struct sb_strv *lines, const struct sb_strv *done,
                       const struct sb_strv *a, const struct sb_strv *b, struct sb_strv *ret) {
    for (size_t i = 0; i < lines->n; i++) {
        const char *name = lines->item[i];
        size_t len = name_length(name);
        if (seen_before(lines, i, name, len) || (done && seen_before(done, done->n, name, len)))
            continue;
        struct sb_strv wa = words_of(a, name, len), wb = words_of(b, name, len);
        add_difference(name, len, &wa, &wb, ret);
        sb_strv_release(&wa);
        sb_strv_release(&wb);
    }
}

void sb_fingerprint_diff(const struct sb_cell *a, const struct sb_cell *b, struct sb_strv *ret) {
    if (strcmp(sb_cell_clock(a), sb_cell_clock(b)) != 0)
        sb_strv_take(ret, sb_asprintf("clock: %s → %s", sb_cell_clock(a), sb_cell_clock(b)));
    if (!a->fingerprint || !b->fingerprint || strcmp(a->fingerprint, b->fingerprint) == 0)
        return;
    size_t before = ret->n;
    diff_names(&a->fingerprint_of, NULL, &a->fingerprint_of, &b->fingerprint_of, ret);
    diff_names(&b->fingerprint_of, &a->fingerprint_of, &a->fingerprint_of, &b->fingerprint_of, ret);
    if (ret->n == before)
        sb_strv_take(ret,
                     sb_asprintf("fingerprint: %.12s… → %.12s…", a->fingerprint, b->fingerprint));
}
