/* What stands at a place, before it is a verdict: pairs, noise, and what a backend shows alone. */
#include "answers_place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A batch makes this much of a difference to no right backend: alone, and where another backend
 * shows the model's noise. Twice and four times the greatest that was seen. */
static const double ALONE_LIMIT = 1, BESIDE_LIMIT = 0.5;
/* Nor so much of the text's probability, token by token. */
static const double BATCH_NATS = 0.25, BATCH_T = 5;
/* What all places together show: SB_ANSWERS_TOGETHER positions and more. */
static const double DIVERGENCE_LEAST = 0.009, DIVERGENCE_ABOVE_NOISE = 0.005, DIVERGENCE_RATIO = 2;

struct pair *answers_pair(const struct place *p, size_t i, size_t j) {
    return &p->pairs[i * p->n + j];
}

static bool of_floats(const struct sb_cell *c) {
    const char *q = c->model.quantization;
    return q && (strcmp(q, "F16") == 0 || strcmp(q, "F32") == 0);
}

/* As much of one's noise as the other's makes likely: what is beyond it may be the fault. */
static double believed(double noise, double beside) {
    if (!isfinite(noise))
        return noise;
    return fmin(noise, fmax(SB_ANSWERS_FLOOR, isfinite(beside) ? SB_ANSWERS_RATIO * beside : 0));
}

/* What a text does to a model, where one of two backends shows nothing of it: the greatest noise of all
 * cells like it, as far as a second makes it likely. One whose batches are all alike shows none, and
 * still differs from other arithmetic by about that much: by 1.3 of it at most in 3,000 pairs. */
static double noise_of_model(const struct place *p, size_t i) {
    double most = 0, second = 0;
    for (size_t k = 0; k < p->n; k++)
        if (isfinite(p->own[k]) && !answers_setting(p->cells[i], p->cells[k])) {
            second = fmax(second, fmin(p->own[k], most));
            most = fmax(most, p->own[k]);
        }
    return believed(most, second);
}

static double constant(const struct place *p, size_t i) {
    return of_floats(p->cells[i]) ? SB_ANSWERS_FLOOR_FLOATS : SB_ANSWERS_FLOOR;
}

/* Neither of the two is known to have none. */
static bool both_noisy(const struct place *p, size_t i, size_t j) {
    return isfinite(p->own[i]) && isfinite(p->own[j]) && fmin(p->own[i], p->own[j]) > 0;
}

double answers_tolerance(const struct place *p, size_t i, size_t j) {
    double a = p->own[i], b = p->own[j], noise = fmax(believed(a, b), believed(b, a));
    bool noisy = both_noisy(p, i, j);
    if (!noisy)
        noise = fmax(noise, p->model[i]);
    return fmax(isfinite(noise) ? SB_ANSWERS_RATIO * noise : 0,
                noisy ? SB_ANSWERS_LEAST : constant(p, i));
}

bool answers_far(const struct place *p, size_t i, size_t j) {
    const struct pair *x = answers_pair(p, i, j);
    bool far = p->together ? x->d.divergence > SB_ANSWERS_CONDEMNS * DIVERGENCE_LEAST
                           : x->d.rms > SB_ANSWERS_CONDEMNS * constant(p, i);
    return x->like && !x->agree && (far || both_noisy(p, i, j));
}

/* Over many positions the mean divergence is known so well that a hundredth of perplexity stands
 * out of the noise, which a difference at 32 of them does not. Unknown noise forbids it. */
static bool agree_together(const struct place *p, size_t i, size_t j) {
    double a = p->noise[i].divergence, b = p->noise[j].divergence;
    double noise = fmax(fmin(a, fmax(DIVERGENCE_LEAST, DIVERGENCE_RATIO * b)),
                        fmin(b, fmax(DIVERGENCE_LEAST, DIVERGENCE_RATIO * a)));
    double limit = fmax(DIVERGENCE_LEAST, DIVERGENCE_ABOVE_NOISE + DIVERGENCE_RATIO * noise);
    return !isfinite(a) || !isfinite(b) || answers_pair(p, i, j)->d.divergence <= limit;
}

/* The greatest noise of the others; 0 = none shows any. */
static double noise_beside(const struct place *p, size_t i) {
    double most = 0;
    for (size_t j = 0; j < p->n; j++)
        if (j != i && isfinite(p->own[j]) && !answers_setting(p->cells[i], p->cells[j]))
            most = fmax(most, p->own[j]);
    return most;
}

bool answers_contradicts(const struct place *p, size_t i) {
    double beside = noise_beside(p, i);
    double limit = beside > 0 ? fmax(BESIDE_LIMIT, SB_ANSWERS_RATIO * beside) : ALONE_LIMIT;
    if (!isfinite(p->own[i]) || p->own[i] > limit)
        return isfinite(p->own[i]);
    struct answer_distance d = answer_distance(p->whole[i], p->pieces[i]);
    return p->reads && fabs(d.worse) > BATCH_NATS && fabs(d.t) > BATCH_T;
}

/* Where a model expects nearly the same everywhere, as random weights do, rounding decides whether
 * it is everywhere: no fault if another agrees, or expects that token at half of the positions. */
static bool model_is_so(const struct place *p, size_t i, size_t j, enum answer_fault fault) {
    const struct pair *x = answers_pair(p, i, j);
    return x->agree || answer_fault(p->whole[j]) == fault ||
           (fault == ANSWER_ONE_TOKEN && 2 * x->d.n_same_top >= p->whole[i]->n_positions);
}

bool answers_degenerate(const struct place *p, size_t i) {
    enum answer_fault fault = p->whole[i] ? answer_fault(p->whole[i]) : ANSWER_FINE;
    bool others = false;
    if (fault == ANSWER_FINE || fault == ANSWER_NO_NUMBERS)
        return fault;
    for (size_t j = 0; j < p->n; j++) {
        if (j == i || !p->whole[j] || !answers_pair(p, i, j)->like)
            continue;
        if (model_is_so(p, i, j, fault))
            return false;
        others = true;
    }
    return others || fault == ANSWER_ONE_DISTRIBUTION;
}

static void look_at_pairs(struct place *p) {
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->n; j++) {
            struct pair *x = answers_pair(p, i, j);
            const struct sb_answer *a = p->whole[i], *b = p->whole[j];
            if (i == j || !a || !b || !answer_comparable(a, b) ||
                answers_setting(p->cells[i], p->cells[j]))
                continue;
            x->d = answer_distance(a, b);
            x->like = isfinite(x->d.rms);
            x->agree = x->like && (p->together ? agree_together(p, i, j)
                                               : x->d.rms <= answers_tolerance(p, i, j));
        }
}

/* Too few positions together say nothing that they do not say apart. */
static struct sb_answer *taken(const struct sb_cell *c, const struct sb_at *at, size_t n_places,
                               bool pieces, bool together) {
    struct sb_answer *a = answer_join(c, at, n_places, pieces);
    if (!a || !together || a->n_positions >= SB_ANSWERS_TOGETHER)
        return a;
    answer_joined_release(a);
    return NULL;
}

/* Whole against pieces, of the places where they differ at all: where they do not, the pieces took the
 * same way through the server, and say nothing of its noise. */
static struct answer_distance noise_at(const struct sb_cell *c, const struct sb_at *at,
                                       size_t n_places) {
    struct sb_at *differ = sb_alloc(n_places, sizeof *differ);
    size_t n = 0;
    struct answer_distance d = answer_distance_unknown();
    for (size_t i = 0; i < n_places; i++) {
        const struct sb_answer *a = sb_cell_answer(c, at[i], false, 0),
                               *b = sb_cell_answer(c, at[i], true, 0);
        if (!a || !b || !answer_comparable(a, b))
            continue;
        d = answer_distance(a, b);
        if (d.rms > 0)
            differ[n++] = at[i];
    }
    struct sb_answer *whole = n ? answer_join(c, differ, n, false) : NULL,
                     *pieces = n ? answer_join(c, differ, n, true) : NULL;
    if (whole && pieces)
        d = answer_distance(whole, pieces);
    answer_joined_release(whole);
    answer_joined_release(pieces);
    free(differ);
    return d;
}

struct place answers_look(const struct sb_cell *const *cells, size_t n, const struct sb_at *at,
                          size_t n_places, bool together) {
    struct place p = {.cells = cells,
                      .n = n,
                      .at = *at,
                      .together = together,
                      .noise = sb_alloc(n, sizeof *p.noise),
                      .whole = sb_alloc(n, sizeof *p.whole),
                      .pieces = sb_alloc(n, sizeof *p.pieces),
                      .own = sb_alloc(n, sizeof *p.own),
                      .model = sb_alloc(n, sizeof *p.model),
                      .wrong = sb_alloc(n, sizeof *p.wrong),
                      .pairs = sb_alloc(n * n, sizeof *p.pairs)};
    for (size_t i = 0; i < n; i++) {
        p.whole[i] = taken(cells[i], at, n_places, false, together);
        p.pieces[i] = taken(cells[i], at, n_places, true, together);
        bool both = p.whole[i] && p.pieces[i] && answer_comparable(p.whole[i], p.pieces[i]);
        p.noise[i] = both ? noise_at(cells[i], at, n_places) : answer_distance_unknown();
        p.own[i] = p.noise[i].rms;
        p.reads |= p.whole[i] && answer_hits(p.whole[i]) >= ANSWERS_READS_HITS;
    }
    for (size_t i = 0; i < n; i++)
        p.model[i] = noise_of_model(&p, i);
    look_at_pairs(&p);
    return p;
}

void answers_look_release(struct place *p) {
    for (size_t i = 0; i < p->n; i++) {
        answer_joined_release(p->whole[i]);
        answer_joined_release(p->pieces[i]);
    }
    free(p->noise);
    free(p->whole);
    free(p->pieces);
    free(p->own);
    free(p->model);
    free(p->wrong);
    free(p->pairs);
}
