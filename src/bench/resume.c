#include "stratobench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule.h"
#include "stratobench/host.h"
#include "stratobench/results_tune.h"

#define LAUNCHES "launches=" /* in a cell's repetition */

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
    if (c->hardware)
        sb_fact_set_text(r->host, "hardware", c->hardware);
}

/* ---- what an earlier file holds ------------------------------------------------------------- */

static struct sb_cell take(struct sb_cell *from) {
    struct sb_cell c = *from;
    *from = sb_cell_empty();
    return c;
}

/* As a file would give it back. */
static struct sb_cell copy(const struct sb_results *r, const struct sb_cell *c) {
    struct sb_results one = *r, read;
    struct sb_cell same = *c, ret = sb_cell_empty();
    one.cells = &same;
    one.n_cells = 1;
    char *json = sb_results_print(&one);
    if (json && sb_results_parse("copy", json, strlen(json), &read, NULL) == 0) {
        ret = take(&read.cells[0]);
        sb_results_release(&read);
    }
    free(json);
    return ret;
}

/* "runs=3" of the first that lacks it in the second, or NULL. */
static const char *odd_one(const struct sb_strv *a, const struct sb_strv *b, bool but_launches) {
    for (size_t i = 0; i < a->n; i++)
        if (!sb_strv_has(b, a->item[i]) && !(but_launches && sb_begins(a->item[i], LAUNCHES)))
            return a->item[i];
    return NULL;
}

static int n_had(const struct sb_cell *c) {
    return c->n_launches ? c->launches[c->n_launches - 1].launch : 0;
}

/* The config wants more launches than there are, whatever it wanted before. */
static bool wants_more(const struct sb_results *r, const struct sb_cell *was) {
    int wanted = r->bench.launches == SB_LAUNCHES_AUTO ? SB_LEAST_LAUNCHES : r->bench.launches;
    return n_had(was) > 0 && n_had(was) < wanted;
}

/* Why an earlier result does not hold any more, or NULL. The caller frees. */
static char *what_changed(const struct sb_cell *was, const struct sb_cell *now, bool but_launches) {
    const char *repeated = odd_one(&was->repetition, &now->repetition, but_launches);
    const char *more = odd_one(&now->repetition, &was->repetition, but_launches);
    if (!repeated && more)
        repeated = strncmp(more, "tune=", 5) == 0 ? "not tuned" : "another number of runs";
    if (repeated)
        return sb_strdup(repeated);
    if (!sb_same(was->backend.server_version, now->backend.server_version))
        return sb_asprintf("server %s",
                           was->backend.server_version ? was->backend.server_version : "unknown");
    if (!same_build(was->backend.server_build, now->backend.server_build))
        return sb_asprintf("server files: %s", was->backend.server_build);
    if (!sb_same(was->backend.image, now->backend.image))
        return sb_asprintf("image %s", was->backend.image ? was->backend.image : "none");
    if (sb_cell_asked_same(was, now))
        return NULL;
    struct sb_strv before = sb_cell_asked(was), after = sb_cell_asked(now);
    const char *asked = odd_one(&before, &after, false);
    char *changed = sb_strdup(asked ? asked : "other settings");
    sb_strv_release(&before);
    sb_strv_release(&after);
    return changed;
}

static void keep(struct sb_plan *plan, size_t i, struct sb_cell *was, char *why) {
    sb_cell_release(&plan->results.cells[i]);
    plan->results.cells[i] = take(was);
    free(plan->results.cells[i].kept);
    plan->results.cells[i].kept = why;
}

/* A machine does not go on with the launches of another. */
static bool was_elsewhere(const struct sb_results *r, const struct sb_cell *was,
                          const struct sb_cell *now) {
    char *here = sb_host_id(r->host);
    const char *id = sb_cell_host_id(was, here), *its = sb_cell_host_id(now, here);
    bool elsewhere = id && its && strcmp(id, its) != 0;
    free(here);
    return elsewhere;
}

/* What the earlier launches name must be told of in the new file, too. */
static void take_hosts(struct sb_results *old, struct sb_results *r) {
    sb_results_settle_hosts(old);
    r->hosts = old->hosts;
    old->hosts = NULL;
}

/* An unfinished cell with the launches it had. Those of a finished one stand meanwhile. */
static void go_on(struct sb_plan *plan, size_t i, struct sb_cell *was) {
    struct sb_strv repetition = plan->results.cells[i].repetition;
    plan->results.cells[i].repetition = (struct sb_strv){0};
    keep(plan, i, was, NULL);
    struct sb_cell *c = &plan->results.cells[i];
    if (c->status == SB_OK) {
        plan->standing[i] = copy(&plan->results, c);
        plan->n_more++;
    }
    sb_strv_release(&c->repetition);
    c->repetition = repetition;
    sb_strv_release(&c->remarks); /* they are made again at its end */
    c->status = SB_PENDING;
}

/* Takes over what an earlier file holds of a cell: an ok one whole while it holds, of an unfinished
 * one, or one that is to have more, the values that were tried and the launches that were done. What
 * has figures and does not hold stands until the new result has ended, and for good where there can
 * be none. */
static void fill_cell(struct sb_plan *plan, size_t i, struct sb_cell *was, const char *fault) {
    bool ok = was->status == SB_OK, pending = was->status == SB_PENDING;
    bool elsewhere = was_elsewhere(&plan->results, was, &plan->results.cells[i]);
    bool tuning = !fault && pending && was->n_tried > 0;
    if ((was->n_runs == 0 && !tuning) || (pending && elsewhere))
        return;
    if (fault) {
        plan->skip[i] = true;
        plan->n_kept += ok;
        keep(plan, i, was, sb_asprintf("not looked at again: %s", fault));
        return;
    }
    bool more = !elsewhere && wants_more(&plan->results, was);
    char *changed = what_changed(was, &plan->results.cells[i], more);
    if (!changed && more && (ok || pending)) {
        go_on(plan, i, was);
    } else if (!changed && (ok || pending)) {
        plan->skip[i] = ok;
        plan->n_kept += ok;
        keep(plan, i, was, NULL);
    } else if (ok) {
        plan->n_stale++;
        plan->standing[i] = take(was);
        free(plan->standing[i].kept);
        plan->standing[i].kept = sb_asprintf("measured before a change (%s)", changed);
    }
    free(changed);
}

static void add_foreign(struct sb_results *old, struct sb_plan *plan) {
    struct sb_results *r = &plan->results;
    for (size_t i = 0; old && i < old->n_cells; i++)
        if (old->cells[i].model.id) { /* not taken yet */
            r->cells[r->n_cells] = take(&old->cells[i]);
            r->cells[r->n_cells++].order = -1;
            plan->n_foreign++;
        }
}

void sb_plan_make(const struct sb_config *config, const struct sb_preflight *preflight,
                  struct sb_results *old, struct sb_plan *ret) {
    struct sb_plan plan = {.results = sb_results_empty(),
                           .n_planned = config->n_cells,
                           .skip = sb_alloc(config->n_cells, sizeof *plan.skip),
                           .standing = sb_alloc(config->n_cells, sizeof *plan.standing)};
    struct sb_results *r = &plan.results;
    describe_bench(config, old, r);
    if (old)
        take_hosts(old, r);
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
        sb_results_add_address(r, &r->cells[i], config->hardware);
        if (!was)
            continue;
        if (was->repetition.n == 0) /* of an early version: its file says it for all */
            sb_protocol_repetition(&old->bench, &was->repetition);
        const struct sb_preflight_cell *seen = &preflight->cells[i];
        fill_cell(&plan, i, was, seen->n_faults ? seen->faults->reason : NULL);
        sb_cell_release(was); /* what was not taken */
    }
    for (size_t i = 0; i < config->n_cells; i++)
        r->cells[i].order = plan.standing[i].order = config->cells[i].order;
    add_foreign(old, &plan);
    *ret = plan;
}

static bool stands(const struct sb_plan *p, size_t i) {
    return p->standing[i].model.id && p->results.cells[i].status == SB_PENDING;
}

void sb_plan_launched(struct sb_plan *p, size_t i) {
    struct sb_cell *old = &p->standing[i];
    if (!old->model.id || old->kept)
        return;
    struct sb_cell c = copy(&p->results, &p->results.cells[i]);
    for (size_t k = 0; k < c.repetition.n; k++)
        if (sb_begins(c.repetition.item[k], LAUNCHES)) {
            free(c.repetition.item[k]);
            c.repetition.item[k] = sb_asprintf(LAUNCHES "%d", n_had(&c));
        }
    c.status = SB_OK;
    sb_cell_summarize(&c);
    sb_cell_release(old);
    *old = c;
}

struct sb_results sb_plan_known(const struct sb_plan *p) {
    struct sb_results r = p->results;
    r.cells = sb_alloc(r.n_cells, sizeof *r.cells);
    for (size_t i = 0; i < r.n_cells; i++)
        r.cells[i] = i < p->n_planned && stands(p, i) ? p->standing[i] : p->results.cells[i];
    return r;
}

void sb_plan_settle(struct sb_plan *p) {
    for (size_t i = 0; i < p->n_planned; i++)
        if (stands(p, i)) {
            sb_cell_release(&p->results.cells[i]);
            p->results.cells[i] = take(&p->standing[i]);
        }
}

void sb_plan_release(struct sb_plan *p) {
    for (size_t i = 0; i < p->n_planned; i++)
        sb_cell_release(&p->standing[i]);
    free(p->standing);
    sb_results_release(&p->results);
    free(p->skip);
    *p = (struct sb_plan){0};
}
