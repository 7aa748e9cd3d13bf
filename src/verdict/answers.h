/* What two answers have in common: the figures behind answers.c. */
#ifndef STRATOBENCH_VERDICT_ANSWERS_H
#define STRATOBENCH_VERDICT_ANSWERS_H

#include "stratobench/verdict.h"

/* The same question: the same tokens behind a context of the same length. */
bool answer_comparable(const struct sb_answer *a, const struct sb_answer *b);

/* A cell's answers at these places, of its first launch, as one. NULL where it lacks any of them.
 * What a position holds stays the cell's. */
struct sb_answer *answer_join(const struct sb_cell *c, const struct sb_at *at, size_t n_places,
                              bool pieces);
void answer_joined_release(struct sb_answer *a);

struct answer_distance {
    double rms; /* of differences in log-probability; NaN = nothing to compare */
    /* Mean of the two relative entropies over the candidates and all others as one, in nats a
     * token: about how much perplexity one has to lose to the other, whatever the text says. */
    double divergence;
    size_t n_same_top; /* positions with the same most likely token */
    /* How much less likely the text is to `a`, in nats a token: mean, and by how many standard
     * errors it is above 0. */
    double worse, t;
};
struct answer_distance answer_distance_unknown(void);
/* Of two that are comparable. */
struct answer_distance answer_distance(const struct sb_answer *a, const struct sb_answer *b);

/* Where `z` stands between two that differ: 0 at `x`, 1 at `y`, by least squares over the
 * candidates that all three name. Noise of z's own has no direction, so that this tells more than a
 * distance. NaN = nothing in common. */
double answer_sides(const struct sb_answer *z, const struct sb_answer *x,
                    const struct sb_answer *y);

/* exp of the mean of -logprob; NaN where no token's is known. */
double answer_perplexity(const struct sb_answer *a);
/* The share of positions whose true token is among the candidates. */
double answer_hits(const struct sb_answer *a);
/* What no model that works computes on a text whose tokens differ. */
enum answer_fault {
    ANSWER_FINE,
    ANSWER_ONE_TOKEN, /* the same token is the most likely everywhere: odd models do that, too */
    ANSWER_ONE_DISTRIBUTION, /* the same probabilities everywhere */
    ANSWER_NO_NUMBERS,       /* candidates, but no probabilities */
};
enum answer_fault answer_fault(const struct sb_answer *a);

/* In what two cells of one model differ that makes their answers differ rightly, or NULL. */
const char *answers_setting(const struct sb_cell *a, const struct sb_cell *b);
/* Two that share their arithmetic share its faults, and are one witness. */
bool answers_independent(const struct sb_cell *a, const struct sb_cell *b);

/* A verdict, before it is in words. */
struct answers_case {
    enum sb_answers_state state;
    size_t other, second; /* numbers of cells; SIZE_MAX = none */
    double distance, own;
    const struct sb_cell *const *cells;
    size_t cell;
    struct sb_at at;
    bool together;                  /* of all places */
    struct sb_answer *const *whole; /* one a cell */
    const struct sb_answer *pieces; /* of this one; NULL = none */
    enum answer_fault fault;
};
/* Sets words and, if it is wrong, the reason. */
void answers_say(const struct answers_case *k, struct sb_answers_verdict *v);

#endif
