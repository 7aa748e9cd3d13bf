/* A set of results with one text in every place where text can stand. */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <stdint.h>
#include <stdlib.h>

#include "stratobench/results.h"

static struct sb_cell hostile_cell(char *text, enum sb_status status) {
    struct sb_cell c = sb_cell_empty();
    c.model.id = c.model.label = c.model.quantization = c.model.file_size = text;
    c.model.mmproj = c.model.image = text;
    c.model.total_params = c.model.active_params = c.model.notes = text;
    c.backend.id = c.backend.label = c.backend.notes = text;
    c.backend.url = c.backend.server_version = c.backend.device = c.backend.device_name = text;
    c.status = status;
    c.reason = text;
    return c;
}

/* Makes it, lets `use` have it, and takes it away again. */
static void with_hostile_results(char *text, bool table, void (*use)(const struct sb_results *)) {
    char *lines[] = {text, NULL};
    struct sb_run run = sb_run_empty();
    run.launch = 1;
    run.reason = text;
    run.prompt_n = 20;
    run.image_n = 16;
    struct sb_cell cells[] = {hostile_cell(text, SB_INVALID), hostile_cell(text, SB_OK)};
    for (size_t i = 0; i < 2; i++) {
        cells[i].runs = &run;
        cells[i].n_runs = 1;
        cells[i].flags = cells[i].remarks = (struct sb_strv){lines, 1};
    }
    struct sb_prompt_ref prompt = {.label = text};
    struct sb_results r = sb_results_empty();
    r.bench.title = r.started_at = r.generator = text;
    r.bench.header = (struct sb_strv){lines, 1};
    r.bench.prompts = &prompt;
    r.bench.n_prompts = 1;
    r.bench.table = table;
    r.cells = cells;
    r.n_cells = 2;
    r.host = sb_facts_new();
    sb_fact_add_text(r.host, "hardware", text);
    sb_fact_add_text(r.host, text, text);

    use(&r);
    sb_facts_free(r.host);
}

/* The input of a fuzz target as that text, in both layouts. */
static void with_hostile_text(const uint8_t *data, size_t size,
                              void (*use)(const struct sb_results *)) {
    enum { MAX_TEXT = 4096 };
    char *text = sb_strndup((const char *)data, size < MAX_TEXT ? size : MAX_TEXT);
    with_hostile_results(text, true, use);
    with_hostile_results(text, false, use);
    free(text);
}

#endif
