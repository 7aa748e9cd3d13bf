/* A comparison as JSON. What was not measured is absent, never NaN or 0. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "stratobench/verdict.h"

/* Six decimals: what comes after them differs from one libm to the next. */
static void add_number(cJSON *o, const char *key, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(o, key, round(value * 1e6) / 1e6);
}

static void add_string(cJSON *o, const char *key, const char *value) {
    if (value)
        cJSON_AddStringToObject(o, key, value);
}

static void add_strings(cJSON *o, const char *key, const struct sb_strv *v) {
    cJSON *list = cJSON_AddArrayToObject(o, key);
    for (size_t i = 0; i < v->n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(v->item[i]));
}

/* In what the files of a side differ that should not. */
static void add_warnings(cJSON *o, const char *key, const struct sb_sections *side) {
    struct sb_strv all = {0};
    for (size_t i = 0; i < side->n; i++)
        sb_strv_copy(&all, &side->item[i].warnings);
    if (all.n)
        add_strings(o, key, &all);
    sb_strv_release(&all);
}

static cJSON *figure_json(const struct sb_compare_figure *f) {
    static const struct {
        const char *metric, *base, *next;
    } keys[] = {
        [SB_PP] = {"pp", "base_tps", "new_tps"},
        [SB_TG] = {"tg", "base_tps", "new_tps"},
        [SB_LOAD] = {"load", "base_s", "new_s"},
    };
    cJSON *o = cJSON_CreateObject();
    add_string(o, "metric", keys[f->metric].metric);
    if (f->metric != SB_LOAD) {
        cJSON_AddNumberToObject(o, "prompt", f->at.prompt);
        cJSON_AddNumberToObject(o, "depth", f->at.depth);
        if (f->at.slots > 1)
            cJSON_AddNumberToObject(o, "slots", f->at.slots);
    }
    if (f->n_pairs)
        cJSON_AddNumberToObject(o, "pairs", (double)f->n_pairs);
    add_number(o, keys[f->metric].base, f->base);
    add_number(o, keys[f->metric].next, f->next);
    add_number(o, "speed_ratio", f->ratio.ratio);
    add_number(o, "low", f->ratio.low);
    add_number(o, "high", f->ratio.high);
    if (isfinite(f->ratio.ratio)) {
        cJSON_AddBoolToObject(o, "assumed_spread", f->ratio.assumed);
        add_string(o, "verdict", sb_verdict_name(f->ratio.verdict));
    }
    add_number(o, "drop", f->gate.drop);
    add_number(o, "limit", f->gate.limit);
    if (isfinite(f->gate.drop))
        add_string(o, "gate",
                   f->gate.regression ? "regression"
                   : f->inconclusive  ? "inconclusive"
                                      : "ok");
    return o;
}

static void add_side(cJSON *o, const char *key, const struct sb_cell *cell) {
    if (!cell)
        return;
    cJSON *side = cJSON_AddObjectToObject(o, key);
    add_string(side, "status", sb_status_name(cell->status));
    add_string(side, "reason", cell->reason);
    add_string(side, "server_version", cell->backend.server_version);
    add_string(side, "measured_at", cell->measured_at);
}

static cJSON *cell_json(const struct sb_compare_cell *cell, bool paired) {
    const struct sb_cell *any = cell->next ? cell->next : cell->base;
    cJSON *o = cJSON_CreateObject();
    add_string(o, "model", any->model.id);
    add_string(o, "model_label", sb_model_label(any));
    add_string(o, "backend", any->backend.id);
    add_string(o, "backend_label", sb_backend_label(any));
    if (paired && cell->base) {
        add_string(o, "base_backend", cell->base->backend.id);
        add_string(o, "base_backend_label", sb_backend_label(cell->base));
    }
    add_string(o, "state", sb_compare_state_name(cell->state));
    add_side(o, "base", cell->base);
    add_side(o, "new", cell->next);
    if (cell->differences.n)
        add_strings(o, "differences", &cell->differences);
    add_string(o, "answers", cell->answers);
    cJSON *figures = cJSON_AddArrayToObject(o, "figures");
    for (size_t i = 0; i < cell->n_figures; i++)
        cJSON_AddItemToArray(figures, figure_json(&cell->figures[i]));
    return o;
}

void sb_comparison_json(const struct sb_comparison *c, struct sb_buf *ret) {
    cJSON *root = cJSON_CreateObject();
    add_string(root, "schema", "stratobench-compare/1");
    cJSON_AddNumberToObject(root, "exit_code", c->exit_code);
    cJSON *options = cJSON_AddObjectToObject(root, "options");
    add_number(options, "max_drop", c->options.max_drop);
    add_number(options, "assumed_spread", c->options.assumed_spread);
    add_number(options, "margin", c->options.margin);
    cJSON_AddBoolToObject(options, "force", c->options.force);
    cJSON_AddBoolToObject(options, "allow_missing", c->options.allow_missing);
    if (c->options.paired)
        cJSON_AddBoolToObject(options, "paired", true);
    cJSON *counts = cJSON_AddObjectToObject(root, "counts");
    for (int s = 0; s < SB_CELL_STATES; s++)
        cJSON_AddNumberToObject(counts, sb_compare_state_name((enum sb_compare_state)s),
                                (double)c->count[s]);
    add_warnings(root, "base_warnings", &c->base);
    add_warnings(root, "new_warnings", &c->next);
    if (c->repetition.n)
        add_strings(root, "repetition", &c->repetition);
    if (c->machine.n)
        add_strings(root, "machine", &c->machine);
    cJSON *cells = cJSON_AddArrayToObject(root, "cells");
    for (size_t i = 0; i < c->n_cells; i++)
        cJSON_AddItemToArray(cells, cell_json(&c->cells[i], c->options.paired));
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    sb_buf_adds(ret, text);
    sb_buf_adds(ret, "\n");
    free(text);
}
