#include "stratobench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stratobench/host.h"

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A rebuild may print the same version. Files before November 2026 do not say. */
static bool same_build(const char *a, const char *b) {
    return !a || !b || strcmp(a, b) == 0;
}

static void describe_bench(const struct sb_config *c, const struct sb_results *old,
                           struct sb_results *r) {
    sb_protocol_copy(&r->bench, &c->bench);
    r->started_at = old ? sb_strdup(old->started_at) : sb_now_rfc3339();
    r->updated_at = sb_now_rfc3339();
    r->generator = sb_strdup("stratobench " STRATOBENCH_VERSION);
    r->host = sb_host_probe("", (const char *const *)environ);
    if (c->hardware) {
        cJSON_DeleteItemFromObjectCaseSensitive(r->host, "hardware");
        cJSON_AddStringToObject(r->host, "hardware", c->hardware);
    }
}

static struct sb_cell take(struct sb_cell *from) {
    struct sb_cell c = *from;
    *from = sb_cell_empty();
    return c;
}

/* Fills an empty cell from the preflight, then takes over what an earlier file holds of it and
 * still stands: an ok cell whole, of an unfinished one the launches that were done. */
static void fill_cell(struct sb_plan *plan, size_t i, struct sb_cell *was, bool protocol) {
    struct sb_cell *cell = &plan->results.cells[i];
    bool holds = was && protocol && same(was->fingerprint, cell->fingerprint) &&
                 same(was->backend.server_version, cell->backend.server_version) &&
                 same_build(was->backend.server_build, cell->backend.server_build);
    plan->n_stale += was && !holds && was->status == SB_OK;
    if (!holds || (was->status != SB_OK && was->status != SB_PENDING))
        return;
    plan->skip[i] = was->status == SB_OK;
    plan->n_kept += was->status == SB_OK;
    sb_cell_release(cell);
    *cell = take(was);
}

static void add_foreign(struct sb_results *old, struct sb_plan *plan) {
    struct sb_results *r = &plan->results;
    for (size_t i = 0; old && i < old->n_cells; i++)
        if (old->cells[i].model.id) { /* not taken yet */
            r->cells[r->n_cells++] = take(&old->cells[i]);
            plan->n_foreign++;
        }
}

void sb_plan_make(const struct sb_config *config, const struct sb_preflight *preflight,
                  struct sb_results *old, struct sb_plan *ret) {
    struct sb_plan plan = {.results = sb_results_empty(),
                           .skip = sb_alloc(config->n_cells, sizeof *plan.skip)};
    struct sb_results *r = &plan.results;
    describe_bench(config, old, r);
    bool protocol = old && sb_protocol_same(&old->bench, &r->bench, SB_REPETITION);
    r->n_cells = config->n_cells;
    r->cells = sb_alloc(config->n_cells + (old ? old->n_cells : 0), sizeof *r->cells);
    for (size_t i = 0; i < config->n_cells; i++) {
        struct sb_cell *was = sb_cell_plan_find(&config->cells[i], old);
        plan.skip[i] = !config->cells[i].selected;
        r->cells[i] = sb_cell_empty();
        if (plan.skip[i] && was) {
            r->cells[i] = take(was);
            continue;
        }
        sb_preflight_describe(config, &preflight->cells[i], &r->cells[i]);
        fill_cell(&plan, i, was, protocol);
        if (was)
            sb_cell_release(was); /* what was not taken */
    }
    add_foreign(old, &plan);
    *ret = plan;
}

void sb_plan_release(struct sb_plan *p) {
    sb_results_release(&p->results);
    free(p->skip);
    *p = (struct sb_plan){0};
}
