#include "stratobench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stratobench/host.h"

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct sb_cell *find(struct sb_results *r, const char *model, const char *backend) {
    for (size_t i = 0; r && i < r->n_cells; i++)
        if (same(r->cells[i].model.id, model) && same(r->cells[i].backend.id, backend))
            return &r->cells[i];
    return NULL;
}

static size_t index_in(const struct sb_config *c, const char *model, const char *backend) {
    for (size_t i = 0; i < c->n_cells; i++)
        if (same(c->cells[i].model->id, model) && same(c->cells[i].backend->id, backend))
            return i;
    return SIZE_MAX;
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

/* Fills an empty cell from the preflight, then takes over what an earlier file holds of it and
 * still stands: an ok cell whole, of an unfinished one the launches that were done. */
static void fill_cell(const struct sb_config *config, const struct sb_preflight *preflight,
                      size_t i, struct sb_results *old, bool protocol, struct sb_plan *plan,
                      struct sb_cell *cell) {
    sb_preflight_describe(config, &preflight->cells[i], cell);
    struct sb_cell *was = find(old, cell->model.id, cell->backend.id);
    if (!was)
        return;
    bool holds = protocol && same(was->fingerprint, cell->fingerprint) &&
                 same(was->backend.server_version, cell->backend.server_version);
    if (!holds) {
        plan->n_stale += was->status == SB_OK;
        return;
    }
    if (was->status != SB_OK && was->status != SB_PENDING)
        return;
    plan->skip[i] = was->status == SB_OK;
    plan->n_kept += was->status == SB_OK;
    sb_cell_release(cell);
    *cell = *was;
    *was = sb_cell_empty();
}

void sb_plan_make(const struct sb_config *config, const struct sb_config *whole,
                  const struct sb_preflight *preflight, struct sb_results *old,
                  struct sb_plan *ret) {
    struct sb_plan plan = {.results = sb_results_empty(),
                           .slot = sb_alloc(config->n_cells, sizeof *plan.slot),
                           .skip = sb_alloc(config->n_cells, sizeof *plan.skip)};
    struct sb_results *r = &plan.results;
    describe_bench(config, old, r);
    bool protocol = old && sb_protocol_same(&old->bench, &r->bench, SB_REPETITION);
    size_t most = whole->n_cells + (old ? old->n_cells : 0);
    r->cells = sb_alloc(most, sizeof *r->cells);
    for (size_t w = 0; w < whole->n_cells; w++) {
        const char *model = whole->cells[w].model->id, *backend = whole->cells[w].backend->id;
        size_t i = index_in(config, model, backend);
        if (i != SIZE_MAX) {
            struct sb_cell *cell = &r->cells[r->n_cells];
            *cell = sb_cell_empty();
            plan.slot[i] = r->n_cells++;
            fill_cell(config, preflight, i, old, protocol, &plan, cell);
        } else if (find(old, model, backend)) {
            struct sb_cell *was = find(old, model, backend);
            r->cells[r->n_cells++] = *was;
            *was = sb_cell_empty();
        }
    }
    for (size_t i = 0; old && i < old->n_cells; i++)
        if (old->cells[i].model.id &&
            index_in(whole, old->cells[i].model.id, old->cells[i].backend.id) == SIZE_MAX) {
            r->cells[r->n_cells++] = old->cells[i];
            old->cells[i] = sb_cell_empty();
            plan.n_foreign++;
        }
    *ret = plan;
}

void sb_plan_release(struct sb_plan *p) {
    sb_results_release(&p->results);
    free(p->slot);
    free(p->skip);
    *p = (struct sb_plan){0};
}
