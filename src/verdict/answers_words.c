/* Verdicts on answers, in words. */
#include "answers.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* "6.8", "1334" */
static char *perplexity(double x) {
    return !isfinite(x) ? sb_strdup("unknown") : sb_asprintf("%.*f", x < 100 ? 1 : 0, x);
}

static const char *name(const struct answers_case *k, size_t cell) {
    return sb_backend_label(k->cells[cell]);
}

static const char *fault_words(enum answer_fault fault) {
    switch (fault) {
    case ANSWER_NO_NUMBERS: return "its probabilities are no numbers";
    case ANSWER_ONE_DISTRIBUTION: return "the same probabilities at every position";
    case ANSWER_ONE_TOKEN: return "the same token at every position";
    case ANSWER_FINE: break;
    }
    return "";
}

static const char *why_not_checked(const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_answers; i++)
        if (c->answers[i].reason)
            return c->answers[i].reason;
    return "no answer";
}

static char *words(const struct answers_case *k) {
    switch (k->state) {
    case SB_ANSWERS_NONE: break;
    case SB_ANSWERS_NOT_CHECKED:
        return sb_asprintf("not checked: %s", why_not_checked(k->cells[k->cell]));
    case SB_ANSWERS_ALONE:
        return sb_strdup(isfinite(k->own) ? "agrees with itself" : "nothing to compare it with");
    case SB_ANSWERS_SETTINGS:
        return sb_asprintf("settings differ: %s",
                           answers_setting(k->cells[k->cell], k->cells[k->other]));
    case SB_ANSWERS_AGREES: return sb_asprintf("agrees with %s", name(k, k->other));
    case SB_ANSWERS_CANNOT_TELL:
        return sb_asprintf("cannot tell here: noise %.2g", fmax(k->own, k->distance));
    case SB_ANSWERS_UNSTABLE: return sb_strdup("unstable: its launches differ");
    case SB_ANSWERS_DISAGREES: return sb_asprintf("disagrees with %s", name(k, k->other));
    case SB_ANSWERS_ODD:
        return sb_asprintf("wrong: unlike %s and %s", name(k, k->other), name(k, k->second));
    case SB_ANSWERS_READS_WORSE:
        return sb_asprintf("wrong: reads worse than %s", name(k, k->other));
    case SB_ANSWERS_CONTRADICTS: return sb_strdup("wrong: contradicts itself");
    case SB_ANSWERS_DEGENERATE: return sb_asprintf("wrong: %s", fault_words(k->fault));
    }
    return sb_strdup("");
}

static char *reads_worse(const struct answers_case *k) {
    const struct sb_answer *mine = k->whole[k->cell];
    char *own = perplexity(answer_perplexity(mine)),
         *others = perplexity(answer_perplexity(k->whole[k->other]));
    char *text = sb_asprintf("perplexity %s over %zu tokens, %s %s", own, mine->n_positions,
                             name(k, k->other), others);
    free(own);
    free(others);
    return text;
}

static char *contradicts(const struct answers_case *k) {
    double whole = answer_perplexity(k->whole[k->cell]), pieces = answer_perplexity(k->pieces);
    char *a = perplexity(whole), *b = perplexity(pieces);
    bool plain = fabs(log(whole / pieces)) > log(2);
    char *text = plain ? sb_asprintf("perplexity %s for a text as one batch, %s in pieces", a, b)
                       : sb_asprintf("a text as one batch and in pieces are %.2g apart", k->own);
    free(a);
    free(b);
    return text;
}

static char *reason(const struct answers_case *k) {
    switch (k->state) {
    case SB_ANSWERS_DEGENERATE: return sb_strdup(fault_words(k->fault));
    case SB_ANSWERS_CONTRADICTS: return contradicts(k);
    case SB_ANSWERS_READS_WORSE: return reads_worse(k);
    case SB_ANSWERS_ODD:
        return sb_asprintf("log-probabilities %.2g from those of %s and %s, which agree",
                           k->distance, name(k, k->other), name(k, k->second));
    default: return NULL;
    }
}

void answers_say(const struct answers_case *k, struct sb_answers_verdict *v) {
    char *why = reason(k), depth[40] = "";
    if (k->at.depth && !k->together)
        snprintf(depth, sizeof depth, " at depth %d", k->at.depth);
    v->words = words(k);
    if (why)
        v->reason = sb_asprintf("wrong answers: %s%s", why, depth);
    free(why);
}
