/* A place: all that was answered there, how far apart it is, and what stands by itself. answers.c
 * makes verdicts of it. */
#ifndef STRATOBENCH_VERDICT_ANSWERS_PLACE_H
#define STRATOBENCH_VERDICT_ANSWERS_PLACE_H

#include "answers.h"

/* A share of true tokens among the candidates that chance does not give. */
#define ANSWERS_READS_HITS 0.25

struct pair {
    bool like; /* comparable, and of one setting */
    bool agree;
    struct answer_distance d; /* of the row's from the column's */
};
struct place {
    const struct sb_cell *const *cells;
    size_t n;
    struct sb_at at; /* the first, where all are one */
    bool together;   /* all places as one */
    struct sb_answer **whole, **pieces;
    struct answer_distance *noise; /* whole against pieces */
    double *own;                   /* its rms; NaN = not known */
    double *model;                 /* what those of its settings show of the model's */
    bool *wrong;
    bool reads;
    struct pair *pairs; /* n x n */
};

struct pair *answers_pair(const struct place *p, size_t i, size_t j);

/* together: all these places as one, of those that have enough positions. */
struct place answers_look(const struct sb_cell *const *cells, size_t n, const struct sb_at *at,
                          size_t n_places, bool together);
void answers_look_release(struct place *p);

/* Within what two right backends agree. */
double answers_tolerance(const struct place *p, size_t i, size_t j);
/* Beyond it by enough that a third may say who is wrong: a constant is less than a noise that was
 * measured. */
bool answers_far(const struct place *p, size_t i, size_t j);
/* Whole and in pieces it gives two answers. */
bool answers_contradicts(const struct place *p, size_t i);
/* No numbers, one token for ever, or one distribution. */
bool answers_degenerate(const struct place *p, size_t i);

#endif
