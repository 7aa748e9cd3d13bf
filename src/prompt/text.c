#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void choose_nonces(struct sb_prepared *p) {
    size_t n = p->n - p->n_special;
    p->nonces = sb_alloc(n, sizeof *p->nonces);
    memcpy(p->nonces, p->ids + p->n_special, n * sizeof *p->nonces);
    qsort(p->nonces, n, sizeof *p->nonces, by_value);
    p->n_nonces = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || p->nonces[i] != p->nonces[p->n_nonces - 1])
            p->nonces[p->n_nonces++] = p->nonces[i];
}

int sb_prompt_prepare(const struct sb_endpoint *at, const char *text, size_t len, double timeout_s,
                      struct sb_prepared *ret, struct sb_llama_failure *f) {
    struct sb_llama_tokens t;
    if (sb_llama_tokenize(at, text, len, timeout_s, &t, f) < 0)
        return -1;
    *ret = (struct sb_prepared){.ids = t.ids, .n = t.n, .n_special = t.n_special};
    choose_nonces(ret);
    return 0;
}

void sb_prepared_release(struct sb_prepared *p) {
    free(p->ids);
    free(p->nonces);
    free(p->picture);
    free(p->behind);
    free(p->before_n);
    sb_strv_release(&p->before);
    *p = (struct sb_prepared){0};
}

size_t sb_prompt_length(const struct sb_prepared *p, size_t depth) {
    size_t before = depth > p->n_special ? depth : p->n_special;
    return before + 1 + p->n - p->n_special;
}

size_t sb_prompt_begin(const struct sb_prepared *p, size_t i, size_t n) {
    return n ? (p->n - p->n_special) * i / n : 0;
}

static void compose(const struct sb_prepared *p, size_t depth, size_t nonce, size_t begin,
                    int *out) {
    size_t content = p->n - p->n_special, n = p->n_special;
    memcpy(out, p->ids, n * sizeof *out);
    for (size_t i = 0; n < depth; i++)
        out[n++] = p->ids[p->n_special + (begin + i) % content];
    out[n++] = p->nonces[nonce % p->n_nonces];
    for (size_t i = 0; i < content; i++)
        out[n++] = p->ids[p->n_special + (begin + i) % content];
}

void sb_prompt_request(const struct sb_prepared *p, size_t depth, size_t nonce, size_t begin,
                       int n_predict, struct sb_request *ret) {
    if (p->picture)
        *ret = prompt_picture_request(p, nonce, n_predict);
    else
        sb_prompt_text_request(p, depth, nonce, begin, n_predict, ret);
}

void sb_prompt_text_request(const struct sb_prepared *p, size_t depth, size_t nonce, size_t begin,
                            int n_predict, struct sb_request *ret) {
    struct sb_request r = {.n_tokens = sb_prompt_length(p, depth)};
    r.tokens = sb_alloc(r.n_tokens, sizeof *r.tokens);
    compose(p, depth, nonce, begin, r.tokens);
    r.prefix = (struct sb_llama_completion){
        .tokens = r.tokens, .n_tokens = depth, .seed = PROMPT_SEED, .cache_prompt = true};
    r.body = (struct sb_llama_completion){.tokens = r.tokens,
                                          .n_tokens = r.n_tokens,
                                          .n_predict = n_predict,
                                          .seed = PROMPT_SEED,
                                          .cache_prompt = depth > 0,
                                          .ignore_eos = true};
    r.want = (struct sb_expectation){.prompt_n = (long long)(r.n_tokens - depth),
                                     .cache_n = (long long)depth,
                                     .n_predict = n_predict};
    *ret = r;
}

void sb_request_release(struct sb_request *r) {
    free(r->tokens);
    free(r->text);
    *r = (struct sb_request){0};
}
