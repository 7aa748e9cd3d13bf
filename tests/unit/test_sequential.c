/* launches = auto: when a comparison may stop, and how often that errs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "stratobench/stats.h"

enum { MOST = SB_MOST_LAUNCHES, BACKENDS = 3, DRAWS = 4000 };

/* ---- the rule ------------------------------------------------------------------------------- */

static void expect_outlook(const double *a, size_t na, const double *b, size_t nb,
                           enum sb_outlook want) {
    assert_int_equal(sb_look(a, na, b, nb, SB_TIE_MARGIN), want);
    assert_int_equal(sb_look(b, nb, a, na, SB_TIE_MARGIN), want); /* who is a makes no odds */
}

static void test_outlooks(void **state) {
    (void)state;
    const double base[] = {100, 101, 100.4, 100.6, 100.5}, half[] = {50, 51, 50.4, 50.6, 50.5};
    const double near[] = {97, 98, 97.4, 97.6, 97.5}, wild[] = {70, 130, 90, 110, 100};
    expect_outlook(base, 1, half, 1, SB_OUTLOOK_OPEN);
    expect_outlook(base, 2, half, 1, SB_OUTLOOK_OPEN);
    expect_outlook(base, 2, half, 2, SB_OUTLOOK_DECIDED);
    expect_outlook(base, 5, half, 2, SB_OUTLOOK_DECIDED);
    expect_outlook(base, 2, base, 2, SB_OUTLOOK_OPEN); /* a tie needs a known spread */
    expect_outlook(base, 4, base, 4, SB_OUTLOOK_DECIDED);
    expect_outlook(base, 2, near, 2, SB_OUTLOOK_OPEN); /* as far apart as the margin is wide */
    expect_outlook(base, 3, near, 3, SB_OUTLOOK_HOPELESS);
    expect_outlook(base, 2, wild, 2, SB_OUTLOOK_OPEN);
    expect_outlook(base, 3, wild, 3, SB_OUTLOOK_HOPELESS); /* no tie can come of this */
    const double bad[] = {0, NAN};
    expect_outlook(base, 2, bad, 2, SB_OUTLOOK_OPEN);
    const double still[] = {100, 100}, still_half[] = {50, 50};
    expect_outlook(still, 2, still, 2, SB_OUTLOOK_DECIDED);
    expect_outlook(still, 2, still_half, 2, SB_OUTLOOK_DECIDED);
}

/* What is decided is also what the document will say. */
static void test_decided_is_what_is_printed(void **state) {
    (void)state;
    random_state = 5;
    for (int i = 0; i < 20000; i++) {
        double a[MOST], b[MOST], cv = 0.05 * uniform(), ratio = 1 + 0.2 * uniform();
        size_t n = 2 + (size_t)(3.99 * uniform());
        for (size_t k = 0; k < n; k++) {
            a[k] = 100 * exp(cv * normal());
            b[k] = 100 * ratio * exp(cv * normal());
        }
        if (sb_look(a, n, b, n, SB_TIE_MARGIN) == SB_OUTLOOK_DECIDED)
            assert_int_not_equal(
                sb_compare(a, n, b, n, SB_TIE_MARGIN, SB_ASSUMED_LAUNCH_CV).verdict,
                SB_VERDICT_INCONCLUSIVE);
    }
}

/* ---- error rates, simulated ------------------------------------------------------------------ */

struct backend {
    double speed, cv; /* between launches */
};

struct tally {
    int launches, wrong, slower; /* wrong: a verdict that is not so of the true speeds */
};

static double mean_log(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(x[i]);
    return sum / (double)n;
}

static size_t best_of(double x[][MOST], const size_t *n) {
    size_t best = 0;
    for (size_t i = 1; i < BACKENDS; i++)
        if (mean_log(x[i], n[i]) > mean_log(x[best], n[best]))
            best = i;
    return best;
}

/* Rounds until nothing is open, as bench has them. */
static void run_auto(double x[][MOST], size_t *n) {
    bool done[BACKENDS] = {false};
    for (size_t round = 1; round <= MOST; round++) {
        for (size_t i = 0; i < BACKENDS; i++)
            if (!done[i])
                n[i] = round;
        size_t best = best_of(x, n);
        bool open = false;
        for (size_t i = 0; i < BACKENDS; i++) {
            if (i == best)
                continue;
            bool closed = sb_look(x[i], n[i], x[best], n[best], SB_TIE_MARGIN) != SB_OUTLOOK_OPEN;
            done[i] |= closed;
            open |= !closed;
        }
        if (!open)
            return;
    }
}

/* Against the best, as the document has it. */
static void count(double x[][MOST], const size_t *n, const struct backend *b, struct tally *t) {
    size_t best = best_of(x, n);
    for (size_t i = 0; i < BACKENDS; i++) {
        t->launches += (int)n[i];
        if (i == best)
            continue;
        double truth = log(b[i].speed / b[best].speed), edge = log(1 + SB_TIE_MARGIN);
        enum sb_verdict v =
            sb_compare(x[i], n[i], x[best], n[best], SB_TIE_MARGIN, SB_ASSUMED_LAUNCH_CV).verdict;
        t->slower += v == SB_VERDICT_SLOWER;
        t->wrong += (v == SB_VERDICT_SLOWER && truth >= -edge) ||
                    (v == SB_VERDICT_FASTER && truth <= edge) ||
                    (v == SB_VERDICT_TIE && fabs(truth) > edge);
    }
}

struct outcome {
    struct tally by_auto, by_three, by_five;
};

static struct outcome simulate(const char *what, const struct backend *b) {
    static const size_t three[BACKENDS] = {3, 3, 3}, five[BACKENDS] = {MOST, MOST, MOST};
    struct outcome o = {0};
    random_state = 20261124;
    for (int d = 0; d < DRAWS; d++) {
        double x[BACKENDS][MOST];
        size_t n[BACKENDS];
        for (size_t i = 0; i < BACKENDS; i++)
            for (size_t k = 0; k < MOST; k++)
                x[i][k] = b[i].speed * exp(b[i].cv * normal());
        run_auto(x, n);
        count(x, n, b, &o.by_auto);
        count(x, three, b, &o.by_three);
        count(x, five, b, &o.by_five);
    }
    const struct tally *t[] = {&o.by_auto, &o.by_three, &o.by_five};
    print_message("%-28s", what);
    for (size_t i = 0; i < 3; i++)
        print_message(" | %.2f launches, wrong %5.2f %%, slower %5.1f %%",
                      (double)t[i]->launches / (DRAWS * BACKENDS),
                      100.0 * t[i]->wrong / (DRAWS * (BACKENDS - 1)),
                      100.0 * t[i]->slower / (DRAWS * (BACKENDS - 1)));
    print_message("\n");
    return o;
}

enum { VERDICTS = DRAWS * (BACKENDS - 1) };

static struct outcome simulate_ratio(double second, double cv) {
    char what[64];
    snprintf(what, sizeof what, "1, %.3g, %.3g; spread %g %%", second, second, 100 * cv);
    const struct backend b[] = {{1, cv}, {second, cv}, {second, cv}};
    return simulate(what, b);
}

static void equal_backends_are_not_told_apart(void **state) {
    (void)state;
    static const double cvs[] = {0.003, 0.01, 0.02, 0.03};
    print_message("%-28s   auto | 3 | 5\n", "");
    for (size_t i = 0; i < sizeof cvs / sizeof *cvs; i++)
        assert_true(simulate_ratio(1, cvs[i]).by_auto.wrong < VERDICTS / 100);
}

static void a_tenth_is_found(void **state) {
    (void)state;
    static const double cvs[] = {0.003, 0.01, 0.02};
    for (size_t i = 0; i < sizeof cvs / sizeof *cvs; i++) {
        struct outcome o = simulate_ratio(0.9, cvs[i]);
        assert_true(o.by_auto.slower >= VERDICTS / 100 * 95);
        assert_true(o.by_auto.wrong < VERDICTS / 100);
        assert_true(o.by_auto.launches < o.by_five.launches * 4 / 5);
    }
}

/* At the very edge of the margin, where every rule errs most: hardly more than five launches do. */
static void at_the_edge_it_errs_as_five_do(void **state) {
    (void)state;
    struct outcome o = simulate_ratio(1 / (1 + SB_TIE_MARGIN), 0.01);
    assert_true(o.by_auto.wrong <= o.by_five.wrong + VERDICTS / 100);
}

/* The time of 600 + 128 tokens on each backend of the reference, and the spread of its three runs
 * taken for one between launches. */
static void on_the_reference_it_takes_three_of_five(void **state) {
    (void)state;
    static const struct {
        const char *model;
        struct backend b[BACKENDS];
    } models[] = {
        {"MiniMax M2.5 139B", {{1 / 9.11, 0.0193}, {1 / 8.31, 0.0215}, {1 / 23.03, 0.0213}}},
        {"Llama 3.3 70B", {{1 / 49.14, 0.0020}, {1 / 50.47, 0.0042}, {1 / 139.64, 0.0002}}},
        {"Qwen3-Coder-Next 80B", {{1 / 6.61, 0.0095}, {1 / 5.25, 0.0355}, {1 / 17.36, 0.0088}}},
    };
    int by_auto = 0, by_five = 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct outcome o = simulate(models[i].model, models[i].b);
        by_auto += o.by_auto.launches;
        by_five += o.by_five.launches;
        assert_true(o.by_auto.wrong < VERDICTS / 100);
        assert_true(o.by_auto.slower > o.by_five.slower - VERDICTS / 100);
    }
    print_message("the reference: %.1f %% of the launches of five\n", 100.0 * by_auto / by_five);
    assert_true(by_auto <= by_five * 60 / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outlooks),
        cmocka_unit_test(test_decided_is_what_is_printed),
        cmocka_unit_test(equal_backends_are_not_told_apart),
        cmocka_unit_test(a_tenth_is_found),
        cmocka_unit_test(at_the_edge_it_errs_as_five_do),
        cmocka_unit_test(on_the_reference_it_takes_three_of_five),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
