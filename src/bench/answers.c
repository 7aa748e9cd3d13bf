/* What a server computes, seen from outside: the prompt's own text without its last K tokens as one
 * batch, as in a measured run, then these K one by one, each with the probability it was given and
 * the candidates that were likelier. In the first launch the same context once more in small pieces,
 * which is the same question to a right backend. Along a given text every position compares, which
 * after the first differing token of two free texts none does.
 *
 * The deepest point is asked first: the context of the next is the beginning of its own. */
#include <math.h>
#include <stdlib.h>

#include "launch.h"

enum {
    CANDIDATES = 10,
    LEAST_POSITIONS = 4,
    SEED = 1,
    NONCE = 0, /* the same text for everybody */
    /* A step that computes more tokens than this does not continue the context that is there. Models
     * with a sliding window compute a few again. */
    MOST_AGAIN = 64,
};

struct question {
    struct launch *l;
    struct sb_request request; /* the text */
    size_t depth, context, n;  /* tokens of it: already there; before the positions; positions */
    struct sb_answer answer;
    bool failed; /* this server is not asked again */
};

/* The answer ends here, without positions. */
static void give_up(struct question *q, char *reason) {
    struct sb_answer *a = &q->answer, empty = sb_answer_empty();
    empty.launch = a->launch;
    empty.at = a->at;
    empty.pieces = a->pieces;
    empty.context_n = a->context_n;
    sb_answer_release(a);
    *a = empty;
    a->reason = reason;
}

/* 0, 1 when this reply failed but the server goes on, or -1: it is not asked again. */
static int send(struct question *q, const struct sb_llama_completion *c,
                struct sb_llama_reply *ret) {
    struct launch *l = q->l;
    struct sb_llama_completion own = *c;
    own.slot = sb_launch_slot(l, 0); /* each continues what the one before left there */
    if (sb_llama_complete(sb_server_endpoint(l->server), &own, l->config->run_timeout_s, ret,
                          &l->failure) == 0) {
        l->completions_s += ret->wall_ms / 1000;
        return 0;
    }
    if (l->failure.interrupted)
        return -1;
    bool refused = l->failure.http_status > 0;
    if (!refused) {
        sb_server_explain(l->server, &l->failure);
        give_up(q, sb_strdup(l->failure.reason));
        q->failed = true;
    }
    sb_llama_failure_release(&l->failure);
    return refused ? 1 : -1;
}

/* The first n tokens of the text, of which the server may have the beginning; the next is forced, so
 * that its probability is told. */
static int look_at(struct question *q, size_t n, bool continues, struct sb_llama_reply *ret) {
    struct sb_llama_completion c = {.tokens = q->request.tokens,
                                    .n_tokens = n,
                                    .n_predict = 1,
                                    .seed = SEED,
                                    .n_probs = CANDIDATES,
                                    .force = true,
                                    .forced = q->request.tokens[n],
                                    .cache_prompt = continues};
    return send(q, &c, ret);
}

static double logprob_of(const struct sb_llama_position *p, int token) {
    if (p->chosen.id == token)
        return p->chosen.logprob;
    for (size_t i = 0; i < p->n_top; i++)
        if (p->top[i].id == token)
            return p->top[i].logprob;
    return (double)NAN;
}

/* Five decimals: what a backend's arithmetic can change is far above, and the file stays small. */
static double rounded(double logprob) {
    return round(logprob * 1e5) / 1e5;
}

static void add_position(struct sb_answer *a, int token, struct sb_llama_reply *r) {
    a->positions = sb_grow(a->positions, a->n_positions, sizeof *a->positions);
    struct sb_answer_position *p = &a->positions[a->n_positions++];
    *p = (struct sb_answer_position){.token = token, .logprob = (double)NAN};
    if (r->n_positions == 0)
        return;
    struct sb_llama_position *told = &r->positions[0];
    p->logprob = rounded(logprob_of(told, token));
    p->n_top = p->n_top_logprobs = told->n_top;
    p->top = sb_alloc(told->n_top, sizeof *p->top);
    p->top_logprobs = sb_alloc(told->n_top, sizeof *p->top_logprobs);
    for (size_t i = 0; i < told->n_top; i++) {
        p->top[i] = told->top[i].id < 0 ? 0 : told->top[i].id;
        p->top_logprobs[i] = rounded(told->top[i].logprob);
    }
    if (told->chosen.id == token)
        p->text = told->text, told->text = NULL;
    p->expected = told->top_text;
    told->top_text = NULL;
}

static int take_positions(struct question *q, bool continues) {
    for (size_t i = 0; i < q->n; i++) {
        struct sb_llama_reply r = {0};
        int rc = look_at(q, q->context + i, continues || i > 0, &r);
        if (rc < 0)
            return -1;
        bool again = rc == 0 && i > 0 && r.prompt_n > MOST_AGAIN,
             silent = rc == 0 && r.n_positions == 0;
        add_position(&q->answer, q->request.tokens[q->context + i], &r);
        sb_llama_reply_release(&r);
        if (silent || again) {
            give_up(q, sb_strdup(silent ? "the server tells no probabilities"
                                        : "the server computes the whole context for every token"));
            return 0;
        }
    }
    return 0;
}

/* Odd lengths, whose sums are no multiple of any n_ubatch but by chance. */
static int send_pieces(struct question *q, bool *continues) {
    static const size_t lengths[] = {37, 29, 53, 43, 61, 31, 59};
    size_t to = q->depth;
    for (size_t i = 0;; i++) {
        struct sb_llama_reply r = {0};
        to += lengths[i % (sizeof lengths / sizeof *lengths)];
        if (to >= q->context)
            return 0;
        int rc = look_at(q, to, *continues, &r);
        sb_llama_reply_release(&r);
        if (rc < 0)
            return -1;
        *continues = true;
    }
}

static int bring_to_depth(struct question *q) {
    struct sb_llama_reply r = {0};
    int rc = q->depth ? send(q, &q->request.prefix, &r) : 0;
    sb_llama_reply_release(&r);
    return rc < 0 ? -1 : 0;
}

static int ask(struct question *q) {
    bool continues = q->depth > 0;
    if (bring_to_depth(q) < 0)
        return -1;
    if (q->answer.pieces && send_pieces(q, &continues) < 0)
        return -1;
    return take_positions(q, continues);
}

static int answer_at(struct launch *l, struct sb_at at, bool pieces, bool *ret_failed) {
    struct question q = {.l = l, .depth = (size_t)at.depth, .answer = sb_answer_empty()};
    const struct sb_prepared *p = &l->prompts[at.prompt];
    size_t content = p->n - p->n_special, wanted = (size_t)l->config->answers;
    if (p->n)
        sb_prompt_text_request(p, q.depth, NONCE, 0, 1, &q.request);
    q.n = wanted < content / 2 ? wanted : content / 2;
    q.context = q.request.n_tokens - q.n;
    q.answer.launch = l->record.launch;
    q.answer.at = at;
    q.answer.pieces = pieces;
    q.answer.context_n = (long long)q.context;
    double began_s = sb_now_s();
    if (sb_server_endpoint(l->server)->openai)
        give_up(&q, sb_strdup("the server has no /completion"));
    else if (q.n < LEAST_POSITIONS)
        give_up(&q, sb_strdup("the prompt is too short"));
    else
        ask(&q);
    q.answer.wall_s = sb_now_s() - began_s;
    sb_request_release(&q.request);
    *ret_failed = q.failed;
    if (l->failure.interrupted) {
        sb_answer_release(&q.answer);
        return -1;
    }
    sb_cell_add_answer(l->cell, q.answer);
    return 0;
}

int sb_launch_answers(struct launch *l) {
    const struct sb_config *c = l->config;
    bool failed = false;
    if (c->answers == 0)
        return 0;
    for (size_t p = 0; p < c->bench.n_prompts; p++)
        for (size_t d = c->bench.n_depths; d-- > 0 && !failed;) {
            struct sb_at at = {(int)p, c->bench.depths[d], 1};
            sb_launch_stage(l, SB_STAGE_ANSWERS, 0, 0);
            if (answer_at(l, at, false, &failed) < 0)
                return -1;
            if (l->record.launch == 1 && !failed && answer_at(l, at, true, &failed) < 0)
                return -1;
        }
    return 0;
}
