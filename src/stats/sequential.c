/* When may a comparison stop? Group-sequential: the rule and its error rates stand in stats.h. */
#include "stratobench/stats.h"

#include <math.h>
#include <stdlib.h>

#include "stratobench/base.h"

/* At 2, 3, 4 and 5 launches: two-sided nominal levels that spend 5 % in all, as Lan and DeMets'
 * form of O'Brien and Fleming's bounds has it (spent by the share t of the launches: 2 - 2
 * Phi(1.96/sqrt t), t = 0.4, 0.6, 0.8, 1), found by integrating the random walk from look to look.
 * As levels they serve Student's t, too. */
static const double levels[] = {0.00194, 0.01067, 0.02421, 0.03907};

/* A spread between launches above which one is not believed to be known, for what is decided by it:
 * three times SB_ASSUMED_LAUNCH_CV. */
static const double MOST_LAUNCH_CV = 3 * SB_ASSUMED_LAUNCH_CV;

/* A chance of a verdict that is not worth the launches. */
static const double HOPELESS = 0.05;
enum { LEAST_TO_GIVE_UP = 3 };

struct side {
    size_t n;
    double mean, sd; /* of the log */
};

static struct side side_of(const double *x, size_t n) {
    double *logs = sb_alloc(n, sizeof *logs);
    for (size_t i = 0; i < n; i++)
        logs[i] = log(x[i]);
    struct sb_summary s = sb_summarize(logs, n);
    free(logs);
    return (struct side){n, s.mean, s.stddev};
}

/* Of the mean of n such launches. */
static double variance(const struct side *s, size_t n) {
    return s->sd * s->sd / (double)n;
}

/* Half of the interval of the difference, had the sides that many launches. */
static double half_width(const struct side *a, size_t na, const struct side *b, size_t nb,
                         double level) {
    double va = variance(a, na), vb = variance(b, nb);
    if (va + vb <= 0)
        return 0;
    double df = (va + vb) * (va + vb) / (va * va / (double)(na - 1) + vb * vb / (double)(nb - 1));
    return sb_t_quantile(1 - level / 2, df) * sqrt(va + vb);
}

static enum sb_verdict judge(double difference, double half, double margin) {
    return sb_judge(exp(difference - half), exp(difference + half), margin);
}

/* The spread taken as known: what is far out is so whatever two launches say of it. */
static enum sb_verdict judge_by_ceiling(const struct side *a, const struct side *b, double level,
                                        double margin) {
    if (a->sd > MOST_LAUNCH_CV || b->sd > MOST_LAUNCH_CV)
        return SB_VERDICT_INCONCLUSIVE;
    double sd = MOST_LAUNCH_CV * sqrt(1 / (double)a->n + 1 / (double)b->n);
    return judge(a->mean - b->mean, sb_t_quantile(1 - level / 2, INFINITY) * sd, margin);
}

/* How much the mean of a side may still move until its last launch. */
static double movement(const struct side *s) {
    size_t left = s->n < SB_MOST_LAUNCHES ? SB_MOST_LAUNCHES - s->n : 0;
    double share = (double)left / SB_MOST_LAUNCHES;
    return left ? share * share * (variance(s, s->n) + variance(s, left)) : 0;
}

static double above(double x, double mean, double sd) { /* P(X > x) */
    return erfc((x - mean) / sd / M_SQRT2) / 2;
}

/* The probability of a verdict at the last launch, by what is known now. */
static double prospect(const struct side *a, const struct side *b, double margin) {
    double edge = log(1 + margin), mean = a->mean - b->mean;
    double half = half_width(a, SB_MOST_LAUNCHES, b, SB_MOST_LAUNCHES, 0.05);
    double sd = sqrt(movement(a) + movement(b));
    if (sd <= 0)
        return judge(mean, half, margin) != SB_VERDICT_INCONCLUSIVE;
    double faster = above(edge + half, mean, sd), slower = 1 - above(-edge - half, mean, sd);
    double tie = half < edge ? above(half - edge, mean, sd) - above(edge - half, mean, sd) : 0;
    return faster + slower + tie;
}

enum sb_outlook sb_look(const double *a, size_t na, const double *b, size_t nb, double margin) {
    size_t n = na < nb ? na : nb;
    if (n < SB_LEAST_LAUNCHES)
        return SB_OUTLOOK_OPEN;
    struct side sa = side_of(a, na), sb = side_of(b, nb);
    if (!isfinite(sa.mean) || !isfinite(sb.mean))
        return SB_OUTLOOK_OPEN;
    double level = levels[(n < SB_MOST_LAUNCHES ? n : SB_MOST_LAUNCHES) - SB_LEAST_LAUNCHES];
    enum sb_verdict printed = sb_compare(a, na, b, nb, margin, SB_ASSUMED_LAUNCH_CV).verdict;
    enum sb_verdict by_spread =
        judge(sa.mean - sb.mean, half_width(&sa, na, &sb, nb, level), margin);
    if (by_spread != SB_VERDICT_INCONCLUSIVE)
        return SB_OUTLOOK_DECIDED;
    if (printed != SB_VERDICT_INCONCLUSIVE && judge_by_ceiling(&sa, &sb, level, margin) == printed)
        return SB_OUTLOOK_DECIDED;
    if (n >= LEAST_TO_GIVE_UP && prospect(&sa, &sb, margin) < HOPELESS)
        return SB_OUTLOOK_HOPELESS;
    return SB_OUTLOOK_OPEN;
}
