/* Results as rows for other programs: one a run, as CSV or as JSON lines, from one table of fields.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

struct source {
    const struct sb_section *section;
    const struct sb_cell *cell;
    const struct sb_run *run; /* of a cell without runs: one whose every figure is not measured */
    bool has_run;
};

/* NULL where there is nothing. */
static cJSON *text(const char *value) {
    return value ? cJSON_CreateString(value) : NULL;
}

static cJSON *number(double value) {
    return isfinite(value) ? cJSON_CreateNumber(value) : NULL;
}

static cJSON *count(long long value) {
    return value >= 0 ? cJSON_CreateNumber((double)value) : NULL;
}

static cJSON *flags_of(const struct sb_cell *c) {
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    for (size_t i = 0; i < c->flags.n; i++)
        sb_buf_addf(&b, "%s%s", i ? " " : "", c->flags.item[i]);
    cJSON *value = b.len ? text(sb_buf_str(&b)) : NULL;
    sb_buf_release(&b);
    return value;
}

static cJSON *prompt_of(const struct source *s) {
    const struct sb_results *set = &s->section->set;
    int prompt = s->run->at.prompt;
    return prompt >= 0 && (size_t)prompt < set->bench.n_prompts
               ? text(set->bench.prompts[prompt].label)
               : NULL;
}

static cJSON *hardware_of(const struct source *s) {
    return text(sb_fact_text(s->section->set.host, "hardware"));
}

/* Names hold the units. RUN: only where there is a run. */
#define RUN(value) (s->has_run ? (value) : NULL)
#define FIELDS(X)                                                                                  \
    X(title, text(s->section->set.bench.title))                                                    \
    X(hardware, hardware_of(s))                                                                    \
    X(model_id, text(s->cell->model.id))                                                           \
    X(model, text(sb_model_label(s->cell)))                                                        \
    X(quantization, text(s->cell->model.quantization))                                             \
    X(file_bytes, count(s->cell->model.file_bytes))                                                \
    X(backend_id, text(s->cell->backend.id))                                                       \
    X(backend, text(sb_backend_label(s->cell)))                                                    \
    X(server_version, text(s->cell->backend.server_version))                                       \
    X(device, text(s->cell->backend.device))                                                       \
    X(device_name, text(s->cell->backend.device_name))                                             \
    X(status, text(sb_status_name(s->cell->status)))                                               \
    X(reason, text(s->run->reason ? s->run->reason : s->cell->reason))                             \
    X(flags, flags_of(s->cell))                                                                    \
    X(measured_at, text(s->cell->measured_at))                                                     \
    X(load_s, number(s->cell->load_s))                                                             \
    X(launch, RUN(count(s->run->launch)))                                                          \
    X(prompt, RUN(prompt_of(s)))                                                                   \
    X(depth_tokens, RUN(count(s->run->at.depth)))                                                  \
    X(slots, RUN(count(s->run->at.slots)))                                                         \
    X(turn, s->run->turn > 0 ? count(s->run->turn) : NULL)                                         \
    X(warmup, RUN(cJSON_CreateBool(s->run->warmup)))                                               \
    X(valid, RUN(cJSON_CreateBool(s->run->valid)))                                                 \
    X(prompt_tokens, count(s->run->prompt_n))                                                      \
    X(cached_tokens, count(s->run->cache_n))                                                       \
    X(prompt_ms, number(s->run->prompt_ms))                                                        \
    X(image_tokens, count(s->run->image_n))                                                        \
    X(image_encode_ms, number(s->run->image_encode_ms))                                            \
    X(generated_tokens, count(s->run->predicted_n))                                                \
    X(generation_ms, number(s->run->predicted_ms))                                                 \
    X(pp_tokens_per_s, number(s->run->pp_tps))                                                     \
    X(tg_tokens_per_s, number(s->run->tg_tps))                                                     \
    X(wall_ms, number(s->run->wall_ms))                                                            \
    X(clock, RUN(text(sb_cell_clock(s->cell))))

#define GETTER(name, value)                                                                        \
    static cJSON *get_##name(const struct source *s) {                                             \
        return value;                                                                              \
    }
FIELDS(GETTER)

#define ROW(name, value) {#name, get_##name},
static const struct {
    const char *name;
    cJSON *(*get)(const struct source *s);
} fields[] = {FIELDS(ROW)};

/* ---- the two forms -------------------------------------------------------------------------- */

/* RFC 4180: quoted where it must be. */
static void put_csv(struct sb_buf *b, const char *value) {
    bool quoted = strpbrk(value, ",\"\r\n") || *value == ' ';
    sb_buf_adds(b, quoted ? "\"" : "");
    for (const char *s = value; *s; s++)
        sb_buf_addf(b, *s == '"' ? "\"%c" : "%c", *s);
    sb_buf_adds(b, quoted ? "\"" : "");
}

static void put_csv_row(struct sb_buf *b, const struct source *s) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        cJSON *value = fields[i].get(s);
        char *printed = value && !cJSON_IsString(value) ? cJSON_PrintUnformatted(value) : NULL;
        sb_buf_adds(b, i ? "," : "");
        if (value)
            put_csv(b, printed ? printed : cJSON_GetStringValue(value));
        cJSON_free(printed);
        cJSON_Delete(value);
    }
    sb_buf_adds(b, "\r\n");
}

static void put_json_row(struct sb_buf *b, const struct source *s) {
    cJSON *row = cJSON_CreateObject();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        cJSON *value = fields[i].get(s);
        if (value)
            cJSON_AddItemToObject(row, fields[i].name, value);
    }
    char *line = cJSON_PrintUnformatted(row);
    if (!line)
        sb_out_of_memory();
    sb_buf_addf(b, "%s\n", line);
    cJSON_free(line);
    cJSON_Delete(row);
}

/* A cell without a run has one row, which says why. */
static void put_cell(struct sb_buf *b, const struct sb_section *section, const struct sb_cell *cell,
                     void (*put)(struct sb_buf *b, const struct source *s)) {
    const struct sb_run none = sb_run_empty();
    for (size_t i = 0; i < cell->n_runs; i++)
        put(b, &(struct source){section, cell, &cell->runs[i], true});
    for (size_t i = 0; i < cell->n_turns; i++)
        put(b, &(struct source){section, cell, &cell->turns[i], true});
    if (cell->n_runs == 0)
        put(b, &(struct source){section, cell, &none, false});
}

static int put_all(const struct sb_results *const *sets, size_t n, struct sb_buf *b,
                   void (*put)(struct sb_buf *b, const struct source *s)) {
    struct sb_sections all = sb_results_merge(sets, n);
    for (size_t i = 0; i < all.n; i++)
        for (size_t c = 0; c < all.item[i].set.n_cells; c++)
            put_cell(b, &all.item[i], &all.item[i].set.cells[c], put);
    sb_sections_release(&all);
    return b->overflow ? -EFBIG : 0;
}

int sb_report_csv(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        sb_buf_addf(ret, "%s%s", i ? "," : "", fields[i].name);
    sb_buf_adds(ret, "\r\n");
    return put_all(sets, n, ret, put_csv_row);
}

int sb_report_jsonl(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    return put_all(sets, n, ret, put_json_row);
}
