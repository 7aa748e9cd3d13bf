/* A cell's answers then and now. What a build computes may change; where it only rounds otherwise, that
 * is within both sides' noise. */
#include <math.h>
#include <stdlib.h>

#include "pair.h"

static char *perplexities(const char *what, const struct sb_answers_verdict *base,
                          const struct sb_answers_verdict *next) {
    return sb_asprintf("answers %s: perplexity %.*f over %zu tokens, was %.*f", what,
                       next->perplexity < 100 ? 1 : 0, next->perplexity, next->n_positions,
                       base->perplexity < 100 ? 1 : 0, base->perplexity);
}

/* With nobody beside that could say which of them is right, only the text can: what reads worse than it
 * did is a loss; what differs and reads as well is told, and not cleared. */
void sb_compare_answers(struct sb_compare_cell *c) {
    const struct sb_cell *const sides[] = {c->base, c->next};
    struct sb_answers_verdict v[2];
    sb_answers_judge(sides, 2, v);
    if (v[1].state == SB_ANSWERS_READS_WORSE) {
        c->answers = perplexities("got worse", &v[0], &v[1]);
        c->state = SB_CELL_REGRESSION;
    } else if (v[0].state == SB_ANSWERS_READS_WORSE) {
        c->answers = perplexities("got better", &v[0], &v[1]);
    } else if (v[1].state == SB_ANSWERS_DISAGREES) {
        c->answers =
            sb_asprintf("answers differ by %.2g, beyond noise, and nothing tells which are "
                        "right: %zu of %zu tokens have the same first choice",
                        v[1].difference, v[1].n_same_top, v[1].n_positions);
        if (c->state == SB_CELL_SAME || c->state == SB_CELL_IMPROVED)
            c->state = SB_CELL_INCONCLUSIVE;
    }
    sb_answers_verdict_release(&v[0]);
    sb_answers_verdict_release(&v[1]);
}
