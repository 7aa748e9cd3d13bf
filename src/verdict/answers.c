/* From answers to verdicts, model by model, place by place. verdict.h says what is held against
 * what; what a verdict is in words is answers_words.c. */
#include "answers.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A paired difference of this many standard errors decides which of two reads worse, once they are
 * known to differ by more than noise. */
static const double READS_WORSE_T = 3, READS_WORSE_NATS = 0.01;
/* A batch makes this much of a difference to no right backend: alone, and where another backend
 * shows the model's noise. Twice and four times the greatest that was seen. */
static const double ALONE_LIMIT = 1, BESIDE_LIMIT = 0.5;
/* Nor so much of the text's probability, token by token. */
static const double BATCH_NATS = 0.25, BATCH_T = 5;
/* A witness sides with one of two when it stands this near to it, on the way from one to the other.
 */
static const double SIDES_WITH = 0.3;
/* A share of true tokens among the candidates that chance does not give. */
static const double READS_HITS = 0.25;

/* ---- one place ----------------------------------------------------------------------------- */

struct pair {
    bool like; /* comparable, and of one setting */
    bool agree;
    struct answer_distance d; /* of the row's from the column's */
};
struct place {
    const struct sb_cell *const *cells;
    size_t n;
    struct sb_at at;
    const struct sb_answer **whole, **pieces;
    double *own; /* noise; NaN = not known */
    bool *wrong;
    bool reads;
    struct pair *pairs; /* n x n */
};

static struct pair *pair_of(const struct place *p, size_t i, size_t j) {
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

/* Within what two right backends agree. */
static double tolerance(const struct place *p, size_t i, size_t j) {
    double a = p->own[i], b = p->own[j], least = fmin(a, b);
    double noise = fmax(believed(a, b), believed(b, a));
    double scaled = isfinite(noise) ? SB_ANSWERS_RATIO * noise : 0;
    bool noisy = isfinite(a) && isfinite(b) && least > 0, floats = of_floats(p->cells[i]);
    return fmax(scaled, noisy    ? SB_ANSWERS_LEAST
                        : floats ? SB_ANSWERS_FLOOR_FLOATS
                                 : SB_ANSWERS_FLOOR);
}

/* The greatest noise of the others; 0 = none shows any. */
static double noise_beside(const struct place *p, size_t i) {
    double most = 0;
    for (size_t j = 0; j < p->n; j++)
        if (j != i && isfinite(p->own[j]) && !answers_setting(p->cells[i], p->cells[j]))
            most = fmax(most, p->own[j]);
    return most;
}

static bool contradicts(const struct place *p, size_t i) {
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
    const struct pair *x = pair_of(p, i, j);
    return x->agree || answer_fault(p->whole[j]) == fault ||
           (fault == ANSWER_ONE_TOKEN && 2 * x->d.n_same_top >= p->whole[i]->n_positions);
}

static bool degenerate(const struct place *p, size_t i) {
    enum answer_fault fault = p->whole[i] ? answer_fault(p->whole[i]) : ANSWER_FINE;
    bool others = false;
    if (fault == ANSWER_FINE || fault == ANSWER_NO_NUMBERS)
        return fault;
    for (size_t j = 0; j < p->n; j++) {
        if (j == i || !p->whole[j] || !pair_of(p, i, j)->like)
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
            struct pair *x = pair_of(p, i, j);
            const struct sb_answer *a = p->whole[i], *b = p->whole[j];
            if (i == j || !a || !b || !answer_comparable(a, b) ||
                answers_setting(p->cells[i], p->cells[j]))
                continue;
            x->d = answer_distance(a, b);
            x->like = isfinite(x->d.rms);
            x->agree = x->like && x->d.rms <= tolerance(p, i, j);
        }
}

static struct place look(const struct sb_cell *const *cells, size_t n, struct sb_at at) {
    struct place p = {.cells = cells,
                      .n = n,
                      .at = at,
                      .whole = sb_alloc(n, sizeof *p.whole),
                      .pieces = sb_alloc(n, sizeof *p.pieces),
                      .own = sb_alloc(n, sizeof *p.own),
                      .wrong = sb_alloc(n, sizeof *p.wrong),
                      .pairs = sb_alloc(n * n, sizeof *p.pairs)};
    for (size_t i = 0; i < n; i++) {
        p.whole[i] = sb_cell_answer(cells[i], at, false, 0);
        p.pieces[i] = sb_cell_answer(cells[i], at, true, 0);
        bool both = p.whole[i] && p.pieces[i] && answer_comparable(p.whole[i], p.pieces[i]);
        p.own[i] = both ? answer_distance(p.whole[i], p.pieces[i]).rms : (double)NAN;
        p.reads |= p.whole[i] && answer_hits(p.whole[i]) >= READS_HITS;
    }
    look_at_pairs(&p);
    return p;
}

static void release(struct place *p) {
    free(p->whole);
    free(p->pieces);
    free(p->own);
    free(p->wrong);
    free(p->pairs);
}

/* ---- who is wrong --------------------------------------------------------------------------- */

static bool reads_worse(const struct place *p, size_t i, size_t j) {
    const struct pair *x = pair_of(p, i, j);
    return p->reads && x->like && !x->agree && x->d.t > READS_WORSE_T &&
           x->d.worse > READS_WORSE_NATS;
}

/* The best reader of those that read better than it; SIZE_MAX = none. */
static size_t better_reader(const struct place *p, size_t i) {
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < p->n; j++)
        if (j != i && !p->wrong[j] && reads_worse(p, i, j) &&
            (best == SIZE_MAX || pair_of(p, i, j)->d.worse > pair_of(p, i, best)->d.worse))
            best = j;
    return best;
}

/* Does k hold with j against i? One noisier than they are apart, that agrees with both, cannot
 * tell. */
static bool witnesses(const struct place *p, size_t k, size_t j, size_t i) {
    if (k == i || k == j || p->wrong[k] || !pair_of(p, j, k)->agree || !pair_of(p, i, k)->like ||
        !answers_independent(p->cells[j], p->cells[k]))
        return false;
    return !pair_of(p, i, k)->agree ||
           (p->own[k] <= pair_of(p, i, j)->d.rms &&
            fabs(answer_sides(p->whole[k], p->whole[j], p->whole[i])) < SIDES_WITH);
}

static size_t witness(const struct place *p, size_t j, size_t i) {
    for (size_t k = 0; k < p->n; k++)
        if (witnesses(p, k, j, i))
            return k;
    return SIZE_MAX;
}

/* One that differs from it and has a witness, while it has none itself; SIZE_MAX = there is none.
 */
static size_t outvoted_by(const struct place *p, size_t i, size_t *ret_witness) {
    size_t by = SIZE_MAX;
    for (size_t j = 0; j < p->n; j++) {
        const struct pair *x = pair_of(p, i, j);
        if (!x->like || x->agree || p->wrong[j])
            continue;
        if (witness(p, i, j) != SIZE_MAX || reads_worse(p, j, i))
            return SIZE_MAX;
        size_t k = witness(p, j, i);
        if (k != SIZE_MAX && by == SIZE_MAX) {
            by = j;
            *ret_witness = k;
        }
    }
    return by;
}

static bool unstable(const struct place *p, size_t i) {
    for (int launch = 2; p->whole[i] && launch <= (int)p->cells[i]->n_launches; launch++) {
        const struct sb_answer *again = sb_cell_answer(p->cells[i], p->at, false, launch);
        if (again && answer_comparable(p->whole[i], again) &&
            answer_distance(p->whole[i], again).rms > tolerance(p, i, i))
            return true;
    }
    return false;
}

static bool is_better_partner(const struct place *p, size_t i, size_t j, size_t than,
                              bool agreeing) {
    bool a = answers_independent(p->cells[i], p->cells[j]),
         b = answers_independent(p->cells[i], p->cells[than]);
    return agreeing && a != b ? a : tolerance(p, i, j) < tolerance(p, i, than);
}

/* Of those that agree with it (or do not) the quietest; to agree with one of other arithmetic says
 * more. SIZE_MAX = there is none. */
static size_t partner(const struct place *p, size_t i, bool agreeing) {
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < p->n; j++) {
        const struct pair *x = pair_of(p, i, j);
        if (x->like && !p->wrong[j] && x->agree == agreeing &&
            (best == SIZE_MAX || is_better_partner(p, i, j, best, agreeing)))
            best = j;
    }
    return best;
}

static size_t first_other(const struct place *p, size_t i) {
    for (size_t j = 0; j < p->n; j++)
        if (j != i && p->whole[j] && answers_setting(p->cells[i], p->cells[j]))
            return j;
    return SIZE_MAX;
}

/* Of one that is not wrong. */
static enum sb_answers_state state_of(const struct place *p, size_t i, size_t *ret_other) {
    size_t near = partner(p, i, true), far = partner(p, i, false);
    /* A noisy one that agrees does not cover what a quieter one shows. */
    bool covered =
        near != SIZE_MAX && (far == SIZE_MAX || tolerance(p, i, near) <= tolerance(p, i, far));
    *ret_other = covered ? near : far;
    if (unstable(p, i))
        return SB_ANSWERS_UNSTABLE;
    if (covered)
        return fmax(p->own[i], p->own[near]) > SB_ANSWERS_FLOOR ? SB_ANSWERS_CANNOT_TELL
                                                                : SB_ANSWERS_AGREES;
    if (far != SIZE_MAX)
        return SB_ANSWERS_DISAGREES;
    *ret_other = first_other(p, i);
    return *ret_other != SIZE_MAX ? SB_ANSWERS_SETTINGS : SB_ANSWERS_ALONE;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void say(const struct place *p, size_t i, struct answers_case k,
                struct sb_answers_verdict *v) {
    const struct sb_answer *a = p->whole[i];
    if (v->state >= k.state && v->words)
        return;
    sb_answers_verdict_release(v);
    k.cells = p->cells;
    k.cell = i;
    k.at = p->at;
    k.whole = p->whole;
    k.pieces = p->pieces[i];
    k.fault = a ? answer_fault(a) : ANSWER_FINE;
    k.own = p->own[i];
    v->state = k.state;
    v->at = p->at;
    v->wrong = k.state >= SB_ANSWERS_ODD;
    v->other = k.other;
    v->noise = p->own[i];
    v->n_positions = a ? a->n_positions : 0;
    v->perplexity = a ? answer_perplexity(a) : (double)NAN;
    bool held = k.other != SIZE_MAX && pair_of(p, i, k.other)->like;
    v->n_same_top = held ? pair_of(p, i, k.other)->d.n_same_top : 0;
    v->difference = k.distance = held ? pair_of(p, i, k.other)->d.rms : (double)NAN;
    answers_say(&k, v);
}

static void judge_place(struct place *p, struct sb_answers_verdict *ret) {
    for (size_t i = 0; i < p->n; i++) { /* by itself */
        bool fault = degenerate(p, i), contradiction = !fault && contradicts(p, i);
        p->wrong[i] = fault || contradiction;
        if (p->wrong[i])
            say(p, i,
                (struct answers_case){.state =
                                          fault ? SB_ANSWERS_DEGENERATE : SB_ANSWERS_CONTRADICTS,
                                      .other = SIZE_MAX},
                &ret[i]);
    }
    for (size_t i = 0; i < p->n; i++) { /* against the others */
        size_t second = SIZE_MAX, other = p->wrong[i] ? SIZE_MAX : better_reader(p, i);
        enum sb_answers_state state = SB_ANSWERS_READS_WORSE;
        if (other == SIZE_MAX && !p->wrong[i]) {
            other = outvoted_by(p, i, &second);
            state = SB_ANSWERS_ODD;
        }
        if (other == SIZE_MAX)
            continue;
        p->wrong[i] = true;
        say(p, i, (struct answers_case){.state = state, .other = other, .second = second}, &ret[i]);
    }
    for (size_t i = 0; i < p->n; i++) {
        struct answers_case k = {.state = SB_ANSWERS_NOT_CHECKED, .other = SIZE_MAX};
        if (p->wrong[i])
            continue;
        if (p->whole[i])
            k.state = state_of(p, i, &k.other);
        if (p->whole[i] || p->cells[i]->n_answers)
            say(p, i, k, &ret[i]);
    }
}

/* The places at which anything was asked, in their order of appearance. */
static struct sb_at *places(const struct sb_cell *const *cells, size_t n, size_t *ret_n) {
    struct sb_at *at = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < cells[i]->n_answers; k++) {
            size_t known = 0;
            while (known < *ret_n && !sb_at_same(at[known], cells[i]->answers[k].at))
                known++;
            if (known == *ret_n) {
                at = sb_grow(at, *ret_n, sizeof *at);
                at[(*ret_n)++] = cells[i]->answers[k].at;
            }
        }
    return at;
}

void sb_answers_judge(const struct sb_cell *const *cells, size_t n,
                      struct sb_answers_verdict *ret) {
    size_t n_places;
    struct sb_at *at = places(cells, n, &n_places);
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct sb_answers_verdict){
            .other = SIZE_MAX, .perplexity = NAN, .difference = NAN, .noise = NAN};
    for (size_t k = 0; k < n_places; k++) {
        struct place p = look(cells, n, at[k]);
        judge_place(&p, ret);
        release(&p);
    }
    free(at);
}

bool sb_answers_reads(const struct sb_cell *const *cells, size_t n) {
    bool reads = false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < cells[i]->n_answers && !reads; k++)
            reads = answer_hits(&cells[i]->answers[k]) >= READS_HITS;
    return reads;
}

void sb_answers_verdict_release(struct sb_answers_verdict *v) {
    free(v->words);
    free(v->reason);
    v->words = v->reason = NULL;
}

/* ---- marking -------------------------------------------------------------------------------- */

static size_t apply_to(struct sb_cell **cells, size_t n) {
    struct sb_answers_verdict *v = sb_alloc(n, sizeof *v);
    size_t marked = 0;
    sb_answers_judge((const struct sb_cell *const *)cells, n, v);
    for (size_t i = 0; i < n; i++) {
        if (v[i].wrong && cells[i]->status == SB_OK) {
            cells[i]->status = SB_INVALID;
            free(cells[i]->reason);
            cells[i]->reason = v[i].reason;
            v[i].reason = NULL;
            marked++;
        }
        sb_answers_verdict_release(&v[i]);
    }
    free(v);
    return marked;
}

size_t sb_answers_apply(struct sb_results *const *sets, size_t n) {
    struct sb_index models = {0};
    struct sb_cell **cells = NULL;
    size_t n_cells = 0, marked = 0, *model = NULL;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < sets[s]->n_cells; i++) {
            cells = sb_grow(cells, n_cells, sizeof *cells);
            model = sb_grow(model, n_cells, sizeof *model);
            cells[n_cells] = &sets[s]->cells[i];
            model[n_cells++] = sb_index_add(&models, sb_model_key(&sets[s]->cells[i]));
        }
    struct sb_cell **own = sb_alloc(n_cells, sizeof *own);
    for (size_t m = 0; m < models.n; m++) {
        size_t n_own = 0;
        for (size_t i = 0; i < n_cells; i++)
            if (model[i] == m && cells[i]->n_answers)
                own[n_own++] = cells[i];
        marked += n_own ? apply_to(own, n_own) : 0;
    }
    free(own);
    free(cells);
    free(model);
    sb_index_release(&models);
    return marked;
}
