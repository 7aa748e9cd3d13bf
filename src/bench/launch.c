/* One launch of one cell: cool down, load, prove the device, warm up, measure, stop. */
#include "internal.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/host.h"
#include "stratobench/sys.h"

static const int MAX_WARMUPS = 3;
static const double COOLED_WITHIN_C = 3, MAX_COOLDOWN_S = 600;

/* A prompt as the model at hand tokenizes it. */
struct prompt_tokens {
    int *ids;
    size_t n, n_special; /* the first n_special are what the model wants in front (BOS) */
    int *nonces;         /* distinct content tokens; one of them opens each request */
    size_t n_nonces;
};

struct launch {
    const struct sb_bench *b;
    const struct sb_config *config;
    const struct sb_cell_plan *plan;
    struct sb_cell *cell;
    size_t index; /* of the cell */
    struct sb_llama *server;
    struct sb_llama_failure failure;
    struct prompt_tokens *prompts;
    struct sb_launch record;
    double completions_s;
    size_t requests; /* made so far: chooses the nonce */
    struct sb_reading before;
    double start_temperature_c;
    double power_sum_w, measured_tokens;
    int power_samples;
};

static void stage(struct launch *l, enum sb_stage s, int index, int of) {
    const struct sb_observer *o = &l->b->observer;
    if (o->stage)
        o->stage(o->arg, l->index, s, l->record.launch, index, of);
}

static void changed(struct launch *l) {
    const struct sb_observer *o = &l->b->observer;
    if (o->changed)
        o->changed(o->arg, l->index, false);
}

/* ---- how a cell ends without figures ------------------------------------------------------ */

static void end_cell(struct sb_cell *c, enum sb_status status, char *reason, char *detail) {
    free(c->reason);
    free(c->detail);
    c->status = status;
    c->reason = reason;
    c->detail = detail;
}

/* The signal when one of ours was the cause, else 0 with the cell ended. The kernel's own count
 * of out-of-memory kills tells them from any other SIGKILL. */
static int end_by_failure(struct launch *l) {
    struct sb_llama_failure *f = &l->failure;
    if (f->interrupted)
        return f->interrupted;
    struct sb_reading now = sb_host_read("");
    if (f->exit.signal == SIGKILL && l->before.oom_kills >= 0 &&
        now.oom_kills > l->before.oom_kills) {
        free(f->reason);
        f->reason = sb_strdup("out of memory");
    }
    end_cell(l->cell, f->invalid ? SB_INVALID : SB_FAILED, f->reason, f->detail);
    f->reason = f->detail = NULL;
    return 0;
}

/* ---- before the launch -------------------------------------------------------------------- */

/* Waits `s` seconds; false when a signal of ours cut it short. */
static bool pause_s(struct launch *l, double s) {
    struct pollfd fd = {.fd = l->b->signal_fd, .events = POLLIN};
    if (poll(&fd, 1, sb_poll_ms(sb_now_s() + s)) <= 0)
        return true;
    l->failure.interrupted = sb_signals_take(l->b->signal_fd);
    return false;
}

/* False when interrupted. */
static bool cool_down(struct launch *l) {
    double wait_s = l->config->cooldown_s;
    if (wait_s > 0) {
        stage(l, SB_STAGE_COOLDOWN, 0, 0);
        return pause_s(l, wait_s);
    }
    if (wait_s != SB_COOLDOWN_AUTO || isnan(l->start_temperature_c))
        return true;
    double until_s = sb_now_s() + MAX_COOLDOWN_S,
           limit_c = l->start_temperature_c + COOLED_WITHIN_C;
    bool told = false;
    while (sb_host_read("").temperature_c > limit_c && sb_now_s() < until_s) {
        if (!told)
            stage(l, SB_STAGE_COOLDOWN, 0, 0);
        told = true;
        if (!pause_s(l, 1))
            return false;
    }
    return true;
}

/* The share of all the model's shards that is in the page cache. */
static void look_at_page_cache(struct launch *l) {
    const struct sb_strv *files = &l->b->preflight->cells[l->index].gguf->files;
    double share = 0;
    for (size_t i = 0; i < files->n; i++)
        share += l->config->load_cold ? sb_host_evict(files->item[i])
                                      : sb_host_cached_share(files->item[i]);
    l->record.cached_share = share / (double)files->n;
}

/* ---- the prompt --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void choose_nonces(struct prompt_tokens *p) {
    size_t n = p->n - p->n_special;
    p->nonces = sb_alloc(n, sizeof *p->nonces);
    memcpy(p->nonces, p->ids + p->n_special, n * sizeof *p->nonces);
    qsort(p->nonces, n, sizeof *p->nonces, by_value);
    p->n_nonces = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || p->nonces[i] != p->nonces[p->n_nonces - 1])
            p->nonces[p->n_nonces++] = p->nonces[i];
}

/* Token arrays get no BOS from the server, strings do: what `add_special` puts in front is what
 * this model wants. */
static int tokenize(struct launch *l, const struct sb_prompt *prompt, struct prompt_tokens *p) {
    int *plain;
    size_t n_plain;
    double timeout_s = l->config->run_timeout_s;
    if (sb_llama_tokenize(l->server, prompt->text, prompt->text_len, true, timeout_s, &p->ids,
                          &p->n, &l->failure) < 0 ||
        sb_llama_tokenize(l->server, prompt->text, prompt->text_len, false, timeout_s, &plain,
                          &n_plain, &l->failure) < 0)
        return -1;
    while (p->n_special < p->n && p->ids[p->n_special] != plain[0])
        p->n_special++;
    if (p->n_special == p->n)
        p->n_special = 0;
    free(plain);
    choose_nonces(p);
    return 0;
}

/* What is sent at depth d: [special][prompt tokens over and over, up to d][nonce][prompt]. At
 * depth 0: [special][nonce][prompt]. Writes the tokens and returns how many. */
static size_t compose(const struct launch *l, const struct prompt_tokens *p, size_t depth,
                      int *out) {
    size_t content = p->n - p->n_special, n = p->n_special;
    memcpy(out, p->ids, n * sizeof *out);
    for (size_t i = 0; n < depth; i++)
        out[n++] = p->ids[p->n_special + i % content];
    out[n++] = p->nonces[l->requests % p->n_nonces];
    memcpy(out + n, p->ids + p->n_special, content * sizeof *out);
    return n + content;
}

/* ---- runs --------------------------------------------------------------------------------- */

static struct sb_run to_run(const struct launch *l, struct sb_at at, bool warmup,
                            struct sb_llama_timings *t) {
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

/* Brings the context to `depth` tokens. Done before every run: a model that cannot roll its state
 * back (recurrent, sliding window) then still starts from just this prefix. */
static int fill_context(struct launch *l, const int *tokens, size_t depth) {
    struct sb_llama_completion c = {.tokens = tokens,
                                    .n_tokens = depth,
                                    .n_predict = 0,
                                    .cache_prompt = true,
                                    .timeout_s = l->config->run_timeout_s};
    struct sb_llama_timings t = {0};
    int rc = sb_llama_complete(l->server, &c, &t, &l->failure);
    if (rc == 0)
        l->completions_s += t.wall_ms / 1000;
    sb_llama_timings_release(&t);
    return rc;
}

static void observe_machine(struct launch *l, const struct sb_run *r) {
    struct sb_reading s = sb_host_read("");
    struct sb_launch *rec = &l->record;
    rec->peak_vram_bytes =
        s.vram_used_bytes > rec->peak_vram_bytes ? s.vram_used_bytes : rec->peak_vram_bytes;
    rec->peak_gtt_bytes =
        s.gtt_used_bytes > rec->peak_gtt_bytes ? s.gtt_used_bytes : rec->peak_gtt_bytes;
    rec->temperature_max_c = fmax(rec->temperature_max_c, s.temperature_c); /* fmax ignores NaN */
    if (r->warmup || isnan(s.power_w))
        return;
    l->power_sum_w += s.power_w;
    l->power_samples++;
    rec->energy_j = (isnan(rec->energy_j) ? 0 : rec->energy_j) + s.power_w * r->wall_ms / 1000;
    l->measured_tokens += (double)r->predicted_n;
}

/* One /completion at a point, recorded in the cell. 0 and *ret (valid until the next run), or -1.
 */
static int one_run(struct launch *l, struct sb_at at, bool warmup, const struct sb_run **ret) {
    const struct prompt_tokens *p = &l->prompts[at.prompt];
    size_t depth = (size_t)at.depth;
    int *tokens = sb_alloc(depth + p->n + 1, sizeof *tokens);
    size_t n = compose(l, p, depth, tokens);
    l->requests++;
    struct sb_llama_completion c = {.tokens = tokens,
                                    .n_tokens = n,
                                    .n_predict = l->config->n_predict,
                                    .cache_prompt = depth > 0,
                                    .ignore_eos = true,
                                    .timeout_s = l->config->run_timeout_s};
    struct sb_llama_timings t = {0};
    int rc = depth > 0 ? fill_context(l, tokens, depth) : 0;
    if (rc == 0)
        rc = sb_llama_complete(l->server, &c, &t, &l->failure);
    free(tokens);
    if (rc < 0)
        return -1;
    int truncated = t.truncated;
    struct sb_run run = to_run(l, at, warmup, &t);
    l->completions_s += run.wall_ms / 1000;
    struct sb_run_expectation want = {
        .prompt_n = (long long)(n - depth), .cache_n = at.depth, .n_predict = l->config->n_predict};
    char text[128];
    const char *why = sb_run_check(&run, &want, truncated, text, sizeof text);
    run.valid = !why;
    run.reason = sb_strdup(why);
    *ret = sb_cell_add_run(l->cell, run);
    observe_machine(l, *ret);
    changed(l);
    return 0;
}

static int warm_up(struct launch *l, struct sb_at at) {
    int fixed = l->config->warmup, most = fixed == SB_WARMUP_AUTO ? MAX_WARMUPS : fixed;
    double pp = (double)NAN, tg = (double)NAN;
    const struct sb_run *r;
    for (int i = 1; i <= most; i++) {
        stage(l, SB_STAGE_WARMUP, i, fixed == SB_WARMUP_AUTO ? 0 : most);
        if (one_run(l, at, true, &r) < 0)
            return -1;
        bool steady = sb_is_steady(r->pp_tps, r->tg_tps, pp, tg);
        if (fixed == SB_WARMUP_AUTO && steady)
            return 0;
        pp = r->pp_tps;
        tg = r->tg_tps;
    }
    if (fixed == SB_WARMUP_AUTO && !sb_strv_has(&l->cell->flags, sb_flag_name(SB_FLAG_NOT_STEADY)))
        sb_strv_add(&l->cell->flags, sb_flag_name(SB_FLAG_NOT_STEADY));
    return 0;
}

/* Adaptive runs: is the 95 % interval of both metrics within the share asked for? */
static bool settled(const struct launch *l, struct sb_at at) {
    for (int m = SB_PP; m <= SB_TG; m++) {
        size_t n;
        double *x = sb_cell_values(l->cell, (enum sb_metric)m, at, l->record.launch, &n);
        struct sb_summary s = sb_summarize(x, n);
        free(x);
        if (!(s.ci95 <= l->config->until * s.mean))
            return false;
    }
    return true;
}

static int measure_point(struct launch *l, struct sb_at at) {
    bool adaptive = l->config->until > 0;
    int runs = l->config->runs, most = adaptive ? l->config->max_runs : runs;
    const struct sb_run *r;
    if (warm_up(l, at) < 0)
        return -1;
    for (int i = 1; i <= most; i++) {
        if (adaptive && i > runs && settled(l, at))
            break;
        if (!cool_down(l))
            return -1;
        stage(l, SB_STAGE_RUN, i, adaptive ? 0 : runs);
        if (one_run(l, at, false, &r) < 0)
            return -1;
    }
    return 0;
}

/* What cannot fit is said before it is sent: a server would cut it, each build in its own way. */
static int check_fits(struct launch *l, struct sb_at at) {
    size_t need = (size_t)at.depth + l->prompts[at.prompt].n + 1 + (size_t)l->config->n_predict;
    if (need <= (size_t)l->config->ctx)
        return 0;
    l->failure.invalid = true;
    l->failure.reason = sb_asprintf("%zu tokens (depth, prompt, n_predict) do not fit ctx %d", need,
                                    l->config->ctx);
    return -1;
}

static int measure(struct launch *l) {
    for (size_t p = 0; p < l->config->n_prompts; p++) {
        if (tokenize(l, &l->config->prompts[p], &l->prompts[p]) < 0)
            return -1;
        for (size_t d = 0; d < l->config->n_depths; d++) {
            struct sb_at at = {(int)p, l->config->depths[d], 1};
            if (check_fits(l, at) < 0 || measure_point(l, at) < 0)
                return -1;
        }
    }
    return 0;
}

/* ---- the launch --------------------------------------------------------------------------- */

static int prove_device(struct launch *l, const char *log_path) {
    struct sb_llama_proof proof;
    if (sb_llama_parse_log_file(log_path, &proof) < 0)
        return 0;
    struct sb_cell *c = l->cell;
    for (size_t i = 0; i < c->backend.n_device_seen; i++)
        free(c->backend.device_seen[i].device);
    c->backend.n_device_seen = 0;
    for (size_t i = 0; i < proof.n_weights; i++) {
        c->backend.device_seen =
            sb_realloc(c->backend.device_seen, i + 1, sizeof *c->backend.device_seen);
        c->backend.device_seen[i] =
            (struct sb_device_share){sb_strdup(proof.weights[i].device), proof.weights[i].mib};
        c->backend.n_device_seen = i + 1;
    }
    struct sb_strv remarks = {0};
    const struct sb_preflight_cell *pf = &l->b->preflight->cells[l->index];
    struct sb_device_claim claim = {
        .device = l->plan->backend->device,
        .layers = sb_llama_layers_asked(pf->build, sb_llama_used_argv(l->server)),
        .lookup_mib = (double)pf->gguf->lookup_bytes / (1 << 20)};
    char *why = sb_judge_device(&claim, &proof, &remarks);
    for (size_t i = 0; i < remarks.n; i++)
        if (!sb_strv_has(&c->remarks, remarks.item[i]))
            sb_strv_add(&c->remarks, remarks.item[i]);
    sb_strv_release(&remarks);
    sb_llama_proof_release(&proof);
    if (!why)
        return 0;
    l->failure.invalid = true;
    l->failure.reason = why;
    return -1;
}

static int load(struct launch *l, const char *log_path) {
    const struct sb_preflight_cell *pf = &l->b->preflight->cells[l->index];
    struct sb_llama_launch how = {
        .backend = l->plan->backend, .model = l->plan->model, .ctx = l->config->ctx};
    stage(l, SB_STAGE_LOAD, 0, 0);
    int rc = sb_llama_start(pf->build, &how, log_path, l->config->load_timeout_s, l->b->signal_fd,
                            &l->server, &l->record.load_s, &l->failure);
    if (rc < 0)
        return -1;
    sb_strv_release(&l->cell->backend.argv);
    sb_strv_copy(&l->cell->backend.argv, sb_llama_used_argv(l->server));
    if (isnan(l->cell->load_s))
        l->cell->load_s = l->record.load_s;
    return prove_device(l, log_path);
}

static void finish_record(struct launch *l, double began_s) {
    struct sb_launch *r = &l->record;
    r->stop_s = sb_llama_stop(l->server);
    r->peak_rss_bytes = sb_proc_exit(sb_llama_proc(l->server))->peak_rss_bytes;
    r->wall_s = sb_now_s() - began_s;
    r->overhead_s = r->wall_s - r->load_s - l->completions_s - r->stop_s;
    if (l->power_samples > 0) {
        r->power_w = l->power_sum_w / l->power_samples;
        r->energy_tok_per_j = r->energy_j > 0 ? l->measured_tokens / r->energy_j : (double)NAN;
    }
    sb_cell_add_launch(l->cell, *r);
    r->started_at = NULL; /* the cell's now */
}

static void release_prompts(struct launch *l) {
    for (size_t i = 0; i < l->config->n_prompts; i++) {
        free(l->prompts[i].ids);
        free(l->prompts[i].nonces);
    }
    free(l->prompts);
}

int sb_bench_launch(const struct sb_bench *b, size_t index, int launch,
                    double start_temperature_c) {
    struct launch l = {.b = b,
                       .config = b->config,
                       .plan = &b->config->cells[index],
                       .cell = &b->results->cells[b->slot[index]],
                       .index = index,
                       .record = sb_launch_empty(),
                       .start_temperature_c = start_temperature_c};
    l.record.launch = launch;
    if (!cool_down(&l))
        return l.failure.interrupted;
    l.prompts = sb_alloc(l.config->n_prompts, sizeof *l.prompts);
    char *log_path = sb_asprintf("%s/%.100s--%.100s--%d.log", b->log_dir, l.plan->model->id,
                                 l.plan->backend->id, launch);
    l.before = sb_host_read("");
    l.record.temperature_start_c = l.before.temperature_c;
    look_at_page_cache(&l);
    double began_s = sb_now_s();
    l.record.started_at = sb_now_rfc3339();
    int rc = load(&l, log_path);
    if (rc == 0)
        rc = measure(&l);
    if (l.server) {
        stage(&l, SB_STAGE_STOP, 0, 0);
        if (rc == 0)
            finish_record(&l, began_s);
        sb_llama_free(l.server);
    }
    if (rc < 0)
        rc = end_by_failure(&l);
    sb_llama_failure_release(&l.failure);
    free(l.record.started_at);
    release_prompts(&l);
    free(log_path);
    return rc;
}
