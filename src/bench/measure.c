/* What is measured of a server that runs: every point warmed up, then run as often as asked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

/* Where two warm-ups do not agree: so many, and more for as long as all of a point take less than
 * that together, since on a fast GPU one takes 0.3 s. */
enum { MIN_PATIENCE = 3, MAX_PATIENCE = 40 };
static const double PATIENCE_S = 10;
static const int MAX_ATTEMPTS = 5;  /* at a reply; one in twelve failed where this was seen */

void sb_launch_changed(struct launch *l, enum sb_ended what) {
    const struct sb_observer *o = &l->b->observer;
    if (o->changed)
        o->changed(o->arg, l->index, what);
}

struct sb_run sb_launch_to_run(const struct launch *l, struct sb_at at, bool warmup,
                               struct sb_llama_reply *t) {
    struct sb_run r = sb_run_empty();
    r.launch = l->record.launch;
    r.at = at;
    r.warmup = warmup;
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
    r.stop_type = t->stop_type;
    t->stop_type = NULL;
    sb_run_speeds(&r);
    return r;
}

int sb_launch_complete(struct launch *l, const struct sb_llama_completion *c,
                       struct sb_llama_reply *ret) {
    double before_s = sb_now_s();
    int rc = sb_llama_complete(sb_server_endpoint(l->server), c, l->config->run_timeout_s, ret,
                               &l->failure);
    l->completions_s += rc < 0 ? sb_now_s() - before_s : ret->wall_ms / 1000;
    if (rc < 0)
        sb_server_explain(l->server, &l->failure);
    return rc;
}

/* Brings the context to its depth. Done before every run: a model that cannot roll its state
 * back (recurrent, sliding window) then still starts from just this prefix. */
static int fill_context(struct launch *l, const struct sb_request *r) {
    struct sb_llama_reply reply;
    if (r->prefix.n_tokens == 0)
        return 0;
    if (sb_launch_complete(l, &r->prefix, &reply) < 0)
        return -1;
    sb_llama_reply_release(&reply);
    return 0;
}

/* One request with a nonce of its own, and its reply. */
static int ask(struct launch *l, struct sb_at at, struct sb_expectation *ret_want,
               struct sb_llama_reply *ret) {
    struct sb_request request;
    sb_prompt_request(&l->prompts[at.prompt], (size_t)at.depth, l->requests++,
                      l->config->bench.n_predict, &request);
    int rc = fill_context(l, &request);
    if (rc == 0)
        rc = sb_launch_complete(l, &request.body, ret);
    *ret_want = request.want;
    sb_request_release(&request);
    return rc;
}

/* A reply can fail after the work was done (HTTP 500 from a build that could not put the text into
 * JSON): another nonce gives another text. */
bool sb_launch_may_ask_again(struct launch *l, int attempt) {
    if (l->failure.http_status < 500 || attempt == MAX_ATTEMPTS)
        return false;
    sb_llama_failure_release(&l->failure);
    l->record.failed_replies = (l->record.failed_replies > 0 ? l->record.failed_replies : 0) + 1;
    return true;
}

static int ask_until_answered(struct launch *l, struct sb_at at, struct sb_expectation *ret_want,
                              struct sb_llama_reply *ret) {
    for (int attempt = 1;; attempt++) {
        if (ask(l, at, ret_want, ret) == 0)
            return 0;
        if (!sb_launch_may_ask_again(l, attempt))
            return -1;
    }
}

char *sb_launch_doubt(struct launch *l, const struct sb_run *r, const struct sb_expectation *want,
                      int truncated) {
    char text[128];
    bool stopped = sb_stops_seen(&l->start->stops);
    l->stopped |= stopped;
    struct sb_expectation theirs = *want;
    theirs.far = !sb_server_is_ours(l->server);
    l->disturbed = stopped || sb_run_is_late(r, theirs.far);
    if (stopped)
        return sb_strdup("stratobench or the machine was stopped meanwhile");
    return sb_strdup(sb_run_check(r, &theirs, truncated, text, sizeof text));
}

/* One /completion at a point, recorded in the cell. 0 and *ret (valid until the next run), or -1. */
static int one_run(struct launch *l, struct sb_at at, bool warmup, const struct sb_run **ret) {
    struct sb_expectation want;
    struct sb_llama_reply reply;
    l->stopped |= sb_stops_seen(&l->start->stops);
    sb_launch_before_run(l);
    if (ask_until_answered(l, at, &want, &reply) < 0)
        return -1;
    struct sb_run run = sb_launch_to_run(l, at, warmup, &reply);
    if (want.picture && run.prompt_n > want.prompt_n)
        run.image_n = run.prompt_n - want.prompt_n;
    run.reason = sb_launch_doubt(l, &run, &want, reply.truncated);
    run.valid = !run.reason;
    sb_llama_reply_release(&reply);
    *ret = sb_cell_add_run(l->cell, run);
    sb_launch_after_run(l, *ret);
    sb_launch_changed(l, SB_ENDED_RUN);
    return 0;
}

static bool may_warm_up(const struct launch *l, int made, double spent_s) {
    if (l->config->bench.warmup != SB_WARMUP_AUTO)
        return made < l->config->bench.warmup;
    return made < MIN_PATIENCE || (made < MAX_PATIENCE && spent_s < PATIENCE_S);
}

static int warm_up(struct launch *l, struct sb_at at) {
    bool automatic = l->config->bench.warmup == SB_WARMUP_AUTO;
    double pp = (double)NAN, tg = (double)NAN, began_s = sb_now_s();
    const struct sb_run *r;
    for (int i = 0; may_warm_up(l, i, sb_now_s() - began_s); i++) {
        sb_launch_stage(l, SB_STAGE_WARMUP, i + 1, automatic ? 0 : l->config->bench.warmup);
        if (one_run(l, at, true, &r) < 0)
            return -1;
        if (automatic && sb_is_steady(r->pp_tps, r->tg_tps, pp, tg))
            return 0;
        pp = r->pp_tps;
        tg = r->tg_tps;
    }
    return 0;
}

static void flag_if_still_warming(const struct launch *l, struct sb_at at) {
    const char *flag = sb_flag_name(SB_FLAG_NOT_STEADY);
    if (l->config->bench.warmup == SB_WARMUP_AUTO && !sb_strv_has(&l->cell->flags, flag) &&
        sb_cell_still_warming(l->cell, at, l->record.launch))
        sb_strv_add(&l->cell->flags, flag);
}

/* Adaptive runs: is the 95 % interval of both metrics within the share asked for? */
static bool settled(const struct launch *l, struct sb_at at) {
    for (int m = SB_PP; m <= SB_TG; m++) {
        size_t n;
        double *x = sb_cell_values(l->cell, (enum sb_metric)m, at, l->record.launch, &n);
        struct sb_summary s = sb_summarize(x, n);
        free(x);
        if (!(s.ci95 <= l->config->bench.until * s.mean))
            return false;
    }
    return true;
}

static int measure_point(struct launch *l, struct sb_at at) {
    bool adaptive = l->config->bench.until > 0;
    int runs = l->config->bench.runs, most = adaptive ? l->config->bench.max_runs : runs;
    const struct sb_run *r;
    if (warm_up(l, at) < 0)
        return -1;
    for (int i = 1, disturbed = 0; i <= most; i++) {
        if (adaptive && i > runs && settled(l, at))
            break;
        if (!sb_launch_cool_down(l))
            return -1;
        sb_launch_stage(l, SB_STAGE_RUN, i, adaptive ? 0 : runs);
        if (one_run(l, at, false, &r) < 0)
            return -1;
        if (l->disturbed && ++disturbed <= LAUNCH_MOST_DISTURBED)
            i--;
    }
    flag_if_still_warming(l, at);
    return 0;
}

/* What cannot fit is said before it is sent: a server would cut it, each build in its own way. */
static int check_fits(struct launch *l, struct sb_at at) {
    size_t need = sb_prompt_length(&l->prompts[at.prompt], (size_t)at.depth) +
                  (size_t)l->config->bench.n_predict;
    if (need <= (size_t)sb_launch_ctx(l))
        return 0;
    l->failure.invalid = true;
    l->failure.reason = sb_asprintf("%zu tokens (depth, prompt, n_predict) do not fit ctx %d", need,
                                    sb_launch_ctx(l));
    return -1;
}

static int prepare(struct launch *l, size_t prompt) {
    const struct sb_endpoint *at = sb_server_endpoint(l->server);
    const struct sb_prompt *p = &l->config->prompts[prompt];
    const struct sb_image *image = sb_model_image(l->config, l->plan->model);
    double timeout_s = l->config->run_timeout_s;
    int rc = sb_prompt_prepare(at, p->text, p->text_len, timeout_s, &l->prompts[prompt],
                               &l->failure);
    if (rc == 0 && image)
        rc = sb_prompt_add_picture(at, p->text, p->text_len, image->bytes, image->len, timeout_s,
                                   &l->prompts[prompt], &l->failure);
    if (rc < 0)
        sb_server_explain(l->server, &l->failure);
    return rc;
}

/* Every run sent the picture once: where the log tells of as many, they are the runs', in order. */
static void note_encode_times(struct launch *l) {
    struct sb_cell *c = l->cell;
    double *ms = NULL;
    size_t n = 0, own = 0, first = c->n_runs;
    while (first > 0 && c->runs[first - 1].launch == l->record.launch)
        first--;
    own = c->n_runs - first;
    if (sb_server_encode_times(l->server, &ms, &n) == 0 && n == own)
        for (size_t i = 0; i < own; i++)
            c->runs[first + i].image_encode_ms = ms[i];
    free(ms);
}

int sb_launch_measure(struct launch *l) {
    for (size_t p = 0; p < l->config->bench.n_prompts; p++) {
        if (prepare(l, p) < 0 || (p == 0 && sb_launch_check_turns(l) < 0))
            return -1;
        for (size_t d = 0; d < l->config->bench.n_depths; d++) {
            struct sb_at at = {(int)p, l->config->bench.depths[d], 1};
            if (check_fits(l, at) < 0 || measure_point(l, at) < 0)
                return -1;
        }
    }
    if (sb_model_image(l->config, l->plan->model))
        note_encode_times(l);
    return 0;
}
