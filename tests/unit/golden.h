/* Result sets of tests/golden, and texts that must stay as they are stored there. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/base.h"
#include "stratobench/results.h"

#define GOLDEN_DIR SOURCE_DIR "/tests/golden/"
enum { GOLDEN_MAX_SETS = 3, GOLDEN_MAX_BYTES = 64 << 20 };

struct golden_sets {
    struct sb_results item[GOLDEN_MAX_SETS];
    const struct sb_results *pointers[GOLDEN_MAX_SETS];
    size_t n;
};

/* names: without ".json", NULL-terminated. */
static inline void golden_load(const char *const *names, struct golden_sets *s) {
    for (s->n = 0; s->n < GOLDEN_MAX_SETS && names[s->n]; s->n++) {
        char *path = sb_asprintf(GOLDEN_DIR "%s.json", names[s->n]);
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        if (sb_results_load(path, &s->item[s->n], &error) != 0)
            fail_msg("%s", sb_buf_str(&error));
        s->pointers[s->n] = &s->item[s->n];
        sb_buf_release(&error);
        free(path);
    }
}

static inline void golden_release(struct golden_sets *s) {
    for (size_t i = 0; i < s->n; i++)
        sb_results_release(&s->item[i]);
}

/* The caller frees. name: with its extension. */
static inline char *golden_read(const char *name) {
    char *path = sb_asprintf(GOLDEN_DIR "%s", name);
    struct sb_buf b = SB_BUF_INIT(GOLDEN_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_file_read(path, &b, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    free(path);
    return sb_buf_detach(&b);
}

/* The text must be what is stored. UPDATE_GOLDEN=1 in the environment stores it: look at the
 * difference then. */
static inline void golden_expect(const char *name, const char *text) {
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = sb_asprintf(GOLDEN_DIR "%s", name);
    if (getenv("UPDATE_GOLDEN") && sb_file_replace(path, text, strlen(text), &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    free(path);
    char *want = golden_read(name);
    if (strcmp(text, want) != 0) {
        size_t i = 0, line = 1;
        for (; text[i] == want[i]; i++)
            line += want[i] == '\n';
        fail_msg("%s differs in line %zu: got \"%.60s\", want \"%.60s\"", name, line, text + i,
                 want + i);
    }
    free(want);
}

#endif
