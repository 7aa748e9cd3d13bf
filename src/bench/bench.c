/* The matrix: model by model, the backends of each in turns (schedule.h). */
#include "internal.h"
#include "schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/host.h"
#include "stratobench/results_tune.h"

/* Fewer valid runs than this have no spread, and the cell no figure to stand behind. */
enum { LEAST_VALID_RUNS = 2 };

static void invalidate(struct sb_cell *c, char *reason) {
    free(c->reason);
    c->reason = reason;
    c->status = SB_INVALID;
}

/* Enough valid runs at every point, or the cell is invalid with the reason of the first bad one. */
static void check_runs(const struct sb_config *config, struct sb_cell *c) {
    int wanted = config->bench.runs * sb_config_likely_launches(config);
    size_t least = (size_t)(wanted < LEAST_VALID_RUNS ? wanted : LEAST_VALID_RUNS);
    for (size_t p = 0; p < sb_protocol_n_places(&config->bench); p++) {
        size_t n;
        free(sb_cell_values(c, SB_TG, sb_protocol_place(&config->bench, p), 0, &n));
        if (n >= least)
            continue;
        const char *why = "too few valid runs";
        for (size_t i = c->n_runs; i-- > 0;)
            if (!c->runs[i].warmup && !c->runs[i].valid && c->runs[i].reason)
                why = c->runs[i].reason;
        invalidate(c, sb_strdup(why));
        return;
    }
}

/* Tokens in the context while the first point was measured; 0 when nothing was. */
static uint64_t context_tokens(const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_runs; i++)
        if (sb_run_counts(&c->runs[i]))
            return (uint64_t)(c->runs[i].at.depth + c->runs[i].prompt_n);
    return 0;
}

/* Tokens drafted and accepted in the runs that count; 0 where nothing was drafted. */
static void count_drafts(const struct sb_cell *c, long long *ret_n, long long *ret_accepted) {
    *ret_n = *ret_accepted = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        if (!sb_run_counts(r) || r->draft_n <= 0)
            continue;
        *ret_n += r->draft_n;
        *ret_accepted += r->draft_n_accepted > 0 ? r->draft_n_accepted : 0;
    }
}

/* TG cannot beat bandwidth / bytes read per token: a model that seems to did not run as claimed.
 * Accepted drafts are not read for: where there are any, there is no such limit.
 * The KV cache counts as far as it can be believed: with sliding windows less of it is read than
 * its size, so it alone never makes a cell invalid. */
static void check_limit(const struct sb_cell_plan *plan, const struct sb_gguf *gguf,
                        struct sb_cell *c) {
    double bandwidth_b_s = plan->backend->bandwidth_gb_s * 1e9;
    long long drafted, accepted;
    count_drafts(c, &drafted, &accepted);
    if (!(bandwidth_b_s > 0) || !gguf || gguf->bytes_per_token == 0 || c->tg_tps.n == 0 || drafted)
        return;
    if (sb_cell_first_at(c).slots > 1) /* read once for a token of each slot */
        return;
    double weights = (double)gguf->bytes_per_token;
    double kv = (double)sb_gguf_kv_bytes(gguf, context_tokens(c), plan->backend->cache_type);
    double share = c->tg_tps.mean * weights / bandwidth_b_s;
    double with_kv = c->tg_tps.mean * (weights + kv) / bandwidth_b_s;
    c->bandwidth_gb_s = plan->backend->bandwidth_gb_s;
    c->tg_limit_share = with_kv > 1 ? share : with_kv;
    if (share > 1)
        invalidate(c, sb_asprintf("TG is %.0f %% of what %.0f GB/s can read", 100 * share,
                                  c->bandwidth_gb_s));
}

/* Who asks for drafts and gets none has measured the backend without: a build that loads a draft
 * model and then never uses it says so nowhere. What is drafted from the text may find nothing. */
static void check_drafts(const struct sb_preflight_cell *p, struct sb_cell *c) {
    long long drafted, accepted;
    count_drafts(c, &drafted, &accepted);
    enum sb_llama_drafting how =
        p->build ? sb_llama_drafting(p->build, &p->argv) : SB_DRAFTS_NOTHING;
    if (drafted == 0 && how == SB_DRAFTS_BY_MODEL)
        invalidate(c, sb_strdup("drafted nothing"));
    else if (drafted == 0 && how == SB_DRAFTS_FROM_TEXT)
        sb_strv_add(&c->remarks, "found nothing to draft");
}

/* One picture is as many tokens in every run; else they had different prompts. */
static void check_picture(struct sb_cell *c) {
    long long first = -1;
    for (size_t i = 0; i < c->n_runs; i++) {
        long long n = c->runs[i].image_n;
        if (n < 0)
            continue;
        if (first >= 0 && n != first) {
            invalidate(c, sb_asprintf("the picture was %lld tokens, then %lld", first, n));
            return;
        }
        first = n;
    }
}

/* What the Notes say of how it went, once it is known. */
static void remark(struct sb_cell *c) {
    long long drafted, accepted, again = 0;
    const struct sb_run *odd = sb_cell_odd_turn(c);
    for (size_t i = 0; i < c->n_tried; i++)
        if (c->tried[i].chosen)
            sb_strv_take(&c->remarks,
                         sb_asprintf("tuned: %s %s%s", c->tried[i].key, c->tried[i].value,
                                     sb_try_figures(&c->tried[i]).noisy ? " (noisy)" : ""));
    count_drafts(c, &drafted, &accepted);
    if (drafted)
        sb_strv_take(&c->remarks, sb_asprintf("%.0f %% of %lld drafted tokens accepted",
                                              100.0 * (double)accepted / (double)drafted, drafted));
    for (size_t i = 0; i < c->n_launches; i++)
        again += c->launches[i].failed_replies > 0 ? c->launches[i].failed_replies : 0;
    if (again)
        sb_strv_take(&c->remarks, sb_asprintf("asked again after %lld failed repl%s", again,
                                              again == 1 ? "y" : "ies"));
    if (odd)
        sb_strv_take(&c->remarks, sb_asprintf("turn %d: %s", odd->turn, odd->reason));
}

static void finish_cell(const struct sb_bench *b, size_t i) {
    struct sb_cell *c = &b->results->cells[i];
    if (c->status == SB_PENDING) {
        c->status = SB_OK;
        sb_cell_summarize(c);
        remark(c);
        check_runs(b->config, c);
        if (c->status == SB_OK)
            check_picture(c);
        if (c->status == SB_OK)
            check_drafts(&b->preflight->cells[i], c);
        if (c->status == SB_OK)
            check_limit(&b->config->cells[i], b->preflight->cells[i].gguf, c);
    }
    free(c->measured_at);
    c->measured_at = sb_now_rfc3339();
    if (b->observer.changed)
        b->observer.changed(b->observer.arg, i, SB_ENDED_CELL);
}

/* What cannot run says so before anything of its model is launched; what was interrupted in a
 * launch begins it again. */
static void prepare_cell(const struct sb_bench *b, size_t i) {
    struct sb_cell *c = &b->results->cells[i];
    const struct sb_preflight_cell *pf = &b->preflight->cells[i];
    if (b->skip[i] || c->status != SB_PENDING)
        return;
    sb_cell_drop_unfinished(c);
    if (pf->n_faults) {
        const struct sb_fault *f = &pf->faults[0];
        c->status = f->skipped ? SB_SKIPPED : SB_FAILED;
        c->reason = sb_strdup(f->reason);
        c->detail = sb_strdup(f->detail);
        finish_cell(b, i);
    }
}

static void finish_complete(const struct sb_bench *b, size_t first, const struct sb_schedule *s) {
    for (size_t k = 0; k < s->n; k++)
        if (!s->skip[k] && s->cells[k]->status == SB_PENDING && sb_schedule_complete(s, k))
            finish_cell(b, first + k);
}

/* Takes turns until every cell of the model is finished. */
static int take_turns(const struct sb_bench *b, size_t first, const struct sb_schedule *s,
                      struct sb_bench_start *start) {
    size_t k;
    int launch;
    finish_complete(b, first, s);
    while (sb_schedule_next(s, &k, &launch)) {
        struct sb_cell *c = &b->results->cells[first + k];
        int rc = sb_bench_launch(b, first + k, launch, start);
        if (rc != 0) {
            sb_cell_drop_unfinished(c);
            return rc;
        }
        if (c->status != SB_PENDING)
            finish_cell(b, first + k);
        finish_complete(b, first, s);
    }
    return 0;
}

/* Before any launch of the model is measured: they take turns then. */
static int tune(const struct sb_bench *b, size_t i, struct sb_bench_start *start) {
    struct sb_cell *c = &b->results->cells[i];
    if (b->skip[i] || c->status != SB_PENDING)
        return 0;
    int rc = sb_bench_tune(b, i, start);
    if (rc == 0 && c->status != SB_PENDING)
        finish_cell(b, i);
    return rc;
}

/* One model's cells: [first, end). */
static int run_model(const struct sb_bench *b, size_t first, size_t end,
                     struct sb_bench_start *start) {
    size_t n = end - first;
    const struct sb_cell **cells = sb_alloc(n, sizeof *cells);
    for (size_t k = 0; k < n; k++) {
        cells[k] = &b->results->cells[first + k];
        prepare_cell(b, first + k);
    }
    struct sb_schedule s = {cells, b->skip + first, n, b->config->bench.launches};
    int rc = 0;
    for (size_t i = first; i < end && rc == 0; i++)
        rc = tune(b, i, start);
    if (rc == 0)
        rc = take_turns(b, first, &s, start);
    free(cells);
    return rc;
}

int sb_bench_run(const struct sb_bench *b) {
    const struct sb_config *config = b->config;
    struct sb_bench_start start = {.temperature_c = sb_host_read("").temperature_c};
    if (sb_stops_open(&start.stops) < 0)
        start.stops.fd = -1; /* then only the machine's own sleep is seen */
    int rc = 0;
    for (size_t first = 0, end; first < config->n_cells && rc == 0; first = end) {
        for (end = first;
             end < config->n_cells && config->cells[end].model == config->cells[first].model;)
            end++;
        rc = run_model(b, first, end, &start);
    }
    sb_stops_close(&start.stops);
    return rc;
}
