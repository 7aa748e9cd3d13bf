/* Any text in every place of a document: nothing of it may open or close anything. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check_markdown.h"
#include "stratobench/report.h"

enum { MAX_TEXT = 4096, MAX_DOCUMENT = 1 << 20 };

static struct sb_cell hostile_cell(char *text, enum sb_status status) {
    struct sb_cell c = sb_cell_empty();
    c.model.id = c.model.label = c.model.quantization = c.model.file_size = text;
    c.model.total_params = c.model.active_params = c.model.notes = text;
    c.backend.id = c.backend.label = c.backend.notes = text;
    c.backend.server_version = c.backend.device = c.backend.device_name = text;
    c.status = status;
    c.reason = text;
    return c;
}

static void render(char *text, bool table) {
    char *lines[] = {text, NULL};
    struct sb_run run = sb_run_empty();
    run.launch = 1;
    run.reason = text;
    struct sb_cell cells[] = {hostile_cell(text, SB_INVALID), hostile_cell(text, SB_OK)};
    for (size_t i = 0; i < 2; i++) {
        cells[i].runs = &run;
        cells[i].n_runs = 1;
        cells[i].flags = cells[i].remarks = (struct sb_strv){lines, 1};
    }
    struct sb_prompt_ref prompt = {.label = text};
    struct sb_results r = sb_results_empty();
    r.bench.title = r.bench.started_at = r.bench.generator = text;
    r.bench.header = (struct sb_strv){lines, 1};
    r.bench.prompts = &prompt;
    r.bench.n_prompts = 1;
    r.bench.table = table;
    r.cells = cells;
    r.n_cells = 2;
    r.host = cJSON_CreateObject();
    cJSON_AddStringToObject(r.host, "hardware", text);
    cJSON_AddStringToObject(r.host, text, text);

    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(MAX_DOCUMENT);
    sb_report_markdown(&set, 1, &b);
    const char *out = b.overflow ? NULL : find_breakout(sb_buf_str(&b));
    if (out) {
        fprintf(stderr, "not a line of ours: %.200s\n", out);
        abort();
    }
    sb_buf_release(&b);
    cJSON_Delete(r.host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = sb_strndup((const char *)data, size < MAX_TEXT ? size : MAX_TEXT);
    render(text, true);
    render(text, false);
    free(text);
    return 0;
}
