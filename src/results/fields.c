#include "fields.h"
#include "stratobench/results_tune.h"

#include <stdlib.h>
#include <string.h>

/* ---- The document --------------------------------------------------------------------------- */

static const char *const status_words[] = {"pending", "ok", "invalid", "failed", "skipped", NULL};

const char *sb_status_word(enum sb_status s) {
    static const char *const words[] = {[SB_PENDING] = "PENDING",
                                        [SB_OK] = "OK",
                                        [SB_INVALID] = "INVALID",
                                        [SB_FAILED] = "ERROR",
                                        [SB_SKIPPED] = "SKIPPED"};
    return words[s];
}

const char *sb_status_name(enum sb_status s) {
    return status_words[s];
}

/* One field. What follows the kind sets further members of struct field. */
/* NOLINTBEGIN(bugprone-macro-parentheses): types and initializers take none. */
#define MEMBER(name, type, member, kind_, ...)                                                     \
    {                                                                                              \
        .key = name, .kind = FIELD_##kind_, .offset = offsetof(type, member),                      \
        .size = sizeof(((type *)0)->member), __VA_ARGS__                                           \
    }
#define NESTED(name, within)                                                                       \
    { .key = name, .kind = FIELD_OBJECT, .rules = FIELD_REQUIRED, .object = &(within) }
#define COUNTED(type, count) .count_offset = offsetof(type, count)
#define OBJECT(table, type, line)                                                                  \
    { .fields = table, .n_own = sizeof table / sizeof *table, .size = type, .one_line = line }
/* NOLINTEND(bugprone-macro-parentheses) */

enum {
    REQUIRED = FIELD_REQUIRED,
    ALWAYS = FIELD_ALWAYS,
};

static const struct field summary_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_summary, name, __VA_ARGS__)
    F(n, SIZE, .rules = REQUIRED),
    F(mean, NUMBER, .rules = REQUIRED),
    F(stddev, NUMBER),
    F(median, NUMBER),
    F(min, NUMBER),
    F(max, NUMBER),
    F(ci95, NUMBER),
#undef F
};
static const struct object summary = OBJECT(summary_fields, sizeof(struct sb_summary), true);

static const struct field slot_run_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_slot_run, name, __VA_ARGS__)
    F(prompt_n, COUNT),         F(cache_n, COUNT),       F(prompt_ms, NUMBER),
    F(predicted_n, COUNT),      F(predicted_ms, NUMBER), F(draft_n, COUNT),
    F(draft_n_accepted, COUNT), F(ttft_ms, NUMBER),      F(wall_ms, NUMBER),
    F(together_n, NUMBER),
#undef F
};
const struct object results_slot_run = OBJECT(slot_run_fields, sizeof(struct sb_slot_run), true);

static const struct field run_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_run, name, __VA_ARGS__)
    F(launch, INT, .rules = ALWAYS, .absent = 1, .least = 1),
    MEMBER("prompt", struct sb_run, at.prompt, INT),
    MEMBER("depth", struct sb_run, at.depth, INT),
    MEMBER("slots", struct sb_run, at.slots, INT, .absent = 1, .least = 1),
    F(turn, INT),
    F(warmup, BOOL, .rules = ALWAYS),
    F(prompt_n, COUNT),
    F(cache_n, COUNT),
    F(prompt_ms, NUMBER),
    F(predicted_n, COUNT),
    F(predicted_ms, NUMBER),
    F(pp_tps, NUMBER),
    F(tg_tps, NUMBER),
    F(wall_ms, NUMBER),
    F(prompt_per_second, NUMBER),
    F(predicted_per_second, NUMBER),
    F(draft_n, COUNT),
    F(draft_n_accepted, COUNT),
    F(image_n, COUNT),
    F(image_encode_ms, NUMBER),
    F(stop_type, STRING),
    F(valid, BOOL, .rules = REQUIRED | ALWAYS),
    F(reason, STRING),
    F(each, ARRAY, COUNTED(struct sb_run, n_each), .object = &results_slot_run),
#undef F
};
const struct object results_run = OBJECT(run_fields, sizeof(struct sb_run), true);

static const struct field launch_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_launch, name, __VA_ARGS__)
    F(launch, INT, .rules = REQUIRED | ALWAYS, .absent = 1, .least = 1),
    F(started_at, TIME),
    F(host, STRING),
    F(node, STRING),
    F(pod, STRING),
    F(image, STRING),
    F(load_s, NUMBER),
    F(cached_share, NUMBER),
    F(wall_s, NUMBER),
    F(stop_s, NUMBER),
    F(overhead_s, NUMBER),
    F(peak_rss_bytes, COUNT),
    F(peak_vram_bytes, COUNT),
    F(peak_gtt_bytes, COUNT),
    F(other_cores, NUMBER),
    F(cores, COUNT),
    F(failed_replies, COUNT),
    F(temperature_start_c, NUMBER),
    F(temperature_max_c, NUMBER),
    F(power_w, NUMBER),
    F(energy_j, NUMBER),
    F(energy_tok_per_j, NUMBER),
#undef F
};
const struct object results_launch = OBJECT(launch_fields, sizeof(struct sb_launch), true);

static const struct field try_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_try, name, __VA_ARGS__)
    F(key, STRING, .rules = REQUIRED),
    F(value, STRING, .rules = REQUIRED),
    F(chosen, BOOL),
    F(host, STRING),
    F(load_s, NUMBER),
    F(reason, STRING),
    F(runs, ARRAY, .rules = ALWAYS, COUNTED(struct sb_try, n_runs), .object = &results_run),
#undef F
};
const struct object results_try = OBJECT(try_fields, sizeof(struct sb_try), false);

static const struct field position_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_answer_position, name, __VA_ARGS__)
    F(token, INT, .rules = REQUIRED | ALWAYS),
    F(text, STRING),
    F(logprob, NUMBER),
    F(top, INTS, COUNTED(struct sb_answer_position, n_top)),
    F(top_logprobs, NUMBERS, COUNTED(struct sb_answer_position, n_top_logprobs)),
    F(expected, STRING),
#undef F
};
static const struct object position =
    OBJECT(position_fields, sizeof(struct sb_answer_position), true);

static const struct field answer_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_answer, name, __VA_ARGS__)
    F(launch, INT, .rules = ALWAYS, .absent = 1, .least = 1),
    MEMBER("prompt", struct sb_answer, at.prompt, INT),
    MEMBER("depth", struct sb_answer, at.depth, INT),
    MEMBER("slots", struct sb_answer, at.slots, INT, .absent = 1, .least = 1),
    F(pieces, BOOL),
    F(context_n, COUNT),
    F(wall_s, NUMBER),
    F(reason, STRING),
    F(positions, ARRAY, .rules = ALWAYS, COUNTED(struct sb_answer, n_positions),
      .object = &position),
#undef F
};
const struct object results_answer = OBJECT(answer_fields, sizeof(struct sb_answer), false);

static const struct field point_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_point, name, __VA_ARGS__)
    MEMBER("prompt", struct sb_point, at.prompt, INT, .rules = ALWAYS),
    MEMBER("depth", struct sb_point, at.depth, INT, .rules = ALWAYS),
    MEMBER("slots", struct sb_point, at.slots, INT, .absent = 1, .least = 1),
    F(pp_tps, OBJECT, .object = &summary),
    F(tg_tps, OBJECT, .object = &summary),
#undef F
};
static const struct object point = OBJECT(point_fields, sizeof(struct sb_point), false);

/* "model", "backend" and "bench" are unnamed structs inside another: their fields' offsets count
 * from that one, and they themselves lie at offset 0. */
static const struct field model_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_cell, model.name, __VA_ARGS__)
    F(id, STRING, .rules = REQUIRED),
    F(label, STRING),
    F(path, STRING),
    F(quantization, STRING),
    F(file_size, STRING),
    F(total_params, STRING),
    F(active_params, STRING),
    F(file_bytes, COUNT),
    F(bytes_per_token, COUNT),
    F(mmproj, STRING),
    F(image, STRING),
    F(image_sha256, STRING),
    F(notes, STRING),
#undef F
};
static const struct object model = OBJECT(model_fields, 0, false);

static const struct field backend_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_cell, backend.name, __VA_ARGS__)
    F(id, STRING, .rules = REQUIRED),
    F(label, STRING),
    F(notes, STRING),
    F(argv, STRINGS, .rules = ALWAYS),
    F(env, PAIRS, .rules = ALWAYS),
    F(server_version, STRING),
    F(server_build, STRING),
    F(url, STRING),
    F(address, STRING),
    F(clock, STRING),
    F(served, FACTS),
    F(image, STRING),
    F(device, STRING),
    F(device_name, STRING),
    F(device_seen, SHARES, COUNTED(struct sb_cell, backend.n_device_seen)),
#undef F
};
static const struct object backend = OBJECT(backend_fields, 0, false);

static const struct field cell_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_cell, name, __VA_ARGS__)
    NESTED("model", model),
    NESTED("backend", backend),
    F(order, INT, .absent = -1),
    F(fingerprint, STRING),
    F(fingerprint_of, STRINGS),
    F(repetition, STRINGS),
    F(status, WORD, .rules = REQUIRED | ALWAYS, .words = status_words),
    F(reason, STRING),
    F(detail, STRING),
    F(kept, STRING),
    F(flags, STRINGS, .rules = ALWAYS),
    F(remarks, STRINGS),
    F(measured_at, TIME),
    F(load_s, NUMBER),
    F(bandwidth_gb_s, NUMBER),
    F(tg_limit_share, NUMBER),
    MEMBER("tune", struct sb_cell, tried, ARRAY, COUNTED(struct sb_cell, n_tried),
           .object = &results_try),
    F(launches, ARRAY, COUNTED(struct sb_cell, n_launches), .object = &results_launch),
    F(runs, ARRAY, .rules = ALWAYS, COUNTED(struct sb_cell, n_runs), .object = &results_run),
    F(answers, ARRAY, COUNTED(struct sb_cell, n_answers), .object = &results_answer),
    F(turns, ARRAY, COUNTED(struct sb_cell, n_turns), .object = &results_run),
    F(pp_tps, OBJECT, .object = &summary),
    F(tg_tps, OBJECT, .object = &summary),
    F(points, ARRAY, COUNTED(struct sb_cell, n_points), .object = &point),
#undef F
};
const struct object results_cell = OBJECT(cell_fields, sizeof(struct sb_cell), false);

static const struct field prompt_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_prompt_ref, name, __VA_ARGS__)
    F(file, STRING),
    F(label, STRING),
    F(sha256, STRING),
#undef F
};
static const struct object prompt = OBJECT(prompt_fields, sizeof(struct sb_prompt_ref), true);

static const struct field bench_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_results, name, __VA_ARGS__)
    F(chart, STRING),
    F(started_at, TIME),
    F(updated_at, TIME),
    F(generator, STRING),
#undef F
};
static const struct object bench = {
    .fields = bench_fields,
    .n_own = sizeof bench_fields / sizeof *bench_fields,
    .settings = true,
    .protocol_offset = offsetof(struct sb_results, bench),
};

static const struct field document_fields[] = {
#define F(name, ...) MEMBER(#name, struct sb_results, name, __VA_ARGS__)
    NESTED("bench", bench),
    F(host, FACTS, .rules = ALWAYS),
    F(hosts, FACTS),
    F(cells, ARRAY, .rules = REQUIRED | ALWAYS, COUNTED(struct sb_results, n_cells),
      .object = &results_cell),
#undef F
};
const struct object results_document = OBJECT(document_fields, sizeof(struct sb_results), false);

/* ---- Settings as fields --------------------------------------------------------------------- */

static struct field field_of_setting(const struct sb_setting *s, size_t protocol_offset) {
    static const enum field_kind kinds[] = {
        [SB_SETTING_TEXT] = FIELD_STRING,   [SB_SETTING_LINES] = FIELD_STRINGS,
        [SB_SETTING_INT] = FIELD_INT,       [SB_SETTING_SHARE] = FIELD_NUMBER,
        [SB_SETTING_WORD] = FIELD_WORD,     [SB_SETTING_SWITCH] = FIELD_BOOL,
        [SB_SETTING_INTS] = FIELD_INTS,     [SB_SETTING_PROMPT] = FIELD_FIRST,
        [SB_SETTING_PROMPTS] = FIELD_ARRAY, [SB_SETTING_SECONDS] = FIELD_SECONDS,
    };
    bool several = s->type == SB_SETTING_PROMPTS;
    return (struct field){
        .key = s->results_key ? s->results_key : s->key,
        .kind = kinds[s->type],
        .offset = protocol_offset + s->offset,
        .size = s->size,
        .rules = (s->required ? FIELD_REQUIRED : 0) | (s->always ? FIELD_ALWAYS : 0) |
                 (several ? FIELD_SEVERAL : 0),
        .absent = s->absent,
        .least = s->role == SB_REPETITION && s->min >= 1 ? 1 : 0, /* counts that are divided by */
        .count_offset = s->count_offset ? protocol_offset + s->count_offset : 0,
        .object = s->type == SB_SETTING_PROMPT || several ? &prompt : NULL,
        .words = s->words,
    };
}

size_t object_n_fields(const struct object *o) {
    return (o->settings ? sb_n_settings : 0) + o->n_own;
}

struct field object_field(const struct object *o, size_t i) {
    size_t n_settings = o->settings ? sb_n_settings : 0;
    return i < n_settings ? field_of_setting(&sb_settings[i], o->protocol_offset)
                          : o->fields[i - n_settings];
}

static const struct object protocol = {.settings = true, .size = sizeof(struct sb_protocol)};

struct sb_protocol sb_protocol_empty(void) {
    struct sb_protocol p = {0};
    fields_init(&protocol, &p);
    return p;
}

void sb_protocol_release(struct sb_protocol *p) {
    fields_release(&protocol, p);
}
