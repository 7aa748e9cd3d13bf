/* Servers without /completion: a text, its tokens as they come, and our own clock. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "launch.h"

enum { SEED = 1, TEXT_MAX_BYTES = 32 << 20 };

/* More of the prompt than this from a cache, and PP is of another prompt: a few tokens in front are
 * the same every time. */
static const double MOST_CACHED = 0.05;

bool sb_needs_completion(const struct sb_config *c, const struct sb_model *m) {
    const struct sb_protocol *p = &c->bench;
    return p->turns != SB_TURNS_OFF || p->n_depths > 1 || p->depths[0] > 0 ||
           sb_protocol_most_slots(p) > 1 || sb_model_image(c, m);
}

int sb_launch_check_openai(struct launch *l) {
    if (!sb_server_endpoint(l->server)->openai || !sb_needs_completion(l->config, l->plan->model))
        return 0;
    l->failure.reason = sb_strdup(SB_NEEDS_COMPLETION);
    return -1;
}

/* In front, so that nothing of the text is in a cache that knows an earlier one, also of another day. */
static char *with_nonce(struct launch *l, const struct sb_prompt *p) {
    if (l->salt == 0 && getrandom(&l->salt, sizeof l->salt, GRND_NONBLOCK) != sizeof l->salt)
        l->salt = (uint64_t)(sb_now_s() * 1e9);
    struct sb_buf text = SB_BUF_INIT(TEXT_MAX_BYTES);
    sb_buf_addf(&text, "%08x ", (unsigned)((l->salt + l->requests++ * 0x9e3779b97f4a7c15U) >> 32));
    sb_buf_add(&text, p->text, p->text_len);
    return sb_buf_detach(&text);
}

static int ask(struct launch *l, int prompt, struct sb_llama_reply *ret) {
    char *text = with_nonce(l, &l->config->prompts[prompt]);
    struct sb_llama_text t = {text, l->config->bench.n_predict, SEED};
    double before_s = sb_now_s();
    int rc = sb_llama_openai(sb_server_endpoint(l->server), &t, l->config->run_timeout_s, ret,
                             &l->failure);
    l->completions_s += sb_now_s() - before_s;
    if (rc < 0)
        sb_server_explain(l->server, &l->failure);
    free(text);
    return rc;
}

static bool positive(double x) {
    return isfinite(x) && x > 0;
}

/* NULL = it is believed. */
static const char *doubt(const struct sb_run *r, const struct sb_llama_reply *t, int n_predict,
                         char *buf, size_t size) {
    if (r->prompt_n < 0 || r->predicted_n < 0)
        return "the server does not count its tokens";
    if ((double)r->cache_n > MOST_CACHED * (double)(r->prompt_n + r->cache_n))
        snprintf(buf, size, "%lld prompt tokens came from the cache", r->cache_n);
    else if (r->predicted_n != n_predict)
        snprintf(buf, size, "%lld tokens generated, not %d (stop: %s)", r->predicted_n, n_predict,
                 r->stop_type ? r->stop_type : "not said");
    else if (r->predicted_n < 2)
        return "one generated token has no speed";
    else if (t->n_pieces * 2 <= t->n_events)
        snprintf(buf, size, "%zu events came in %zu pieces: no clock of ours can time them",
                 t->n_events, t->n_pieces);
    else if (!positive(r->pp_tps) || !positive(r->tg_tps))
        return "speed is not a finite positive number";
    else
        return NULL;
    return buf;
}

static struct sb_run judged(struct launch *l, struct sb_at at, struct sb_llama_reply *t) {
    struct sb_run r = sb_launch_to_run(l, at, false, t);
    char text[128];
    bool stopped = sb_stops_seen(&l->start->stops);
    l->stopped |= stopped;
    l->disturbed = stopped || t->n_pieces * 2 <= t->n_events;
    r.reason = sb_strdup(stopped ? "stratobench or the machine was stopped meanwhile"
                                 : doubt(&r, t, l->config->bench.n_predict, text, sizeof text));
    r.valid = !r.reason;
    return r;
}

int sb_launch_openai(struct launch *l, struct sb_at at, struct sb_run *ret) {
    struct sb_llama_reply reply = {0};
    for (int attempt = 1; ask(l, at.prompt, &reply) < 0; attempt++)
        if (!sb_launch_may_ask_again(l, attempt, 1))
            return -1;
    *ret = judged(l, at, &reply);
    sb_llama_reply_release(&reply);
    return 0;
}
