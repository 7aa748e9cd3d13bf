#include <math.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "slots.h"

/* ---- Making and releasing ------------------------------------------------------------------- */

struct sb_results sb_results_empty(void) {
    struct sb_results r = {0};
    fields_init(&results_document, &r);
    return r;
}

void sb_results_release(struct sb_results *r) {
    fields_release(&results_document, r);
}

struct sb_cell sb_cell_empty(void) {
    struct sb_cell c = {0};
    fields_init(&results_cell, &c);
    return c;
}

struct sb_run sb_run_empty(void) {
    struct sb_run r = {0};
    fields_init(&results_run, &r);
    return r;
}

struct sb_launch sb_launch_empty(void) {
    struct sb_launch l = {0};
    fields_init(&results_launch, &l);
    return l;
}

struct sb_run *sb_cell_add_run(struct sb_cell *c, struct sb_run run) {
    c->runs = sb_grow(c->runs, c->n_runs, sizeof *c->runs);
    c->runs[c->n_runs] = run;
    return &c->runs[c->n_runs++];
}

struct sb_run *sb_cell_add_turn(struct sb_cell *c, struct sb_run turn) {
    c->turns = sb_grow(c->turns, c->n_turns, sizeof *c->turns);
    c->turns[c->n_turns] = turn;
    return &c->turns[c->n_turns++];
}

void sb_cell_drop_turns(struct sb_cell *c, size_t n) {
    while (c->n_turns > n)
        fields_release(&results_run, &c->turns[--c->n_turns]);
}

struct sb_launch *sb_cell_add_launch(struct sb_cell *c, struct sb_launch l) {
    c->launches = sb_grow(c->launches, c->n_launches, sizeof *c->launches);
    c->launches[c->n_launches] = l;
    return &c->launches[c->n_launches++];
}

struct sb_answer sb_answer_empty(void) {
    struct sb_answer a = {0};
    fields_init(&results_answer, &a);
    return a;
}

void sb_answer_release(struct sb_answer *a) {
    fields_release(&results_answer, a);
}

const struct sb_answer *sb_cell_answer(const struct sb_cell *c, struct sb_at at, bool pieces,
                                       int launch) {
    for (size_t i = 0; i < c->n_answers; i++) {
        const struct sb_answer *a = &c->answers[i];
        if (a->n_positions && a->pieces == pieces && sb_at_same(a->at, at) &&
            (launch == 0 || a->launch == launch))
            return a;
    }
    return NULL;
}

struct sb_answer *sb_cell_add_answer(struct sb_cell *c, struct sb_answer a) {
    c->answers = sb_realloc(c->answers, c->n_answers + 1, sizeof *c->answers);
    c->answers[c->n_answers] = a;
    return &c->answers[c->n_answers++];
}

void sb_cell_release(struct sb_cell *c) {
    fields_release(&results_cell, c);
}

void sb_cell_seal(struct sb_cell *c) {
    struct sb_buf all = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    char hex[SHA256_DIGEST_STRING_LENGTH];
    for (size_t i = 0; i < c->fingerprint_of.n; i++)
        sb_buf_addf(&all, "%s\n", c->fingerprint_of.item[i]);
    free(c->fingerprint);
    c->fingerprint = sb_strdup(SHA256Data((const uint8_t *)sb_buf_str(&all), all.len, hex));
    sb_buf_release(&all);
}

int sb_cell_drop_unfinished(struct sb_cell *c) {
    int done = c->n_launches ? c->launches[c->n_launches - 1].launch : 0;
    size_t kept = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        if (c->runs[i].launch <= done)
            c->runs[kept++] = c->runs[i];
        else
            fields_release(&results_run, &c->runs[i]);
    c->n_runs = kept;
    for (kept = c->n_turns; kept > 0 && c->turns[kept - 1].launch > done;)
        kept--;
    sb_cell_drop_turns(c, kept);
    for (size_t i = kept = 0; i < c->n_answers; i++)
        if (c->answers[i].launch <= done)
            c->answers[kept++] = c->answers[i];
        else
            sb_answer_release(&c->answers[i]);
    c->n_answers = kept;
    return done;
}

/* ---- Figures -------------------------------------------------------------------------------- */

static double per_second(long long n, double ms) {
    double tps = n > 0 && ms > 0 ? (double)n * 1000 / ms : NAN;
    return isfinite(tps) && tps > 0 ? tps : NAN;
}

void sb_run_speeds(struct sb_run *r) {
    if (r->n_each) {
        results_sum_slots(r);
        return;
    }
    r->pp_tps = per_second(r->prompt_n, r->prompt_ms);
    r->tg_tps = per_second(r->predicted_n - 1, r->predicted_ms);
}

bool sb_run_counts(const struct sb_run *r) {
    return r->valid && !r->warmup;
}

struct sb_at sb_cell_first_at(const struct sb_cell *c) {
    if (c->n_points)
        return c->points[0].at;
    for (size_t i = 0; i < c->n_runs; i++)
        if (sb_run_counts(&c->runs[i]))
            return c->runs[i].at;
    return (struct sb_at){.slots = 1};
}

double *sb_cell_values(const struct sb_cell *c, enum sb_metric m, struct sb_at at, int launch,
                       size_t *ret_n) {
    double *values = sb_alloc(c->n_runs, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        double tps = m == SB_PP ? r->pp_tps : r->tg_tps;
        if (sb_run_counts(r) && sb_at_same(r->at, at) && (launch == 0 || r->launch == launch) &&
            isfinite(tps) && tps > 0)
            values[n++] = tps;
    }
    *ret_n = n;
    return values;
}

/* The launches that have a run, in order, each once; the caller frees. */
static int *launches_in(const struct sb_cell *c, size_t *ret_n) {
    int *launches = sb_alloc(c->n_runs, sizeof *launches);
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        size_t known = 0;
        while (known < n && launches[known] != c->runs[i].launch)
            known++;
        if (known == n)
            launches[n++] = c->runs[i].launch;
    }
    *ret_n = n;
    return launches;
}

double *sb_cell_launch_means(const struct sb_cell *c, enum sb_metric m, struct sb_at at,
                             size_t *ret_n) {
    size_t n_launches, n = 0;
    int *launches = launches_in(c, &n_launches);
    double *means = sb_alloc(n_launches, sizeof *means);
    for (size_t i = 0; i < n_launches; i++) {
        size_t n_values;
        double *values = sb_cell_values(c, m, at, launches[i], &n_values);
        if (n_values)
            means[n++] = sb_summarize(values, n_values).mean;
        free(values);
    }
    free(launches);
    *ret_n = n;
    return means;
}

static struct sb_summary summarize_metric(const struct sb_cell *c, enum sb_metric m,
                                          struct sb_at at) {
    size_t n;
    double *values = sb_cell_values(c, m, at, 0, &n);
    struct sb_summary s = sb_summarize(values, n);
    free(values);
    return s;
}

/* Each place that has a run that counts, in the order of the runs; the caller frees. */
static struct sb_point *summarize_points(const struct sb_cell *c, size_t *ret_n) {
    struct sb_point *points = NULL;
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        size_t known = 0;
        while (known < n && !sb_at_same(points[known].at, r->at))
            known++;
        if (known < n || !sb_run_counts(r))
            continue;
        points = sb_realloc(points, n + 1, sizeof *points);
        points[n++] = (struct sb_point){.at = r->at,
                                        .pp_tps = summarize_metric(c, SB_PP, r->at),
                                        .tg_tps = summarize_metric(c, SB_TG, r->at)};
    }
    *ret_n = n;
    return points;
}

double *sb_cell_run_means(const struct sb_cell *c, enum sb_metric m, struct sb_at at,
                          size_t *ret_n) {
    size_t n_launches, used = 0, most = 0;
    int *launches = launches_in(c, &n_launches);
    double *means = NULL, total = 0;
    for (size_t i = 0; i < n_launches; i++) {
        size_t n;
        double *values = sb_cell_values(c, m, at, launches[i], &n);
        double mean = sb_summarize(values, n).mean;
        if (n && !used)
            means = sb_alloc(most = n, sizeof *means);
        most = n && n < most ? n : most; /* of the launch that has the fewest */
        for (size_t k = 0; n && k < most; k++)
            means[k] += values[k] / mean;
        used += n > 0;
        total += n ? mean : 0;
        free(values);
    }
    free(launches);
    for (size_t k = 0; k < most; k++) /* of one launch: its values, exactly but for rounding */
        means[k] *= total / ((double)used * (double)used);
    *ret_n = most;
    return means;
}

/* The coefficient of variation of all runs once the trend of their launches is taken out. */
static double noise_beside(const struct sb_cell *c, enum sb_metric m, struct sb_at at,
                           const double *line, size_t n_line) {
    size_t n_launches, n = 0;
    int *launches = launches_in(c, &n_launches);
    double *all = sb_alloc(c->n_runs, sizeof *all);
    for (size_t i = 0; i < n_launches; i++) {
        size_t n_values;
        double *values = sb_cell_values(c, m, at, launches[i], &n_values);
        for (size_t k = 0; k < n_values && k < n_line; k++)
            all[n++] = values[k] / line[k];
        free(values);
    }
    struct sb_summary s = sb_summarize(all, n);
    free(all);
    free(launches);
    return n > 2 ? sb_cv(&s) * sqrt((double)(n - 1) / (double)(n - 2)) : (double)NAN;
}

/* A trend is one that the launches share; noise is the spread over all runs, unless the trend
 * explains it. */
unsigned sb_cell_flags(const struct sb_cell *c, enum sb_metric m, const struct sb_point *p) {
    double limit = m == SB_PP ? SB_NOISY_CV_PP : SB_NOISY_CV_TG;
    size_t n;
    double *means = sb_cell_run_means(c, m, p->at, &n);
    unsigned flags = sb_trend(means, n);
    bool noisy = sb_cv(sb_point_summary(p, m)) > limit;
    if (flags && noisy) {
        double *line = sb_alloc(n, sizeof *line);
        sb_trend_line(means, n, flags, line);
        noisy = noise_beside(c, m, p->at, line, n) > limit;
        free(line);
    }
    free(means);
    return flags | (noisy ? SB_FLAG_NOISY : 0U);
}

/* Did this metric rise to the end of the warm-up, and beyond it, by more than the runs vary? */
static bool rises(const struct sb_run *before, const struct sb_run *last, enum sb_metric m,
                  const struct sb_summary *measured) {
    double a = m == SB_PP ? before->pp_tps : before->tg_tps;
    double b = m == SB_PP ? last->pp_tps : last->tg_tps;
    double step = 1 + (m == SB_PP ? SB_STEADY_PP : SB_STEADY_TG);
    return b > a * step && measured->min > b * step &&
           measured->max - measured->min <= 2 * (measured->min - b);
}

bool sb_cell_still_warming(const struct sb_cell *c, struct sb_at at, int launch) {
    const struct sb_run *before = NULL, *last = NULL;
    bool warming = false;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        if (r->launch != launch || !sb_at_same(r->at, at) || !r->valid || !r->warmup)
            continue;
        before = last;
        last = r;
    }
    for (int m = SB_PP; m <= SB_TG && before; m++) {
        size_t n;
        double *x = sb_cell_values(c, (enum sb_metric)m, at, launch, &n);
        struct sb_summary measured = sb_summarize(x, n);
        free(x);
        warming |= rises(before, last, (enum sb_metric)m, &measured);
    }
    return warming;
}

/* The flags found, then those that were there and come from elsewhere. */
static void set_flags(struct sb_cell *c, unsigned found) {
    struct sb_strv flags = {0};
    const enum sb_flag statistical[] = {SB_FLAG_WARMUP, SB_FLAG_DRIFT, SB_FLAG_NOISY};
    const size_t n = sizeof statistical / sizeof *statistical;
    for (size_t i = 0; i < n; i++)
        if (found & statistical[i])
            sb_strv_add(&flags, sb_flag_name(statistical[i]));
    for (size_t i = 0; i < c->flags.n; i++) {
        bool elsewhere = true;
        for (size_t s = 0; s < n; s++)
            elsewhere &= strcmp(c->flags.item[i], sb_flag_name(statistical[s])) != 0;
        if (elsewhere)
            sb_strv_add(&flags, c->flags.item[i]);
    }
    sb_strv_release(&c->flags);
    c->flags = flags;
}

bool sb_launch_was_busy(const struct sb_launch *l) {
    return l->other_cores > 0.25 && l->other_cores > 0.05 * (double)l->cores;
}

void sb_cell_summarize(struct sb_cell *c) {
    size_t n;
    struct sb_point *points = summarize_points(c, &n);
    free(c->points);
    c->points = NULL;
    c->n_points = 0;
    c->pp_tps = n ? points[0].pp_tps : sb_summarize(NULL, 0);
    c->tg_tps = n ? points[0].tg_tps : sb_summarize(NULL, 0);
    unsigned flags = 0;
    for (size_t i = 0; i < n; i++)
        flags |= sb_cell_flags(c, SB_PP, &points[i]) | sb_cell_flags(c, SB_TG, &points[i]);
    set_flags(c, flags);
    if (n > 1) {
        c->points = points;
        c->n_points = n;
    } else {
        free(points);
    }
}
