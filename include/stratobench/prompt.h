/* Prompt: from a text to what is sent, and what the reply must then say of it (method.md, One run).
 *
 * A request at depth d is [special][prompt over and over, up to d tokens][nonce][prompt]; at depth 0
 * [special][nonce][prompt]. The nonce is a token of the prompt, another one each time, so that no two
 * requests share more than they should. */
#ifndef STRATOBENCH_PROMPT_H
#define STRATOBENCH_PROMPT_H

#include "stratobench/llama.h"

struct sb_prepared { /* a prompt as the model at hand tokenizes it */
    int *ids;
    size_t n, n_special; /* the first n_special are what the model wants in front (BOS) */
    int *nonces;         /* distinct content tokens */
    size_t n_nonces;
    /* With a picture: the text behind it, and what is in front of each nonce's, as text. The ids are
     * still those of the text alone. */
    char *picture; /* in base64; NULL = none */
    char *behind;
    struct sb_strv before;
    size_t *before_n; /* tokens of each, BOS included */
    size_t behind_n;
};
/* Asks the server for the tokens. 0, or -1 and *f. */
int sb_prompt_prepare(const struct sb_endpoint *at, const char *text, size_t len, double timeout_s,
                      struct sb_prepared *ret, struct sb_llama_failure *f);
/* Puts a picture into a prepared prompt, in front of its text: what is sent from then on is
 * "[nonce] MARKER text", the marker being what /props names. 0, or -1 and *f: also where the server
 * sees no pictures. */
int sb_prompt_add_picture(const struct sb_endpoint *at, const char *text, size_t len,
                          const void *picture, size_t picture_len, double timeout_s,
                          struct sb_prepared *p, struct sb_llama_failure *f);
void sb_prepared_release(struct sb_prepared *p);

/* Tokens of a request at that depth; of a picture it is not known before it was sent. */
size_t sb_prompt_length(const struct sb_prepared *p, size_t depth);

struct sb_expectation { /* of the reply's timings */
    long long prompt_n, cache_n, n_predict;
    bool far;     /* the server is on another machine, for all we know */
    bool picture; /* prompt_n is that of the text alone: the picture's come on top */
};
struct sb_request {
    char *text; /* with a picture */
    int *tokens;
    size_t n_tokens;
    struct sb_llama_completion prefix; /* sent first when it has tokens: they are the depth */
    struct sb_llama_completion body;
    struct sb_expectation want; /* of the body's reply */
};
/* nonce: counts the requests, so that each has another. begin: the token of the text that it begins
 * with, what stands before that following its end. Requests that are made at once begin each elsewhere:
 * of the same text with another nonce they would generate nearly the same, and a mixture of experts
 * would read the same few of them for all. */
void sb_prompt_request(const struct sb_prepared *p, size_t depth, size_t nonce, size_t begin,
                       int n_predict, struct sb_request *ret);
/* Likewise without the picture, if there is one. */
void sb_prompt_text_request(const struct sb_prepared *p, size_t depth, size_t nonce, size_t begin,
                            int n_predict, struct sb_request *ret);
/* Where request i of n at once begins. */
size_t sb_prompt_begin(const struct sb_prepared *p, size_t i, size_t n);
void sb_request_release(struct sb_request *r);

/* A conversation: the first turn is a request at depth 0; each that follows is all the tokens of the
 * one before, what the server generated, and new ones of the prompt, over and over. The server's own
 * tokens and no text of ours: they are what its cache holds, to the token, but for the last, which
 * it sampled and never computed. So a turn must find in the cache what the former was asked with and
 * generated, less one. */
struct sb_talk {
    const struct sb_prepared *prompt; /* borrowed */
    int *tokens;                      /* of the turn at hand */
    size_t n_tokens, taken;           /* new ones taken so far */
    int n_predict;
    struct sb_llama_completion body; /* the turn at hand */
    struct sb_expectation want;      /* of its reply */
};
/* At its first turn. */
void sb_talk_begin(const struct sb_prepared *p, size_t nonce, int n_predict, struct sb_talk *ret);
/* To the next turn. */
void sb_talk_go_on(struct sb_talk *t, const int *generated, size_t n_generated, size_t n_new);
void sb_talk_release(struct sb_talk *t);
/* Tokens that so many turns come to. */
size_t sb_talk_length(const struct sb_prepared *p, size_t turns, int n_predict, size_t n_new);

#endif
