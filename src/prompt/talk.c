/* Conversations, turn by turn. */
#include <stdlib.h>
#include <string.h>

#include "stratobench/prompt.h"

/* One slot for all of it; SEED as of every request. */
enum { SLOT = 1, SEED = 1 };

static void set_turn(struct sb_talk *t, size_t n_cached) {
    t->body = (struct sb_llama_completion){.tokens = t->tokens,
                                           .n_tokens = t->n_tokens,
                                           .n_predict = t->n_predict,
                                           .seed = SEED,
                                           .slot = SLOT,
                                           .cache_prompt = n_cached > 0,
                                           .ignore_eos = true,
                                           .return_tokens = true};
    t->want = (struct sb_expectation){.prompt_n = (long long)(t->n_tokens - n_cached),
                                      .cache_n = (long long)n_cached,
                                      .n_predict = t->n_predict};
}

/* Without the cache, in which a former request has left the same beginning. */
void sb_talk_begin(const struct sb_prepared *p, size_t nonce, int n_predict, struct sb_talk *ret) {
    struct sb_request first;
    sb_prompt_text_request(p, 0, nonce, 0, n_predict, &first);
    *ret = (struct sb_talk){
        .prompt = p, .tokens = first.tokens, .n_tokens = first.n_tokens, .n_predict = n_predict};
    set_turn(ret, 0);
}

void sb_talk_go_on(struct sb_talk *t, const int *generated, size_t n_generated, size_t n_new) {
    const struct sb_prepared *p = t->prompt;
    size_t cached = t->n_tokens + n_generated - 1, content = p->n - p->n_special;
    t->tokens = sb_realloc(t->tokens, t->n_tokens + n_generated + n_new, sizeof *t->tokens);
    memcpy(t->tokens + t->n_tokens, generated, n_generated * sizeof *generated);
    t->n_tokens += n_generated;
    for (size_t i = 0; i < n_new; i++)
        t->tokens[t->n_tokens++] = p->ids[p->n_special + t->taken++ % content];
    set_turn(t, cached);
}

void sb_talk_release(struct sb_talk *t) {
    free(t->tokens);
    *t = (struct sb_talk){0};
}

size_t sb_talk_length(const struct sb_prepared *p, size_t turns, int n_predict, size_t n_new) {
    return sb_prompt_length(p, 0) + turns * (size_t)n_predict + (turns - 1) * n_new;
}
