#include "stratobench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

static bool all_finite(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_sorted(const double *x, size_t n) {
    return n % 2 ? x[n / 2] : x[n / 2 - 1] / 2 + x[n / 2] / 2;
}

/* The quantile of every mean's interval. Results hold thousands of summaries of few sizes. */
static double t_975(size_t df) {
    static double known[64];
    if (df >= sizeof known / sizeof *known)
        return sb_t_quantile(0.975, (double)df);
    if (known[df] == 0)
        known[df] = sb_t_quantile(0.975, (double)df);
    return known[df];
}

struct sb_summary sb_summarize(const double *x, size_t n) {
    struct sb_summary s = {n, NAN, NAN, NAN, NAN, NAN, NAN};
    if (n == 0 || !all_finite(x, n))
        return s;
    double *sorted = sb_alloc(n, sizeof *sorted);
    memcpy(sorted, x, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    s.min = sorted[0];
    s.max = sorted[n - 1];
    s.median = median_of_sorted(sorted, n);
    free(sorted);

    /* Scaled by a power of two, which is exact, so that no sum or square overflows; and taken
     * from the first value, so that equal values have exactly that mean and deviation 0. */
    double most = fmax(fabs(s.min), fabs(s.max));
    int e = most > 0 ? ilogb(most) + 1 : 0;
    double x0 = scalbn(x[0], -e), sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += scalbn(x[i], -e) - x0;
    double mean = x0 + sum / (double)n;
    s.mean = scalbn(mean, e);
    if (n < 2)
        return s;
    for (size_t i = 0; i < n; i++)
        squares += (scalbn(x[i], -e) - mean) * (scalbn(x[i], -e) - mean);
    s.stddev = scalbn(sqrt(squares / (double)(n - 1)), e);
    s.ci95 = t_975(n - 1) * s.stddev / sqrt((double)n);
    return s;
}

double sb_cv(const struct sb_summary *s) {
    return s->n >= 2 && s->mean > 0 ? s->stddev / s->mean : NAN;
}

/* ---- Student's t ---------------------------------------------------------------------------- */

/* The continued fraction of the incomplete beta function by Lentz's method: I_x(a, b) =
 * x^a (1-x)^b / (a B(a, b)) times this. Converges fast for x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x) {
    enum { MOST_TERMS = 1000 };
    const double tiny = 1e-300;
    double c = 1, d = 1 / fmax(1 - (a + b) * x / (a + 1), tiny), f = d;
    for (int i = 1; i < MOST_TERMS; i++) {
        double m = i;
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        f *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-16)
            break;
    }
    return f;
}

/* P(T > t) for t > 0, and t times the density there, which is minus the slope of the tail over
 * log t. df may be INFINITY: the normal distribution. */
static double t_tail(double t, double df, double *ret_slope) {
    if (isinf(df)) {
        *ret_slope = t * exp(-t * t / 2) / sqrt(2 * M_PI);
        return erfc(t / M_SQRT2) / 2;
    }
    double a = df / 2, b = 0.5, x = df / (df + t * t), y = t * t / (df + t * t);
    double log_beta = lgamma(a) + lgamma(b) - lgamma(a + b);
    double front = exp(a * log(x) + b * log(y) - log_beta);
    *ret_slope = front;
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a / 2;
    return 0.5 - front * beta_fraction(b, a, y) / b / 2;
}

/* Start for the search: the normal quantile within 4.5e-4 (Abramowitz and Stegun 26.2.23). */
static double rough_normal_quantile(double upper_tail) {
    double t = sqrt(-2 * log(upper_tail));
    return t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

double sb_t_quantile(double p, double df) {
    if (!(p > 0 && p < 1 && df > 0))
        return NAN;
    if (p < 0.5)
        return -sb_t_quantile(1 - p, df);
    if (p == 0.5)
        return 0;
    if (df > 1e4 && !isinf(df)) { /* expansion about the normal quantile; next term < 1e-11 */
        double z = sb_t_quantile(p, INFINITY), z2 = z * z;
        return z + z * (z2 + 1) / (4 * df) + z * (z2 * (5 * z2 + 16) + 3) / (96 * df * df);
    }
    /* Newton on the log of the tail over log t. That curve falls and is concave, so from the
     * normal quantile, which is not above the answer, one step leads past it and the following
     * ones come back to it without crossing: no bracket is needed. */
    double t = fmax(rough_normal_quantile(1 - p), 1e-6);
    for (int i = 0; i < 100; i++) {
        double slope, tail = t_tail(t, df, &slope);
        double step = log(tail / (1 - p)) * tail / slope;
        t *= exp(step);
        if (fabs(step) < 1e-14)
            break;
    }
    return t;
}

/* ---- Flags ---------------------------------------------------------------------------------- */

static bool falls_throughout(const double *x, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (x[i] >= x[i - 1])
            return false;
    return true;
}

static bool within(double a, double b, double share) {
    return fabs(a - b) <= share * fmax(a, b);
}

bool sb_is_steady(double pp_a, double tg_a, double pp_b, double tg_b) {
    return within(pp_a, pp_b, SB_STEADY_PP) && within(tg_a, tg_b, SB_STEADY_TG);
}

unsigned sb_trend(const double *x, size_t n) {
    if (n < 2 || !all_finite(x, n))
        return 0;
    if (x[0] < 0.95 * sb_summarize(x + 1, n - 1).min)
        return SB_FLAG_WARMUP;
    return n >= 3 && falls_throughout(x, n) && x[n - 1] < 0.97 * x[0] ? SB_FLAG_DRIFT : 0;
}

/* Change from one value to the next of the least-squares line. */
static double slope(const double *x, size_t n) {
    double centre = (double)(n - 1) / 2, sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += ((double)i - centre) * x[i];
        squares += ((double)i - centre) * ((double)i - centre);
    }
    return sum / squares;
}

void sb_trend_line(const double *x, size_t n, unsigned trend, double *ret) {
    bool first = trend == SB_FLAG_WARMUP;
    double mean = sb_summarize(x + first, n - first).mean;
    double step = trend == SB_FLAG_DRIFT ? slope(x, n) : 0;
    for (size_t i = 0; i < n; i++)
        ret[i] = i < first ? x[i] : mean + ((double)i - (double)(n - 1) / 2) * step;
}

const char *sb_flag_name(enum sb_flag flag) {
    switch (flag) {
    case SB_FLAG_WARMUP: return "WARMUP";
    case SB_FLAG_DRIFT: return "DRIFT";
    case SB_FLAG_NOISY: return "NOISY";
    case SB_FLAG_BUSY: return "BUSY";
    case SB_FLAG_NOT_STEADY: return "NOT_STEADY";
    }
    return NULL;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

const char *sb_verdict_name(enum sb_verdict v) {
    static const char *const names[] = {"faster", "slower", "tie", "inconclusive", "not judged"};
    return names[v];
}

static bool all_positive(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(x[i] > 0))
            return false;
    return n > 0 && all_finite(x, n);
}

/* The mean of log x, the squared standard error of it, and that error's degrees of freedom. */
struct log_mean {
    double mean, variance, df;
    bool assumed;
};

static struct log_mean log_mean(const double *x, size_t n, double assumed_cv) {
    double *logs = sb_alloc(n, sizeof *logs);
    for (size_t i = 0; i < n; i++)
        logs[i] = log(x[i]);
    struct sb_summary s = sb_summarize(logs, n);
    free(logs);
    if (n == 1) /* a standard deviation that is stated, not estimated: infinite df */
        return (struct log_mean){s.mean, assumed_cv * assumed_cv, INFINITY, true};
    return (struct log_mean){s.mean, s.stddev * s.stddev / (double)n, (double)(n - 1), false};
}

enum sb_verdict sb_judge(double low, double high, double margin) {
    double above = 1 + margin, below = 1 / (1 + margin);
    if (low > above)
        return SB_VERDICT_FASTER;
    if (high < below)
        return SB_VERDICT_SLOWER;
    return low >= below && high <= above ? SB_VERDICT_TIE : SB_VERDICT_INCONCLUSIVE;
}

/* From a mean of log ratios and half the width of its interval; of NAN nothing is known. */
static struct sb_ratio ratio_of(double centre, double half, bool assumed, double margin) {
    struct sb_ratio r = {.ratio = exp(centre),
                         .low = exp(centre - half),
                         .high = exp(centre + half),
                         .assumed = assumed};
    r.verdict = sb_judge(r.low, r.high, margin);
    return r;
}

struct sb_ratio sb_compare(const double *a, size_t na, const double *b, size_t nb, double margin,
                           double assumed_cv) {
    if (!all_positive(a, na) || !all_positive(b, nb))
        return ratio_of(NAN, NAN, false, margin);
    struct log_mean la = log_mean(a, na, assumed_cv), lb = log_mean(b, nb, assumed_cv);
    double centre = la.mean - lb.mean, variance = la.variance + lb.variance, half = 0;
    if (variance > 0) {
        double df = variance * variance /
                    (la.variance * la.variance / la.df + lb.variance * lb.variance / lb.df);
        half = sb_t_quantile(0.975, df) * sqrt(variance);
    }
    return ratio_of(centre, half, la.assumed || lb.assumed, margin);
}

/* Of log(a[i]/b[i]), as log_mean has it; a single pair has the stated spread twice. */
static struct log_mean log_ratio_mean(const double *a, const double *b, size_t n,
                                      double assumed_cv) {
    double *ratios = sb_alloc(n, sizeof *ratios);
    for (size_t i = 0; i < n; i++)
        ratios[i] = a[i] / b[i];
    struct log_mean m = log_mean(ratios, n, M_SQRT2 * assumed_cv);
    free(ratios);
    return m;
}

struct sb_ratio sb_compare_paired(const double *a, const double *b, size_t n, double margin,
                                  double assumed_cv) {
    if (!all_positive(a, n) || !all_positive(b, n))
        return ratio_of(NAN, NAN, false, margin);
    struct log_mean m = log_ratio_mean(a, b, n, assumed_cv);
    double half = sb_t_quantile(0.975, m.df) * sqrt(m.variance);
    return ratio_of(m.mean, half, m.assumed, margin);
}

static double squared_relative_deviations(const double *x, size_t n, double mean) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] / mean - 1) * (x[i] / mean - 1);
    return sum;
}

struct sb_gate sb_gate(const double *base, size_t n_base, const double *next, size_t n_next,
                       double least_drop, double assumed_cv) {
    if (!all_positive(base, n_base) || !all_positive(next, n_next))
        return (struct sb_gate){NAN, NAN, NAN, false, false};
    double mean_base = sb_summarize(base, n_base).mean, mean_next = sb_summarize(next, n_next).mean;
    size_t df = n_base + n_next - 2;
    double launch_cv = assumed_cv;
    if (df > 0)
        launch_cv = sqrt((squared_relative_deviations(base, n_base, mean_base) +
                          squared_relative_deviations(next, n_next, mean_next)) /
                         (double)df);
    struct sb_gate g = {.drop = 1 - mean_next / mean_base,
                        .limit = fmax(least_drop, 3 * M_SQRT2 * launch_cv),
                        .launch_cv = launch_cv,
                        .assumed = df == 0};
    g.regression = g.drop > g.limit;
    return g;
}

struct sb_gate sb_gate_paired(const double *base, const double *next, size_t n, double least_drop,
                              double assumed_cv) {
    if (!all_positive(base, n) || !all_positive(next, n))
        return (struct sb_gate){NAN, NAN, NAN, false, false};
    struct log_mean m = log_ratio_mean(next, base, n, assumed_cv);
    double chance = sb_t_quantile(0.99, m.df) * sqrt(m.variance);
    struct sb_gate g = {.drop = 1 - exp(m.mean),
                        .limit = fmax(least_drop, 1 - exp(-chance)),
                        .launch_cv = sqrt(m.variance * (double)n / 2),
                        .assumed = m.assumed};
    g.regression = g.drop > g.limit;
    return g;
}
