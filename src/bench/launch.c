/* One launch of one cell: cool down, load, prove the device, warm up, measure, stop. */
#include "launch.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_PORTS = 3, HOOKS_MAX_BYTES = 1 << 18 };
static const double COOLED_WITHIN_C = 3, MAX_COOLDOWN_S = 600;

void sb_launch_stage(struct launch *l, enum sb_stage s, int index, int of) {
    const struct sb_observer *o = &l->b->observer;
    if (o->stage)
        o->stage(o->arg, l->index, s, l->record.launch, index, of);
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
    const struct sb_observer *o = &l->b->observer;
    struct pollfd fd = {.fd = l->b->signal_fd, .events = POLLIN};
    for (double until_s = sb_now_s() + s, now_s; (now_s = sb_now_s()) < until_s;) {
        if (poll(&fd, 1, sb_poll_ms(fmin(now_s + 1, until_s))) > 0) {
            l->failure.interrupted = sb_signals_take(l->b->signal_fd);
            return false;
        }
        if (o->tick)
            o->tick(o->arg);
    }
    return true;
}

bool sb_launch_cool_down(struct launch *l) {
    double wait_s = l->config->bench.cooldown_s;
    if (wait_s > 0) {
        sb_launch_stage(l, SB_STAGE_COOLDOWN, 0, 0);
        return pause_s(l, wait_s);
    }
    if (wait_s != SB_COOLDOWN_AUTO || isnan(l->start->temperature_c))
        return true;
    double until_s = sb_now_s() + MAX_COOLDOWN_S,
           limit_c = l->start->temperature_c + COOLED_WITHIN_C;
    bool told = false;
    while (sb_host_read("").temperature_c > limit_c && sb_now_s() < until_s) {
        if (!told)
            sb_launch_stage(l, SB_STAGE_COOLDOWN, 0, 0);
        told = true;
        if (!pause_s(l, 1))
            return false;
    }
    return true;
}

/* The share of all the model's shards that is in the page cache. */
static void look_at_page_cache(struct launch *l) {
    if (l->plan->backend->url)
        return; /* it has been loaded, and not from here */
    const struct sb_strv *files = &l->b->preflight->cells[l->index].gguf->files;
    double share = 0;
    for (size_t i = 0; i < files->n; i++)
        share += l->config->bench.load_cold ? sb_host_evict(files->item[i])
                                            : sb_host_cached_share(files->item[i]);
    l->record.cached_share = share / (double)files->n;
}

/* ---- the launch --------------------------------------------------------------------------- */

static int prove_device(struct launch *l) {
    struct sb_llama_proof proof;
    if (sb_server_proof(l->server, &proof) < 0)
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
    struct sb_device_claim claim = {.device = l->plan->backend->device,
                                    .layers =
                                        sb_llama_layers_asked(pf->build, sb_server_argv(l->server)),
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

static int fail_changed(struct launch *l, const char *what, const char *file) {
    l->failure.invalid = true;
    l->failure.reason = sb_asprintf("%s changed during the cell", what);
    l->failure.detail =
        sb_asprintf("%s is another file now than it was before, or is gone\n", file);
    return -1;
}

/* What is measured must still be what was there: figures of two models, or of two builds, have no
 * mean. */
static int check_files(struct launch *l) {
    const struct sb_preflight *pf = l->b->preflight;
    const char *file = sb_files_changed(&pf->model_files[l->plan->model - l->config->models]);
    if (file)
        return fail_changed(l, "model file", file);
    file = sb_files_changed(&pf->build_files[l->plan->backend - l->config->backends]);
    return file ? fail_changed(l, "server binary", file) : 0;
}

/* Starts it, on another port when the one at hand was taken from us in the meantime. */
static int start_server(struct launch *l, const struct sb_server_spec *spec) {
    for (int attempt = 1;; attempt++) {
        look_at_page_cache(l);
        l->began_s = sb_now_s();
        sb_stops_seen(&l->start->stops);
        l->server = sb_server_new(spec);
        if (sb_server_start(l->server, &l->record.load_s, &l->failure) == 0)
            return 0;
        if (!l->failure.port_lost || attempt == MAX_PORTS)
            return -1;
        sb_server_free(l->server);
        sb_llama_failure_release(&l->failure);
    }
}

static int load(struct launch *l, const struct sb_server_spec *spec) {
    sb_launch_stage(l, SB_STAGE_LOAD, 0, 0);
    if (check_files(l) < 0 || start_server(l, spec) < 0)
        return -1;
    sb_server_add_files(l->server,
                        &l->b->preflight->build_files[l->plan->backend - l->config->backends]);
    if (sb_stops_seen(&l->start->stops)) {
        l->record.load_s = (double)NAN; /* not measured: the clock ran, and we did not */
        l->stopped = true;
    }
    l->ready = sb_server_is_ours(l->server);
    if (!l->ready && sb_launch_note_served(l) < 0)
        return -1;
    sb_strv_release(&l->cell->backend.argv);
    sb_strv_copy(&l->cell->backend.argv, sb_server_argv(l->server));
    sb_argv_hide_secrets(&l->cell->backend.argv);
    if (isnan(l->cell->load_s))
        l->cell->load_s = l->record.load_s;
    return prove_device(l);
}

/* In a cluster the manifests say (k8s). */
static void say_where(struct launch *l) {
    struct sb_launch *r = &l->record;
    r->host = l->cell->backend.address ? sb_strdup(l->cell->backend.address)
                                       : sb_host_id(l->b->results->host);
    r->node = sb_strdup(getenv("STRATOBENCH_NODE"));
    r->pod = sb_strdup(getenv("STRATOBENCH_POD"));
    r->image = sb_strdup(getenv("STRATOBENCH_IMAGE"));
}

static void finish_record(struct launch *l) {
    struct sb_launch *r = &l->record;
    r->stop_s = sb_server_stop(l->server);
    r->peak_rss_bytes = sb_server_exit(l->server)->peak_rss_bytes;
    r->wall_s = sb_now_s() - l->began_s;
    r->overhead_s = r->wall_s - r->load_s - l->completions_s - r->stop_s;
    if (l->stopped || sb_stops_seen(&l->start->stops))
        r->wall_s = r->overhead_s = (double)NAN;
    sb_launch_sum_up(l);
    say_where(l);
    sb_cell_add_launch(l->cell, *r);
    r->started_at = NULL; /* the cell's now */
    if (!l->trial)
        sb_launch_changed(l, SB_ENDED_LAUNCH);
}

static void release_prompts(struct launch *l) {
    for (size_t i = 0; i < l->config->bench.n_prompts; i++)
        sb_prepared_release(&l->prompts[i]);
    free(l->prompts);
}

/* MODEL--BACKEND--LAUNCH.log, with the cell's number where that alone could be another's. */
static char *log_path_of(const struct launch *l) {
    const char *model = l->plan->model->id, *backend = l->plan->backend->id;
    bool cut = strlen(model) > 100 || strlen(backend) > 100;
    bool doubtful = cut || strstr(model, "--") || strstr(backend, "--") ||
                    model[strlen(model) - 1] == '-' || backend[0] == '-';
    char *number = doubtful ? sb_asprintf("--cell%zu", l->index + 1) : sb_strdup("");
    char *what = l->trial ? sb_asprintf("tune-%s-%s", l->trial->key, l->trial->value)
                          : sb_asprintf("%d", l->record.launch);
    char *path =
        sb_asprintf("%s/%.100s--%.100s%s--%s.log", l->b->log_dir, model, backend, number, what);
    free(number);
    free(what);
    return path;
}

static int measure(struct launch *l) {
    if (l->trial)
        return sb_launch_try(l);
    int rc = sb_launch_measure(l);
    if (rc == 0)
        rc = sb_launch_turns(l);
    if (rc == 0)
        rc = sb_launch_answers(l);
    return rc;
}

/* What the server is asked to be: what was tuned is as it was chosen, or as it is tried. */
static struct sb_llama_launch options_of(const struct launch *l) {
    struct sb_llama_launch o = sb_bench_launch_options(l->config, l->plan);
    const struct sb_cell *c = &l->b->results->cells[l->index];
    for (size_t i = 0; i < c->n_tried; i++)
        if (c->tried[i].chosen)
            sb_tune_set(&o, &c->tried[i]);
    if (l->trial)
        sb_tune_set(&o, l->trial);
    return o;
}

/* From its load to its end. 0, the signal that ended it, or -1 with l->failure. */
static int launch(struct launch *l, const char *log_path) {
    const struct sb_bench *b = l->b;
    struct sb_server_address address;
    l->before = sb_host_read("");
    if (l->plan->backend->url)
        sb_launch_address(l, &address);
    else
        l->record.temperature_start_c = l->before.temperature_c;
    struct sb_server_spec spec = {.address = l->plan->backend->url ? &address : NULL,
                                  .build = b->preflight->cells[l->index].build,
                                  .launch = options_of(l),
                                  .log_path = log_path,
                                  .load_timeout_s = l->config->load_timeout_s,
                                  .signal_fd = b->signal_fd,
                                  .tick = b->observer.tick,
                                  .tick_arg = b->observer.arg};
    l->record.started_at = sb_now_rfc3339();
    int rc = sb_launch_before(l);
    if (rc == 0)
        rc = load(l, &spec);
    if (rc == 0)
        rc = measure(l);
    if (rc == 0)
        rc = check_files(l);
    if (l->failure.interrupted)
        sb_launch_stage(l, SB_STAGE_INTERRUPT, 0, 0);
    else if (l->ready)
        sb_launch_stage(l, SB_STAGE_STOP, 0, 0);
    if (rc == 0)
        finish_record(l);
    sb_server_free(l->server);
    return sb_launch_after(l) < 0 ? -1 : rc;
}

static int launch_into(const struct sb_bench *b, size_t index, struct sb_cell *cell,
                       const struct sb_try *trial, int number, struct sb_bench_start *start) {
    struct launch l = {.b = b,
                       .config = b->config,
                       .plan = &b->config->cells[index],
                       .cell = cell,
                       .index = index,
                       .trial = trial,
                       .record = sb_launch_empty(),
                       .hooks_said = SB_BUF_INIT(HOOKS_MAX_BYTES),
                       .start = start};
    l.record.launch = number;
    if (!sb_launch_cool_down(&l))
        return l.failure.interrupted;
    l.prompts = sb_alloc(l.config->bench.n_prompts, sizeof *l.prompts);
    char *log_path = log_path_of(&l);
    mkdir(b->log_dir, 0777); /* it may have vanished since */
    int rc = launch(&l, log_path);
    sb_launch_log_hooks(&l, log_path);
    if (rc < 0)
        rc = end_by_failure(&l);
    sb_llama_failure_release(&l.failure);
    free(l.record.started_at);
    release_prompts(&l);
    free(log_path);
    return rc;
}

int sb_bench_launch(const struct sb_bench *b, size_t index, int number,
                    struct sb_bench_start *start) {
    return launch_into(b, index, &b->results->cells[index], NULL, number, start);
}

int sb_bench_try(const struct sb_bench *b, size_t index, struct sb_try *t, int number,
                 struct sb_bench_start *start) {
    struct sb_cell c = sb_cell_empty(); /* it ends with the value, not with the cell */
    int rc = launch_into(b, index, &c, t, number, start);
    for (size_t i = 0; i < c.n_runs; i++)
        c.runs[i].launch = 1;
    t->host = sb_host_id(b->results->host);
    t->load_s = c.load_s;
    t->reason = sb_strdup(c.reason);
    t->runs = c.runs;
    t->n_runs = c.n_runs;
    c.runs = NULL;
    c.n_runs = 0;
    sb_cell_release(&c);
    return rc;
}
