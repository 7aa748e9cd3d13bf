/* From answers to verdicts, model by model, place by place. verdict.h says what is held against
 * what; what a verdict is in words is answers_words.c. */
#include "answers_place.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A paired difference of this many standard errors decides which of two reads worse, once they are
 * known to differ by more than noise. */
static const double READS_WORSE_T = 3, READS_WORSE_NATS = 0.01;
/* A witness sides with one of two when it stands this near to it, on the way from one to the other.
 */
static const double SIDES_WITH = 0.3;

/* ---- who is wrong --------------------------------------------------------------------------- */

static bool reads_worse(const struct place *p, size_t i, size_t j) {
    const struct pair *x = answers_pair(p, i, j);
    return p->reads && x->like && !x->agree && x->d.t > READS_WORSE_T &&
           x->d.worse > READS_WORSE_NATS;
}

/* The best reader of those that read better than it; SIZE_MAX = none. */
static size_t better_reader(const struct place *p, size_t i) {
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < p->n; j++)
        if (j != i && !p->wrong[j] && reads_worse(p, i, j) &&
            (best == SIZE_MAX ||
             answers_pair(p, i, j)->d.worse > answers_pair(p, i, best)->d.worse))
            best = j;
    return best;
}

/* Does k hold with j against i? One noisier than they are apart, that agrees with both, cannot
 * tell. */
static bool witnesses(const struct place *p, size_t k, size_t j, size_t i) {
    if (k == i || k == j || p->wrong[k] || !answers_pair(p, j, k)->agree ||
        !answers_pair(p, i, k)->like || !answers_independent(p->cells[j], p->cells[k]))
        return false;
    return !answers_pair(p, i, k)->agree ||
           (p->own[k] <= answers_pair(p, i, j)->d.rms &&
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
        if (p->wrong[j] || !answers_far(p, i, j))
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
            answer_distance(p->whole[i], again).rms > answers_tolerance(p, i, i))
            return true;
    }
    return false;
}

static bool is_better_partner(const struct place *p, size_t i, size_t j, size_t than,
                              bool agreeing) {
    bool a = answers_independent(p->cells[i], p->cells[j]),
         b = answers_independent(p->cells[i], p->cells[than]);
    return agreeing && a != b ? a : answers_tolerance(p, i, j) < answers_tolerance(p, i, than);
}

/* Of those that agree with it (or do not) the quietest; to agree with one of other arithmetic says
 * more. SIZE_MAX = there is none. */
static size_t partner(const struct place *p, size_t i, bool agreeing) {
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < p->n; j++) {
        const struct pair *x = answers_pair(p, i, j);
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
    bool covered = near != SIZE_MAX && (far == SIZE_MAX || answers_tolerance(p, i, near) <=
                                                               answers_tolerance(p, i, far));
    *ret_other = covered ? near : far;
    if (unstable(p, i))
        return SB_ANSWERS_UNSTABLE;
    if (covered)
        return fmax(p->own[i], p->own[near]) > SB_ANSWERS_FLOOR ? SB_ANSWERS_CANNOT_TELL
                                                                : SB_ANSWERS_AGREES;
    if (far != SIZE_MAX)
        return answers_far(p, i, far) ? SB_ANSWERS_DISAGREES : SB_ANSWERS_CANNOT_TELL;
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
    k.together = p->together;
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
    bool held = k.other != SIZE_MAX && answers_pair(p, i, k.other)->like;
    v->n_same_top = held ? answers_pair(p, i, k.other)->d.n_same_top : 0;
    v->difference = k.distance = held ? answers_pair(p, i, k.other)->d.rms : (double)NAN;
    answers_say(&k, v);
}

static void judge_place(struct place *p, struct sb_answers_verdict *ret) {
    for (size_t i = 0; i < p->n; i++) { /* by itself */
        bool fault = answers_degenerate(p, i), contradiction = !fault && answers_contradicts(p, i);
        p->wrong[i] = fault || contradiction;
        if (p->wrong[i])
            say(p, i,
                (struct answers_case){.state =
                                          fault ? SB_ANSWERS_DEGENERATE : SB_ANSWERS_CONTRADICTS,
                                      .other = SIZE_MAX},
                &ret[i]);
    }
    for (size_t i = 0; i < p->n; i++) { /* against the others */
        if (p->cells[i]->backend.url)
            continue; /* its KV cache may be the reason: nobody here knows how it is set */
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
        struct place p = answers_look(cells, n, &at[k], 1, false);
        judge_place(&p, ret);
        answers_look_release(&p);
    }
    if (n_places) {
        struct place all = answers_look(cells, n, at, n_places, true);
        judge_place(&all, ret);
        answers_look_release(&all);
    }
    free(at);
}

bool sb_answers_reads(const struct sb_cell *const *cells, size_t n) {
    bool reads = false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < cells[i]->n_answers && !reads; k++)
            reads = answer_hits(&cells[i]->answers[k]) >= ANSWERS_READS_HITS;
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
