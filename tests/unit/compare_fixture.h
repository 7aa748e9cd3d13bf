/* Two sides that are compared, and what is expected of the comparison. */
#ifndef COMPARE_FIXTURE_H
#define COMPARE_FIXTURE_H

#include "stratobench/verdict.h"

#include "golden.h"
#include "results_fixture.h"

static const struct sb_compare_options usual = SB_COMPARE_DEFAULT;

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct sb_comparison compare(const struct sb_results *base,
                                           const struct sb_results *next,
                                           const struct sb_compare_options *o) {
    struct sb_comparison c;
    sb_comparison_make(&base, 1, &next, 1, o, &c);
    return c;
}

static inline void release_compared(struct sb_comparison *c, struct sb_results *base,
                                    struct sb_results *next) {
    sb_comparison_release(c);
    sb_results_release(base);
    sb_results_release(next);
}

/* Compares two sets, releases both. */
static inline void expect_exit(struct sb_results *base, struct sb_results *next,
                               const struct sb_compare_options *o, int want) {
    struct sb_comparison c = compare(base, next, o);
    if (c.exit_code != want) {
        struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
        sb_comparison_text(&c, &text);
        fail_msg("exit code %d, want %d:\n%s", c.exit_code, want, sb_buf_str(&text));
    }
    release_compared(&c, base, next);
}

static inline void add_depth(struct sb_cell *c, int depth, double pp, double tg) {
    fixture_run(c, 1, depth, pp, tg);
    sb_cell_summarize(c);
}

/* golden/STEM.txt, .md and .json. */
static inline void expect_golden_forms(const struct sb_comparison *c, const char *stem) {
    static const struct {
        const char *ending;
        void (*write)(const struct sb_comparison *c, struct sb_buf *ret);
    } forms[] = {
        {"txt", sb_comparison_text},
        {"md", sb_comparison_markdown},
        {"json", sb_comparison_json},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct sb_buf text = SB_BUF_INIT(GOLDEN_MAX_BYTES);
        char *name = sb_asprintf("%s.%s", stem, forms[i].ending);
        forms[i].write(c, &text);
        golden_expect(name, sb_buf_str(&text));
        free(name);
        sb_buf_release(&text);
    }
}

#endif
