/* A result set that is ranked, and what is said of it. */
#ifndef RANK_FIXTURE_H
#define RANK_FIXTURE_H

#include "stratobench/verdict.h"

#include "golden.h"
#include "results_fixture.h"

static const struct sb_workload usual = SB_WORKLOAD_DEFAULT;

static inline struct sb_rank rank_of(const struct sb_results *r, const struct sb_workload *w) {
    struct sb_rank rank;
    sb_rank(r, NULL, w, &rank);
    return rank;
}

static inline char *render(const struct sb_results *const *sets, size_t n, bool markdown) {
    struct sb_buf b = SB_BUF_INIT(GOLDEN_MAX_BYTES);
    assert_int_equal((markdown ? sb_rank_markdown : sb_rank_text)(sets, n, &usual, &b), 0);
    return sb_buf_detach(&b);
}

static inline void expect_in(const struct sb_results *r, const char *want) {
    char *text = render(&r, 1, false);
    if (!strstr(text, want))
        fail_msg("want \"%s\" in:\n%s", want, text);
    free(text);
}

static inline void expect_not_in(const struct sb_results *r, const char *unwanted) {
    char *text = render(&r, 1, false);
    if (strstr(text, unwanted))
        fail_msg("unwanted \"%s\" in:\n%s", unwanted, text);
    free(text);
}

static inline void assert_close(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.12g, want %.12g", got, want);
}

#endif
