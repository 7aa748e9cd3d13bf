/* Statistics: pure functions on const double *. Needs libm alone.
 *
 * A figure that the sample cannot give (a deviation of one value, anything of none) is NaN,
 * never 0; callers write NaN as absent. Formulas: method.md, Statistics and Comparing. */
#ifndef STRATOBENCH_STATS_H
#define STRATOBENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct sb_summary {
    size_t n;
    double mean;
    double stddev; /* sample: n-1; NaN at n < 2 */
    double median;
    double min;
    double max;
    double ci95; /* half-width of the 95 % interval of the mean, Student's t; NaN at n < 2 */
};
/* Unit of every member is the unit of x. With a value that is not finite every figure is NaN. */
struct sb_summary sb_summarize(const double *x, size_t n);

/* Coefficient of variation stddev/mean; NaN at n < 2 or mean <= 0. */
double sb_cv(const struct sb_summary *s);

/* Quantile p (0 < p < 1) of Student's t with df > 0 degrees of freedom, which may be fractional
 * or INFINITY (the normal quantile); relative error below 1e-8. NaN outside these ranges. */
double sb_t_quantile(double p, double df);

/* Doubts about a sequence of measured runs, in the order they were made. Bits. */
enum sb_flag {
    SB_FLAG_WARMUP = 1 << 0, /* the first is < 0.95 of the least of the rest */
    SB_FLAG_DRIFT = 1 << 1,  /* every value below the one before, > 3 % in all, and not WARMUP */
    SB_FLAG_NOISY = 1 << 2,  /* CV above the limit given, and not by one of the above alone */
    SB_FLAG_BUSY = 1 << 4,   /* set by the bench module: other processes took CPU time */
    SB_FLAG_NOT_STEADY = 1 << 3, /* set by the bench module: it was still getting faster */
};
/* The trend of a sequence: WARMUP, DRIFT or 0. Needs n >= 2 for WARMUP, 3 for DRIFT. 0 when a value
 * is not finite. */
unsigned sb_trend(const double *x, size_t n);
/* What each value would be by that trend without chance: of WARMUP the first, then the mean of the
 * rest; of DRIFT a straight line; of none the mean. */
void sb_trend_line(const double *x, size_t n, unsigned trend, double *ret);
#define SB_NOISY_CV_PP 0.05
#define SB_NOISY_CV_TG 0.03
/* method.md, Warm-up: are two runs in a row within 3 % in PP and 2 % in TG? False for NaN. */
#define SB_STEADY_PP 0.03
#define SB_STEADY_TG 0.02
bool sb_is_steady(double pp_a, double tg_a, double pp_b, double tg_b);
/* "WARMUP", ...; NULL for a bit that is no flag. */
const char *sb_flag_name(enum sb_flag flag);

enum sb_verdict {
    SB_VERDICT_FASTER,
    SB_VERDICT_SLOWER,
    SB_VERDICT_TIE,
    SB_VERDICT_INCONCLUSIVE,
    SB_VERDICT_NONE, /* the two were never judged: no ratio gives it */
};
const char *sb_verdict_name(enum sb_verdict v); /* "faster", ... */

/* The ratio a/b of two throughputs with its 95 % interval: Welch's t on log throughput.
 * The samples are launch means (one value a launch), never runs within a launch.
 * When a side has one launch the spread between launches is unknown and `assumed_cv` (the
 * stated A/A spread, 0.02 unless measured) stands in for it as the known standard deviation of
 * the log, with infinite degrees of freedom in the Welch-Satterthwaite sum (as the GUM, JCGM
 * 100:2008, G.4.3, has it for a spread that is stated and not estimated); `assumed` says so.
 * Sides of several launches without any spread give an interval of no width. */
struct sb_ratio {
    double ratio; /* a/b; NaN when a side is empty or not positive */
    double low, high;
    bool assumed;
    enum sb_verdict verdict; /* of a against b, with the margin given */
};
#define SB_TIE_MARGIN        0.03
#define SB_ASSUMED_LAUNCH_CV 0.02
/* The verdict that an interval of a ratio gives. */
enum sb_verdict sb_judge(double low, double high, double margin);
struct sb_ratio sb_compare(const double *a, size_t na, const double *b, size_t nb, double margin,
                           double assumed_cv);

/* launches = auto: may the comparison of a with b, launch means, stop before five launches a side?
 *   decided    its interval, widened for looking often (O'Brien and Fleming's bounds as levels of
 *              Student's t, at the smaller side's number of launches), lies beyond the margin or
 *              within it; or sb_compare says faster or slower and so does an interval in which
 *              the spread between launches is a known 6 %, where neither side shows more: two
 *              launches tell a backend half as fast from another, though not their own spread
 *   hopeless   from three launches on: the probability that sb_compare has a verdict at five is
 *              below 5 % by what is known now: they are as far apart as the margin is wide, or the
 *              machine is too noisy
 *   open       all else, fewer than two launches a side included
 * What is decided has that verdict of sb_compare, too. Simulated in test_sequential. */
enum sb_outlook { SB_OUTLOOK_OPEN, SB_OUTLOOK_DECIDED, SB_OUTLOOK_HOPELESS };
enum { SB_LEAST_LAUNCHES = 2, SB_MOST_LAUNCHES = 5 };
enum sb_outlook sb_look(const double *a, size_t na, const double *b, size_t nb, double margin);

/* sb_compare for n pairs of launches, a[i] made beside b[i]: Student's t on log(a[i]/b[i]). What
 * both launches of a pair share, such as a machine that slows down, cancels. With one pair
 * assumed_cv stands for the spread of either launch. */
struct sb_ratio sb_compare_paired(const double *a, const double *b, size_t n, double margin,
                                  double assumed_cv);

/* The regression gate: `next` has lost too much against `base`. Samples are launch means.
 *   drop       1 - mean(next)/mean(base); negative is a gain, NaN when a side is empty or holds
 *              a value that is not positive (then there is no regression to speak of)
 *   launch_cv  the spread between launches: relative deviations from the own side's mean,
 *              pooled over both sides; assumed_cv when neither side has two launches
 *   limit      the greater of least_drop and 3 * sqrt(2) * launch_cv
 * With three launches a side and 1 % between launches, fewer than one in a hundred matrices of 40
 * equal cells alarm and more than 95 % of true 10 % losses are caught. With one launch a side the
 * assumed 2 % sets the limit at 8.5 %: then only some 87 % of them are (both simulated in the
 * tests), so a gate should run on several launches. */
struct sb_gate {
    double drop;
    double limit;
    double launch_cv;
    bool assumed;    /* launch_cv was not measured */
    bool regression; /* drop > limit */
};
#define SB_GATE_LEAST_DROP 0.05
struct sb_gate sb_gate(const double *base, size_t n_base, const double *next, size_t n_next,
                       double least_drop, double assumed_cv);
/* The gate over n pairs. The limit is the greater of least_drop and what chance makes of two equal
 * backends in one of a hundred: the quantile 0.99 of Student's t times the standard error of the
 * mean log ratio. Simulated in test_pair: with 1 % between launches, 5 pairs and a machine that
 * drifts by 10 % under them, fewer than one in a hundred equal backends alarm and more than 94 %
 * of true losses of 5 % are caught, both at the least drop of SB_GATE_LEAST_DROP_PAIRED. */
struct sb_gate sb_gate_paired(const double *base, const double *next, size_t n, double least_drop,
                              double assumed_cv);
#define SB_GATE_LEAST_DROP_PAIRED 0.025

#endif
