#include "answers.h"

#include <math.h>
#include <stdlib.h>

struct sb_answer *answer_join(const struct sb_cell *c, const struct sb_at *at, size_t n_places,
                              bool pieces) {
    struct sb_answer *all = sb_alloc(1, sizeof *all);
    for (size_t i = 0; i < n_places; i++) {
        const struct sb_answer *a = sb_cell_answer(c, at[i], pieces, 0);
        if (!a) {
            answer_joined_release(all);
            return NULL;
        }
        all->positions =
            sb_realloc(all->positions, all->n_positions + a->n_positions, sizeof *all->positions);
        for (size_t k = 0; k < a->n_positions; k++)
            all->positions[all->n_positions++] = a->positions[k];
        all->context_n += a->context_n;
    }
    return all;
}

void answer_joined_release(struct sb_answer *a) {
    if (a)
        free(a->positions);
    free(a);
}

bool answer_comparable(const struct sb_answer *a, const struct sb_answer *b) {
    if (a->n_positions != b->n_positions || a->context_n != b->context_n)
        return false;
    for (size_t i = 0; i < a->n_positions; i++)
        if (a->positions[i].token != b->positions[i].token)
            return false;
    return true;
}

/* ---- one position -------------------------------------------------------------------------- */

static size_t candidates(const struct sb_answer_position *p) {
    return p->n_top < p->n_top_logprobs ? p->n_top : p->n_top_logprobs;
}

/* Of a candidate, or NaN. */
static double logprob_of(const struct sb_answer_position *p, int id) {
    for (size_t i = 0; i < candidates(p); i++)
        if (p->top[i] == id)
            return p->top_logprobs[i];
    return p->token == id ? p->logprob : NAN;
}

static double least(const struct sb_answer_position *p) {
    double x = NAN;
    for (size_t i = 0; i < candidates(p); i++)
        x = fmin(x, p->top_logprobs[i]);
    return x;
}

struct sum {
    double squares;
    size_t n;
};

static void add(struct sum *s, double d) {
    if (!isfinite(d))
        return;
    s->squares += d * d;
    s->n++;
}

/* The candidates of `a` in `b`; one that both name counts once, with `twice` false not again. */
static void add_candidates(struct sum *s, const struct sb_answer_position *a,
                           const struct sb_answer_position *b, bool twice) {
    double bound = least(b);
    for (size_t i = 0; i < candidates(a); i++) {
        double here = a->top_logprobs[i], there = logprob_of(b, a->top[i]);
        if (isfinite(there)) {
            if (twice)
                add(s, here - there);
        } else if (isfinite(bound)) {
            add(s, fmax(0, here - bound));
        }
    }
}

static bool names(const struct sb_answer_position *p, int id) {
    for (size_t i = 0; i < candidates(p); i++)
        if (p->top[i] == id)
            return true;
    return false;
}

static void add_position(struct sum *s, const struct sb_answer_position *a,
                         const struct sb_answer_position *b) {
    add_candidates(s, a, b, true);
    add_candidates(s, b, a, false);
    if (!names(a, a->token))
        add(s, a->logprob - b->logprob);
}

/* Of one outcome: to the mean of the two relative entropies. */
static double term(double log_p, double log_q) {
    return (exp(log_p) - exp(log_q)) * (log_p - log_q) / 2;
}

/* Over what both give a probability, and the rest as one outcome: never more than the whole. NaN
 * where a probability is none. */
static double divergence_at(const struct sb_answer_position *p,
                            const struct sb_answer_position *q) {
    static const double least_rest = 1e-9;
    double sum = 0, rest_p = 1, rest_q = 1;
    bool token = !names(p, p->token) && isfinite(p->logprob) && isfinite(q->logprob);
    for (size_t i = 0; i < candidates(p) + token; i++) {
        double here = i < candidates(p) ? p->top_logprobs[i] : p->logprob;
        double there = logprob_of(q, i < candidates(p) ? p->top[i] : p->token);
        if (!isfinite(here))
            return NAN;
        if (!isfinite(there))
            continue;
        sum += term(here, there);
        rest_p -= exp(here);
        rest_q -= exp(there);
    }
    return sum + term(log(fmax(rest_p, least_rest)), log(fmax(rest_q, least_rest)));
}

/* ---- two answers --------------------------------------------------------------------------- */

struct answer_distance answer_distance_unknown(void) {
    return (struct answer_distance){NAN, NAN, 0, NAN, NAN};
}

struct answer_distance answer_distance(const struct sb_answer *a, const struct sb_answer *b) {
    struct answer_distance d = answer_distance_unknown();
    struct sum s = {0};
    double divergence = 0;
    size_t n_divergence = 0;
    double *worse = sb_alloc(a->n_positions, sizeof *worse);
    size_t n = 0;
    for (size_t i = 0; i < a->n_positions; i++) {
        const struct sb_answer_position *p = &a->positions[i], *q = &b->positions[i];
        add_position(&s, p, q);
        double x = divergence_at(p, q);
        divergence += isfinite(x) ? x : 0;
        n_divergence += isfinite(x) ? 1 : 0;
        if (p->n_top && q->n_top && p->top[0] == q->top[0])
            d.n_same_top++;
        if (isfinite(p->logprob) && isfinite(q->logprob))
            worse[n++] = q->logprob - p->logprob;
    }
    if (s.n)
        d.rms = sqrt(s.squares / (double)s.n);
    if (n_divergence)
        d.divergence = divergence / (double)n_divergence;
    struct sb_summary w = sb_summarize(worse, n);
    if (n > 1) {
        d.worse = w.mean;
        d.t = w.mean / fmax(w.stddev / sqrt((double)n), 1e-12);
    }
    free(worse);
    return d;
}

double answer_sides(const struct sb_answer *z, const struct sb_answer *x,
                    const struct sb_answer *y) {
    double along = 0, whole = 0;
    for (size_t i = 0; i < z->n_positions; i++) {
        const struct sb_answer_position *p = &z->positions[i];
        for (size_t k = 0; k < candidates(p); k++) {
            double at_x = logprob_of(&x->positions[i], p->top[k]),
                   at_y = logprob_of(&y->positions[i], p->top[k]);
            if (!isfinite(p->top_logprobs[k]) || !isfinite(at_x) || !isfinite(at_y))
                continue;
            along += (p->top_logprobs[k] - at_x) * (at_y - at_x);
            whole += (at_y - at_x) * (at_y - at_x);
        }
    }
    return whole > 0 ? along / whole : NAN;
}

/* ---- one answer ---------------------------------------------------------------------------- */

double answer_perplexity(const struct sb_answer *a) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < a->n_positions; i++)
        if (isfinite(a->positions[i].logprob)) {
            sum -= a->positions[i].logprob;
            n++;
        }
    return n ? exp(sum / (double)n) : NAN;
}

double answer_hits(const struct sb_answer *a) {
    size_t hits = 0;
    for (size_t i = 0; i < a->n_positions; i++)
        hits += names(&a->positions[i], a->positions[i].token);
    return a->n_positions ? (double)hits / (double)a->n_positions : NAN;
}

static bool same_distribution(const struct sb_answer_position *p,
                              const struct sb_answer_position *q) {
    if (candidates(p) != candidates(q))
        return false;
    for (size_t i = 0; i < candidates(p); i++)
        if (p->top[i] != q->top[i] || !(fabs(p->top_logprobs[i] - q->top_logprobs[i]) < 1e-4))
            return false;
    return true;
}

enum answer_fault answer_fault(const struct sb_answer *a) {
    size_t told = 0, numbers = 0, same_top = 0, same = 0, same_token = 0, n = a->n_positions;
    const struct sb_answer_position *first = a->positions;
    for (size_t i = 0; i < n; i++) {
        const struct sb_answer_position *p = &a->positions[i];
        told += candidates(p) > 0;
        numbers += isfinite(least(p)) ? 1 : 0;
        same_token += p->token == first->token;
        same_top += p->n_top > 0 && first->n_top > 0 && p->top[0] == first->top[0];
        same += same_distribution(first, p);
    }
    if (told == 0 || same_token == n)
        return ANSWER_FINE;
    return numbers < told  ? ANSWER_NO_NUMBERS
           : same == n     ? ANSWER_ONE_DISTRIBUTION
           : same_top == n ? ANSWER_ONE_TOKEN
                           : ANSWER_FINE;
}
