/* What is measured of a server that runs: every point warmed up, then run as often as asked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

/* Where two warm-ups do not agree: so many, and more for as long as all of a point take less than
 * that together, since on a fast GPU one takes 0.3 s. */
enum { MIN_PATIENCE = 3, MAX_PATIENCE = 40 };
static const double PATIENCE_S = 10;

void sb_launch_changed(struct launch *l, enum sb_ended what) {
    const struct sb_observer *o = &l->b->observer;
    if (o->changed)
        o->changed(o->arg, l->index, what);
}

/* One run at a point, recorded in the cell. 0 and *ret (valid until the next run), or -1. */
static int one_run(struct launch *l, struct sb_at at, bool warmup, const struct sb_run **ret) {
    struct sb_run run;
    l->stopped |= sb_stops_seen(&l->start->stops);
    sb_launch_before_run(l);
    if (sb_launch_request(l, at, &run) < 0)
        return -1;
    run.warmup = warmup;
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
    if (sb_server_endpoint(l->server)->openai)
        return 0; /* nobody knows; it says itself when the text is too long */
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
    if (at->openai)
        return 0; /* it takes the text, whatever its tokens are */
    int rc =
        sb_prompt_prepare(at, p->text, p->text_len, timeout_s, &l->prompts[prompt], &l->failure);
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

static void tell_place(const struct launch *l, struct sb_at at) {
    const struct sb_observer *o = &l->b->observer;
    if (o->place)
        o->place(o->arg, at);
}

/* More runs where they are noisy: by these few another may be chosen next time. */
static bool tried_enough(const struct launch *l, int made) {
    struct sb_try t = {.key = l->trial->key, .runs = l->cell->runs, .n_runs = l->cell->n_runs};
    return made >= SB_TRY_MOST_RUNS || (made >= SB_TRY_RUNS && !sb_try_figures(&t).noisy);
}

int sb_launch_try(struct launch *l) {
    struct sb_at at = sb_protocol_place(&l->config->bench, 0);
    const struct sb_run *r;
    if (prepare(l, (size_t)at.prompt) < 0 || check_fits(l, at) < 0 || warm_up(l, at) < 0)
        return -1;
    for (int i = 1, disturbed = 0; !tried_enough(l, i - 1); i++) {
        if (!sb_launch_cool_down(l))
            return -1;
        sb_launch_stage(l, SB_STAGE_RUN, i, 0);
        if (one_run(l, at, false, &r) < 0)
            return -1;
        if (l->disturbed && ++disturbed <= LAUNCH_MOST_DISTURBED)
            i--;
    }
    return 0;
}

int sb_launch_measure(struct launch *l) {
    const struct sb_protocol *b = &l->config->bench;
    int prepared = -1;
    if (sb_launch_check_openai(l) < 0)
        return -1;
    for (size_t i = 0; i < sb_protocol_n_places(b); i++) {
        struct sb_at at = sb_protocol_place(b, i);
        if (at.prompt != prepared && prepare(l, (size_t)at.prompt) < 0)
            return -1;
        if (prepared < 0 && sb_launch_check_turns(l) < 0)
            return -1;
        prepared = at.prompt;
        tell_place(l, at);
        if (check_fits(l, at) < 0 || measure_point(l, at) < 0)
            return -1;
    }
    if (sb_model_image(l->config, l->plan->model))
        note_encode_times(l);
    return 0;
}
