/* "Did you mean". */
#include <string.h>

#include "stratobench/base.h"

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
