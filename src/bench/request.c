/* A run: one request, or several at once, each with a nonce of its own, and what is believed of the
 * replies. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

/* At a reply; one in twelve failed where this was seen, so of eight at once each second time one did. */
static const size_t MAX_ATTEMPTS = 5;
/* Together for fewer tokens than this in a slot, they were hardly ever at work at once. */
static const double LEAST_TOGETHER = 2;

struct batch {
    struct launch *l;
    struct sb_at at;
    size_t n;
    struct sb_request *requests;
    struct sb_llama_reply *replies;
};

int sb_launch_slot(const struct launch *l, size_t i) {
    return sb_protocol_most_slots(&l->config->bench) > 1 ? (int)i + 1 : 0;
}

/* ---- asking -------------------------------------------------------------------------------- */

/* Sends them at once. 0, or -1 with what is known of the server, too. */
static int complete(struct launch *l, const struct sb_llama_completion *c, size_t n,
                    struct sb_llama_reply *rets) {
    double before_s = sb_now_s(), most_ms = 0;
    int rc = sb_llama_complete_all(sb_server_endpoint(l->server), c, n, l->config->run_timeout_s,
                                   rets, &l->failure);
    for (size_t i = 0; i < n && rc == 0; i++)
        most_ms = fmax(most_ms, rets[i].wall_ms);
    l->completions_s += rc < 0 ? sb_now_s() - before_s : most_ms / 1000;
    if (rc < 0)
        sb_server_explain(l->server, &l->failure);
    return rc;
}

int sb_launch_complete(struct launch *l, const struct sb_llama_completion *c,
                       struct sb_llama_reply *ret) {
    return complete(l, c, 1, ret);
}

/* A reply can fail after the work was done (HTTP 500 from a build that could not put the text into
 * JSON): another nonce gives another text. */
bool sb_launch_may_ask_again(struct launch *l, int attempt, size_t at_once) {
    if (l->failure.http_status < 500 || (size_t)attempt >= MAX_ATTEMPTS + at_once - 1)
        return false;
    sb_llama_failure_release(&l->failure);
    l->record.failed_replies = (l->record.failed_replies > 0 ? l->record.failed_replies : 0) + 1;
    return true;
}

/* Brings the context of each to its depth. Done before every run: a model that cannot roll its state
 * back (recurrent, sliding window) then still starts from just this prefix. */
static int fill_contexts(struct batch *b, struct sb_llama_completion *c) {
    if (b->at.depth == 0)
        return 0;
    for (size_t i = 0; i < b->n; i++)
        c[i] = b->requests[i].prefix;
    if (complete(b->l, c, b->n, b->replies) < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++)
        sb_llama_reply_release(&b->replies[i]);
    return 0;
}

static void compose(struct batch *b) {
    struct launch *l = b->l;
    const struct sb_prepared *p = &l->prompts[b->at.prompt];
    for (size_t i = 0; i < b->n; i++) {
        struct sb_request *r = &b->requests[i];
        sb_prompt_request(p, (size_t)b->at.depth, l->requests++, sb_prompt_begin(p, i, b->n),
                          l->config->bench.n_predict, r);
        r->prefix.slot = r->body.slot = sb_launch_slot(l, i);
        r->body.timed = b->n > 1;
    }
}

static void forget_requests(struct batch *b) {
    for (size_t i = 0; i < b->n; i++)
        sb_request_release(&b->requests[i]);
}

static int ask(struct batch *b) {
    struct sb_llama_completion *c = sb_alloc(b->n, sizeof *c);
    compose(b);
    int rc = fill_contexts(b, c);
    for (size_t i = 0; i < b->n; i++)
        c[i] = b->requests[i].body;
    if (rc == 0)
        rc = complete(b->l, c, b->n, b->replies);
    free(c);
    return rc;
}

static int ask_until_answered(struct batch *b) {
    for (int attempt = 1;; attempt++) {
        if (ask(b) == 0)
            return 0;
        forget_requests(b);
        if (!sb_launch_may_ask_again(b->l, attempt, b->n))
            return -1;
    }
}

/* ---- one ----------------------------------------------------------------------------------- */

/* Its figures; no strings. */
static struct sb_run run_of(const struct sb_llama_reply *t) {
    struct sb_run r = sb_run_empty();
    r.prompt_n = t->prompt_n;
    r.cache_n = t->cache_n;
    r.predicted_n = t->predicted_n;
    r.prompt_ms = t->prompt_ms;
    r.predicted_ms = t->predicted_ms;
    r.prompt_per_second = t->prompt_per_second;
    r.predicted_per_second = t->predicted_per_second;
    r.draft_n = t->draft_n;
    r.draft_n_accepted = t->draft_n_accepted;
    r.wall_ms = t->wall_ms;
    sb_run_speeds(&r);
    return r;
}

static struct sb_run identified(struct sb_run r, const struct launch *l, struct sb_at at,
                                struct sb_llama_reply *t) {
    r.launch = l->record.launch;
    r.at = at;
    r.stop_type = t->stop_type;
    t->stop_type = NULL;
    return r;
}

struct sb_run sb_launch_to_run(const struct launch *l, struct sb_at at, bool warmup,
                               struct sb_llama_reply *t) {
    struct sb_run r = identified(run_of(t), l, at, t);
    r.warmup = warmup;
    return r;
}

/* Whether it went on undisturbed from outside; else why not. Static. */
static const char *disturbance(struct launch *l) {
    bool stopped = sb_stops_seen(&l->start->stops);
    l->stopped |= stopped;
    l->disturbed = stopped;
    return stopped ? "stratobench or the machine was stopped meanwhile" : NULL;
}

char *sb_launch_doubt(struct launch *l, const struct sb_run *r, const struct sb_expectation *want,
                      int truncated) {
    char text[128];
    const char *why = disturbance(l);
    struct sb_expectation theirs = *want;
    theirs.far = !sb_server_is_ours(l->server);
    l->disturbed |= sb_run_is_late(r, theirs.far);
    return sb_strdup(why ? why : sb_run_check(r, &theirs, truncated, text, sizeof text));
}

/* ---- several at once ----------------------------------------------------------------------- */

static double to_us(double ms) {
    return round(ms * 1000) / 1000;
}

static struct sb_slot_run slot_of(const struct sb_llama_reply *t) {
    struct sb_slot_run s = sb_slot_run_empty();
    s.prompt_n = t->prompt_n;
    s.cache_n = t->cache_n;
    s.predicted_n = t->predicted_n;
    s.draft_n = t->draft_n;
    s.draft_n_accepted = t->draft_n_accepted;
    s.prompt_ms = t->prompt_ms;
    s.predicted_ms = t->predicted_ms;
    s.ttft_ms = t->n_moments ? to_us(t->moments[0].ms) : (double)NAN;
    s.wall_ms = to_us(t->wall_ms);
    return s;
}

/* How many tokens were there at that time; of the way between two of them the part that has gone. */
static double tokens_at(const struct sb_llama_reply *t, double ms) {
    const struct sb_llama_moment *m = t->moments;
    size_t i = 0;
    while (i + 1 < t->n_moments && m[i + 1].ms <= ms)
        i++;
    if (i + 1 == t->n_moments || ms <= m[i].ms)
        return (double)m[i].n;
    return (double)m[i].n +
           (double)(m[i + 1].n - m[i].n) * (ms - m[i].ms) / (m[i + 1].ms - m[i].ms);
}

static struct sb_run run_of_all(const struct batch *b) {
    struct sb_run r = sb_run_empty();
    r.each = sb_alloc(b->n, sizeof *r.each);
    for (size_t i = 0; i < b->n; i++)
        r.each[r.n_each++] = slot_of(&b->replies[i]);
    struct sb_overlap o = sb_run_overlap(&r);
    for (size_t i = 0; i < b->n && o.first_end_ms > o.all_ms; i++)
        if (b->replies[i].n_moments)
            r.each[i].together_n = to_us(tokens_at(&b->replies[i], o.first_end_ms) -
                                         tokens_at(&b->replies[i], o.all_ms));
    sb_run_speeds(&r);
    return r;
}

/* A slot by the rules of a run: what it waited for its turn is nobody's claim. */
static const char *check_slot(const struct batch *b, const struct sb_slot_run *s, size_t i,
                              char *text, size_t size) {
    const struct sb_llama_reply *t = &b->replies[i];
    struct sb_expectation want = b->requests[i].want;
    struct sb_run one = run_of(t);
    want.far = !sb_server_is_ours(b->l->server);
    if (s->ttft_ms < s->prompt_ms) {
        snprintf(text, size, "server claims %.0f ms for a prompt whose first token came after %.0f",
                 s->prompt_ms, s->ttft_ms);
        return text;
    }
    one.wall_ms = s->wall_ms - (s->ttft_ms - s->prompt_ms);
    b->l->disturbed |= sb_run_is_late(&one, want.far);
    return sb_run_check(&one, &want, t->truncated, text, size);
}

static char *doubt_of_all(const struct batch *b, const struct sb_run *r) {
    char text[128];
    const char *stopped = disturbance(b->l);
    if (stopped)
        return sb_strdup(stopped);
    for (size_t i = 0; i < b->n; i++) {
        const char *why = check_slot(b, &r->each[i], i, text, sizeof text);
        if (why)
            return sb_asprintf("slot %zu of %zu: %s", i + 1, b->n, why);
    }
    for (size_t i = 0; i < b->n; i++)
        if (!(r->each[i].together_n >= LEAST_TOGETHER))
            return sb_asprintf("the %zu did not generate at once: slot %zu was %s", b->n, i + 1,
                               r->each[i].together_n > 0 ? "hardly there with all others"
                                                         : "never there with all others");
    return NULL;
}

/* ---- both ---------------------------------------------------------------------------------- */

static struct sb_run judged(struct batch *b, struct sb_at at) {
    struct sb_llama_reply *first = &b->replies[0];
    int truncated = first->truncated;
    const struct sb_expectation *want = &b->requests[0].want;
    struct sb_run r = identified(b->n > 1 ? run_of_all(b) : run_of(first), b->l, at, first);
    if (want->picture && r.prompt_n > want->prompt_n)
        r.image_n = r.prompt_n - want->prompt_n;
    r.reason = b->n > 1 ? doubt_of_all(b, &r) : sb_launch_doubt(b->l, &r, want, truncated);
    r.valid = !r.reason;
    return r;
}

int sb_launch_request(struct launch *l, struct sb_at at, struct sb_run *ret) {
    if (sb_server_endpoint(l->server)->openai)
        return sb_launch_openai(l, at, ret);
    struct batch b = {.l = l, .at = at, .n = (size_t)at.slots};
    b.requests = sb_alloc(b.n, sizeof *b.requests);
    b.replies = sb_alloc(b.n, sizeof *b.replies);
    int rc = ask_until_answered(&b);
    if (rc == 0) {
        *ret = judged(&b, at);
        for (size_t i = 0; i < b.n; i++)
            sb_llama_reply_release(&b.replies[i]);
        forget_requests(&b);
    }
    free(b.requests);
    free(b.replies);
    return rc;
}
