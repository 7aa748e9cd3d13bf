#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"
#include "stratobench/stats.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_near(double got, double want, double relative) {
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%.17g is not %.17g", got, want);
}

static void summary_of_a_triple(void **state) {
    (void)state;
    struct sb_summary s = sb_summarize((double[]){176.09, 171.02, 171.18}, 3);
    assert_int_equal(s.n, 3);
    assert_near(s.mean, 172.76333333333333, 1e-14);
    assert_near(s.stddev, 2.88208836320702, 1e-12);
    assert_near(s.median, 171.18, 0);
    assert_near(s.min, 171.02, 0);
    assert_near(s.max, 176.09, 0);
    assert_near(s.ci95, 4.302652729749464 * 2.88208836320702 / sqrt(3), 1e-9);
    assert_near(sb_cv(&s), 2.88208836320702 / 172.76333333333333, 1e-12);
    assert_near(sb_summarize((double[]){1, 9, 2, 4}, 4).median, 3, 0);
}

static void what_a_sample_cannot_give_is_nan(void **state) {
    (void)state;
    struct sb_summary none = sb_summarize(NULL, 0), one = sb_summarize((double[]){7}, 1);
    assert_int_equal(none.n, 0);
    assert_true(isnan(none.mean) && isnan(none.median) && isnan(none.min) && isnan(none.ci95));
    assert_true(one.mean == 7 && one.median == 7 && one.min == 7 && one.max == 7);
    assert_true(isnan(one.stddev) && isnan(one.ci95) && isnan(sb_cv(&one)));
    struct sb_summary below_zero = sb_summarize((double[]){-1, -2}, 2);
    assert_true(isnan(sb_cv(&below_zero)));
    struct sb_summary broken = sb_summarize((double[]){1, NAN, 3}, 3);
    assert_true(isnan(broken.mean) && isnan(broken.stddev) && isnan(broken.max));
    broken = sb_summarize((double[]){1, INFINITY}, 2);
    assert_true(isnan(broken.mean) && isnan(broken.max));
}

static void summary_of_extremes(void **state) {
    (void)state;
    struct sb_summary huge = sb_summarize((double[]){1.6e308, 1.6e308, 1.7e308}, 3);
    assert_near(huge.mean, 1.6333333333333333e308, 1e-14);
    assert_near(huge.stddev, 5.7735026918962576e306, 1e-12);
    assert_near(sb_summarize((double[]){1.6e308, 1.7e308}, 2).median, 1.65e308, 1e-14);
    struct sb_summary tiny = sb_summarize((double[]){1e-300, 2e-300, 3e-300}, 3);
    assert_near(tiny.mean, 2e-300, 1e-14);
    assert_near(tiny.stddev, 1e-300, 1e-12);
    struct sb_summary apart = sb_summarize((double[]){1e9, 1e9 + 1, 1e9 + 2}, 3);
    assert_near(apart.stddev, 1, 1e-12); /* the textbook sum of squares loses this one */
    struct sb_summary equal = sb_summarize((double[]){0.1, 0.1, 0.1}, 3);
    assert_true(equal.mean == 0.1 && equal.stddev == 0 && equal.ci95 == 0);
    struct sb_summary zero = sb_summarize((double[]){0, 0}, 2);
    assert_true(zero.mean == 0 && zero.stddev == 0 && isnan(sb_cv(&zero)));
}

/* Expected values: mpmath, 30 digits. */
static void t_quantiles(void **state) {
    (void)state;
    static const struct {
        double p, df, t;
    } table[] = {
        {0.975, 0.5, 164.5576734804885},       {0.975, 1, 12.7062047361747},
        {0.975, 2, 4.302652729749464},         {0.975, 2.5, 3.574654842003683},
        {0.975, 4, 2.776445105197794},         {0.975, 7.3, 2.345066736547704},
        {0.975, 30, 2.042272456301238},        {0.975, 1000, 1.962339080826408},
        {0.975, 9999, 1.960201263621358},      {0.975, 20000, 1.960082605158135},
        {0.975, INFINITY, 1.9599639845400542}, {0.9, 3, 1.63774435369621},
        {0.6, 5, 0.2671808657041451},          {0.9999, 1.5, 242.2640988465063},
        {0.99999999, 3, 479.5250695797383},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        /* 1 - p itself is known to 1e-16 only: at p = 0.99999999 to 1e-8 of its size. */
        assert_near(sb_t_quantile(table[i].p, table[i].df), table[i].t, 1e-8);
        if (table[i].p < 0.999)
            assert_near(sb_t_quantile(1 - table[i].p, table[i].df), -table[i].t, 1e-8);
    }
    assert_true(sb_t_quantile(0.5, 3) == 0);
    assert_true(isnan(sb_t_quantile(0, 3)) && isnan(sb_t_quantile(1, 3)));
    assert_true(isnan(sb_t_quantile(0.9, 0)) && isnan(sb_t_quantile(NAN, 3)));
    assert_true(isnan(sb_t_quantile(0.9, NAN)));
}

/* Every triple of runs in the reference documents, and the doubts it deserves. */
static void flags_of_the_reference(void **state) {
    (void)state;
    enum { NONE = 0, WARMUP = SB_FLAG_WARMUP, DRIFT = SB_FLAG_DRIFT };
    static const struct {
        const char *cell;
        double pp[3], tg[3];
        unsigned pp_flags, tg_flags;
    } table[] = {
        {"MiniMax 139B ROCm", {176.09, 171.02, 171.18}, {23.21, 22.66, 22.22}, NONE, DRIFT},
        {"MiniMax 139B Vulkan", {176.60, 187.26, 186.71}, {25.04, 25.45, 25.80}, WARMUP, NONE},
        {"MiniMax 139B CPU", {51.32, 49.63, 49.40}, {11.88, 11.49, 11.39}, DRIFT, DRIFT},
        {"Llama 3.3 70B ROCm", {109.42, 106.30, 105.49}, {2.93, 2.95, 2.94}, DRIFT, NONE},
        {"Llama 3.3 70B Vulkan", {81.87, 82.87, 82.55}, {2.95, 2.97, 2.97}, NONE, NONE},
        {"Llama 3.3 70B CPU", {13.17, 13.19, 13.18}, {1.36, 1.36, 1.36}, NONE, NONE},
        {"Qwen3-Coder ROCm", {218.12, 218.88, 221.84}, {33.76, 32.83, 32.36}, NONE, DRIFT},
        {"Qwen3-Coder Vulkan", {288.60, 336.48, 331.46}, {37.82, 38.11, 38.45}, WARMUP, NONE},
        {"Qwen3-Coder CPU", {93.19, 91.56, 96.11}, {11.80, 11.65, 11.61}, NONE, NONE},
        {"Phi-4-mini", {1101.93, 1611.43, 1536.83}, {50.68, 50.05, 49.77}, WARMUP, NONE},
        {"GPT-OSS 20B", {830.96, 969.78, 1040.64}, {77.26, 76.99, 77.29}, WARMUP, NONE},
        {"GLM-4.7 Flash", {394.49, 619.78, 627.20}, {63.51, 62.02, 60.89}, WARMUP, DRIFT},
        {"Qwen3-Coder k8s", {290.84, 342.13, 339.65}, {37.83, 38.11, 38.02}, WARMUP, NONE},
        {"MiniMax 139B k8s", {170.18, 166.41, 163.78}, {23.24, 22.68, 22.29}, DRIFT, DRIFT},
        {"Qwen3-VL 30B", {575.11, 757.37, 755.54}, {78.83, 80.67, 80.17}, WARMUP, NONE},
        {"Gemma 3 27B", {180.69, 186.90, 185.71}, {9.41, 9.39, 9.32}, NONE, NONE},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        unsigned pp = sb_trend(table[i].pp, 3), tg = sb_trend(table[i].tg, 3);
        if (pp != table[i].pp_flags || tg != table[i].tg_flags)
            fail_msg("%s: flags %#x and %#x", table[i].cell, pp, tg);
    }
}

static void the_line_of_a_trend(void **state) {
    (void)state;
    static const struct {
        unsigned trend;
        double x[4], line[4];
    } table[] = {
        {0, {90, 100, 110, 100}, {100, 100, 100, 100}},
        {SB_FLAG_WARMUP, {50, 100, 110, 90}, {50, 100, 100, 100}},
        {SB_FLAG_DRIFT, {100, 95, 80, 75}, {101, 92, 83, 74}},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        double line[4];
        sb_trend_line(table[i].x, 4, table[i].trend, line);
        for (size_t k = 0; k < 4; k++)
            assert_true(fabs(line[k] - table[i].line[k]) < 1e-9);
    }
}

static void flags_at_their_edges(void **state) {
    (void)state;
    static const struct {
        double x[3];
        size_t n;
        unsigned want;
    } table[] = {
        {{94.9, 100, 101}, 3, SB_FLAG_WARMUP},
        {{95.1, 100, 100}, 3, 0},
        {{94, 100}, 2, SB_FLAG_WARMUP},
        {{100, 98, 96.9}, 3, SB_FLAG_DRIFT},
        {{100, 99, 97.1}, 3, 0},
        {{100, 94}, 2, 0}, /* two values are no trend */
        {{100, 91, 101}, 3, 0},
        {{100, 96.9, 96.9}, 3, 0}, /* flat at the end is no fall throughout */
        {{50}, 1, 0},
        {{90, NAN, 100}, 3, 0},
        {{90, INFINITY, 100}, 3, 0},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (sb_trend(table[i].x, table[i].n) != table[i].want)
            fail_msg("row %zu: %#x", i, sb_trend(table[i].x, table[i].n));
    assert_string_equal(sb_flag_name(SB_FLAG_NOT_STEADY), "NOT_STEADY");
    assert_string_equal(sb_flag_name(SB_FLAG_WARMUP), "WARMUP");
    assert_string_equal(sb_flag_name(SB_FLAG_DRIFT), "DRIFT");
    assert_string_equal(sb_flag_name(SB_FLAG_NOISY), "NOISY");
    assert_null(sb_flag_name((enum sb_flag)(1 << 9)));
}

static void compare_is_welch_on_logs(void **state) {
    (void)state;
    const double a[] = {110, 112, 111}, b[] = {100, 99, 101, 103};
    double la[3], lb[4];
    for (size_t i = 0; i < 3; i++)
        la[i] = log(a[i]);
    for (size_t i = 0; i < 4; i++)
        lb[i] = log(b[i]);
    struct sb_summary sa = sb_summarize(la, 3), sb = sb_summarize(lb, 4);
    double va = sa.stddev * sa.stddev / 3, vb = sb.stddev * sb.stddev / 4;
    double df = (va + vb) * (va + vb) / (va * va / 2 + vb * vb / 3);
    double half = sb_t_quantile(0.975, df) * sqrt(va + vb);
    struct sb_ratio r = sb_compare(a, 3, b, 4, 0.03, 0.02);
    assert_near(r.ratio, exp(sa.mean - sb.mean), 1e-12);
    assert_near(r.low, exp(sa.mean - sb.mean - half), 1e-9);
    assert_near(r.high, exp(sa.mean - sb.mean + half), 1e-9);
    assert_false(r.assumed);
    assert_int_equal(r.verdict, SB_VERDICT_FASTER);
    struct sb_ratio back = sb_compare(b, 4, a, 3, 0.03, 0.02);
    assert_near(back.ratio, 1 / r.ratio, 1e-12);
    assert_near(back.low, 1 / r.high, 1e-12);
    assert_int_equal(back.verdict, SB_VERDICT_SLOWER);
}

static void one_launch_uses_the_stated_spread(void **state) {
    (void)state;
    /* Both sides alone: a normal interval, 1.96 * 2 % * sqrt 2 = 5.5 % either way. */
    struct sb_ratio r = sb_compare((double[]){110}, 1, (double[]){100}, 1, 0.03, 0.02);
    assert_true(r.assumed);
    assert_near(r.low, 1.1 * exp(-1.9599639845400542 * 0.02 * M_SQRT2), 1e-9);
    assert_int_equal(r.verdict, SB_VERDICT_FASTER);
    r = sb_compare((double[]){108}, 1, (double[]){100}, 1, 0.03, 0.02);
    assert_int_equal(r.verdict, SB_VERDICT_INCONCLUSIVE);
    r = sb_compare((double[]){100}, 1, (double[]){100}, 1, 0.03, 0.01);
    assert_int_equal(r.verdict, SB_VERDICT_TIE);

    /* One side alone: its stated variance enters with infinite degrees of freedom. */
    const double b[] = {100, 102};
    double vb = pow(log(102.0 / 100.0), 2) / 4; /* s^2 of two logs is d^2/2; over n, d^2/4 */
    double df = pow(0.0004 + vb, 2) / (vb * vb / 1);
    r = sb_compare((double[]){101}, 1, b, 2, 0.03, 0.02);
    assert_true(r.assumed);
    assert_near(log(r.high / r.ratio), sb_t_quantile(0.975, df) * sqrt(0.0004 + vb), 1e-9);
}

static void compare_without_spread_or_sense(void **state) {
    (void)state;
    const double x[] = {50, 50, 50}, y[] = {40, 40};
    struct sb_ratio r = sb_compare(x, 3, x, 3, 0.03, 0.02);
    assert_true(r.ratio == 1 && r.low == 1 && r.high == 1 && r.verdict == SB_VERDICT_TIE);
    r = sb_compare(x, 3, y, 2, 0.03, 0.02);
    assert_near(r.low, 1.25, 1e-12);
    assert_int_equal(r.verdict, SB_VERDICT_FASTER);
    r = sb_compare(x, 3, (double[]){50}, 1, 0.03, 0.01); /* a known zero beside a stated 1 % */
    assert_near(log(r.high), 1.9599639845400542 * 0.01, 1e-9);
    assert_int_equal(r.verdict, SB_VERDICT_TIE);

    static const double bad[][2] = {{NAN, 1}, {INFINITY, 1}, {0, 1}, {-1, 1}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        r = sb_compare(bad[i], 2, x, 3, 0.03, 0.02);
        assert_true(isnan(r.ratio) && isnan(r.low) && isnan(r.high));
        assert_int_equal(r.verdict, SB_VERDICT_INCONCLUSIVE);
        assert_true(isnan(sb_gate(x, 3, bad[i], 2, 0.05, 0.02).drop));
        assert_false(sb_gate(x, 3, bad[i], 2, 0.05, 0.02).regression);
    }
    assert_true(isnan(sb_compare(x, 3, NULL, 0, 0.03, 0.02).ratio));
    assert_true(isnan(sb_gate(NULL, 0, x, 3, 0.05, 0.02).drop));
    assert_true(isfinite(sb_compare((double[]){1e-300}, 1, (double[]){2e-300}, 1, .03, .02).high));
    assert_string_equal(sb_verdict_name(SB_VERDICT_FASTER), "faster");
    assert_string_equal(sb_verdict_name(SB_VERDICT_SLOWER), "slower");
    assert_string_equal(sb_verdict_name(SB_VERDICT_TIE), "tie");
    assert_string_equal(sb_verdict_name(SB_VERDICT_INCONCLUSIVE), "inconclusive");
}

static void the_gate_and_its_limit(void **state) {
    (void)state;
    const double base[] = {100, 101, 99}, lower[] = {94, 94.5, 93.5};
    struct sb_gate g = sb_gate(base, 3, lower, 3, 0.05, 0.02);
    assert_near(g.drop, 0.06, 1e-12);
    assert_near(g.launch_cv, sqrt((2e-4 + 2 * pow(0.5 / 94, 2)) / 4), 1e-12);
    assert_near(g.limit, 0.05, 0); /* 3 sqrt 2 * 0.8 % is less than 5 % */
    assert_true(g.regression && !g.assumed);
    assert_true(sb_gate(lower, 3, base, 3, 0.05, 0.02).drop < 0); /* a gain */
    assert_false(sb_gate(lower, 3, base, 3, 0.05, 0.02).regression);
    assert_false(sb_gate(base, 3, lower, 3, 0.07, 0.02).regression);
    const double wide[] = {96, 104, 100};
    g = sb_gate(wide, 3, lower, 3, 0.05, 0.02); /* its own spread forbids an alarm */
    assert_true(g.limit > 0.1);
    assert_false(g.regression);
    g = sb_gate((double[]){100}, 1, (double[]){92}, 1, 0.05, 0.02);
    assert_true(g.assumed && !g.regression);
    assert_near(g.limit, 0.06 * M_SQRT2, 1e-12);
    assert_true(sb_gate((double[]){100}, 1, (double[]){91}, 1, 0.05, 0.02).regression);
    assert_false(sb_gate(base, 3, (double[]){100}, 1, 0.05, 0.02).assumed);
}

/* ---- Error rates, simulated ------------------------------------------------------------------ */

/* Means of three launches, 1 % between them, of three runs each, 0.3 % between those. */
enum { LAUNCHES = 3, RUNS = 3, DRAWS = 20000, CELLS = 40 };

static void draw_launch_means(double speed, double *ret) {
    for (int l = 0; l < LAUNCHES; l++) {
        double launch = speed * (1 + 0.01 * normal()), sum = 0;
        for (int r = 0; r < RUNS; r++)
            sum += launch * (1 + 0.003 * normal());
        ret[l] = sum / RUNS;
    }
}

static void draw_verdicts(double speed, int counts[4]) {
    random_state = 20260222;
    for (int i = 0; i < DRAWS; i++) {
        double a[LAUNCHES], b[LAUNCHES];
        draw_launch_means(100 * speed, a);
        draw_launch_means(100, b);
        counts[sb_compare(a, LAUNCHES, b, LAUNCHES, SB_TIE_MARGIN, SB_ASSUMED_LAUNCH_CV).verdict]++;
    }
}

static void verdicts_err_as_seldom_as_promised(void **state) {
    (void)state;
    int equal[4] = {0}, more[4] = {0}, less[4] = {0};
    draw_verdicts(1, equal);
    draw_verdicts(1.1, more);
    draw_verdicts(0.9, less);
    print_message(
        "equal: %d faster, %d slower, %d tie of %d; +10 %%: %d faster; -10 %%: %d slower\n",
        equal[SB_VERDICT_FASTER], equal[SB_VERDICT_SLOWER], equal[SB_VERDICT_TIE], DRAWS,
        more[SB_VERDICT_FASTER], less[SB_VERDICT_SLOWER]);
    assert_true(equal[SB_VERDICT_FASTER] + equal[SB_VERDICT_SLOWER] < DRAWS / 100);
    assert_true(equal[SB_VERDICT_TIE] > DRAWS / 3); /* and equality is said often, too */
    assert_true(more[SB_VERDICT_FASTER] >= DRAWS * 95 / 100);
    assert_true(less[SB_VERDICT_SLOWER] >= DRAWS * 95 / 100);
    assert_int_equal(more[SB_VERDICT_SLOWER] + less[SB_VERDICT_FASTER], 0);
}

/* The interval itself holds the true ratio 95 times in 100. */
static void intervals_cover(void **state) {
    (void)state;
    int covered = 0;
    random_state = 7;
    for (int i = 0; i < DRAWS; i++) {
        double a[LAUNCHES], b[LAUNCHES];
        draw_launch_means(104, a);
        draw_launch_means(100, b);
        struct sb_ratio r = sb_compare(a, LAUNCHES, b, LAUNCHES, 0.03, 0.02);
        covered += r.low <= 1.04 && 1.04 <= r.high;
    }
    print_message("coverage %.4f\n", (double)covered / DRAWS);
    assert_true(covered > DRAWS * 94 / 100 && covered < DRAWS * 98 / 100);
}

enum { MATRICES = 2000 };

static void draw_gates(size_t launches, int *alarms, int *caught) {
    random_state = 42;
    for (int m = 0; m < MATRICES; m++) {
        bool alarm = false;
        for (int c = 0; c < CELLS; c++) {
            double base[LAUNCHES], same[LAUNCHES], lost[LAUNCHES];
            draw_launch_means(100, base);
            draw_launch_means(100, same);
            draw_launch_means(90, lost);
            alarm |=
                sb_gate(base, launches, same, launches, SB_GATE_LEAST_DROP, SB_ASSUMED_LAUNCH_CV)
                    .regression;
            *caught +=
                sb_gate(base, launches, lost, launches, SB_GATE_LEAST_DROP, SB_ASSUMED_LAUNCH_CV)
                    .regression;
        }
        *alarms += alarm;
    }
    print_message("%zu launches: %d of %d matrices alarm, %d of %d losses caught\n", launches,
                  *alarms, MATRICES, *caught, MATRICES * CELLS);
}

static void the_gate_errs_as_seldom_as_promised(void **state) {
    (void)state;
    int alarms = 0, caught = 0;
    draw_gates(LAUNCHES, &alarms, &caught);
    assert_true(alarms < MATRICES / 100);
    assert_true(caught >= MATRICES * CELLS / 100 * 95);
    alarms = caught = 0;
    draw_gates(1, &alarms, &caught); /* what the header admits */
    assert_true(alarms < MATRICES / 100);
    assert_true(caught >= MATRICES * CELLS / 100 * 84 && caught <= MATRICES * CELLS / 100 * 90);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_a_triple),
        cmocka_unit_test(what_a_sample_cannot_give_is_nan),
        cmocka_unit_test(summary_of_extremes),
        cmocka_unit_test(t_quantiles),
        cmocka_unit_test(flags_of_the_reference),
        cmocka_unit_test(flags_at_their_edges),
        cmocka_unit_test(the_line_of_a_trend),
        cmocka_unit_test(compare_is_welch_on_logs),
        cmocka_unit_test(one_launch_uses_the_stated_spread),
        cmocka_unit_test(compare_without_spread_or_sense),
        cmocka_unit_test(the_gate_and_its_limit),
        cmocka_unit_test(verdicts_err_as_seldom_as_promised),
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(the_gate_errs_as_seldom_as_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
