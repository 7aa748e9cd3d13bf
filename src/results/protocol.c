/* What a measurement is made of: one row a setting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/results.h"

#define ROW(key_, member, type_, ...)                                                              \
    {                                                                                              \
        .key = key_, .type = SB_SETTING_##type_, .offset = offsetof(struct sb_protocol, member),   \
        .size = sizeof((struct sb_protocol *)0)->member, __VA_ARGS__                               \
    }
#define LIST(count) .count_offset = offsetof(struct sb_protocol, count)
#define WORDS(...)                                                                                 \
    (const char *const[]) {                                                                        \
        __VA_ARGS__, NULL                                                                          \
    }

static bool without_until(const struct sb_protocol *p) {
    return !(p->until > 0);
}

static bool without_turns(const struct sb_protocol *p) {
    return p->turns == SB_TURNS_OFF;
}

/* To add one: its member in struct sb_protocol and its row here. The order is that of the file. */
const struct sb_setting sb_settings[] = {
    ROW("title", title, TEXT, .required = true, .fallback = "Inference Backend Benchmark Results",
        .help = "the heading of the document"),
    ROW("runs", runs, INT, .role = SB_REPETITION, .what = "number of runs", .required = true,
        .always = true, .min = 1, .max = 1000, .fallback = "3", .help = "measured runs a launch"),
    ROW("warmup", warmup, INT, .role = SB_REPETITION, .what = "warm-up", .always = true, .max = 100,
        .words = WORDS("auto"), .absent = SB_WARMUP_AUTO, .fallback = "auto",
        .help = "unmeasured runs before them; auto = until steady"),
    ROW("launches", launches, INT, .role = SB_REPETITION, .what = "number of launches",
        .always = true, .min = 1, .max = 100, .words = WORDS("auto"), .absent = 1, .fallback = "1",
        .help = "server processes a cell, A B B A; auto = until told apart"),
    ROW("n_predict", n_predict, INT, .role = SB_CONDITION, .what = "number of generated tokens",
        .required = true, .always = true, .min = 2, .max = 1000000, .fallback = "128",
        .help = "tokens to generate in each run"),
    ROW("ctx", ctx, INT, .role = SB_CONDITION, .what = "context size", .required = true,
        .always = true, .min = 3, .max = 100000000, .fallback = "8192",
        .help = "context size in tokens"),
    ROW("layout", table, WORD, .always = true, .words = WORDS("sections", "table"),
        .fallback = "sections", .help = "a table for each model, or a row for each cell"),
    ROW("header", header, LINES, .always = true,
        .help = "an extra line at the top of the document, 'Name: text'"),
    ROW("prompt", prompts, PROMPT, LIST(n_prompts), /* 'prompts' is what is compared */
        .help = "the file with the prompt; default: 600 tokens, built in"),
    ROW("prompts", prompts, PROMPTS, LIST(n_prompts), .role = SB_CONDITION, .what = "prompt",
        .mark = "prompt", .help = "several such files, each measured; named by their files"),
    ROW("depths", depths, INTS, LIST(n_depths), .role = SB_CONDITION, .what = "depths",
        .mark = "depth", .max = 100000000, .fallback = "0",
        .help = "tokens already in the context; a list, each measured"),
    ROW("slots", slots, INTS, LIST(n_slots), .role = SB_CONDITION, .what = "requests at once",
        .mark = "slots", .later = true, .min = 1, .max = SB_MOST_SLOTS, .fallback = "1",
        .help = "requests at once; a list, each measured"),
    ROW("until", until, SHARE, .results_key = "until_share", .role = SB_REPETITION,
        .what = "precision that runs are repeated for", .max = 50, .words = WORDS("off"),
        .fallback = "off", .help = "run on until the 95 % interval is within that share"),
    ROW("max_runs", max_runs, INT, .role = SB_REPETITION, .what = "greatest number of runs",
        .idle = without_until, .min = 2, .max = 1000, .absent = 10, .fallback = "10",
        .help = "of `until`"),
    ROW("summary", summary, WORD, .words = WORDS("off", "bottom", "top", "on"),
        .fallback = "bottom", .help = "where the document says which backend to take; on = bottom"),
    ROW("load", load_cold, WORD, .role = SB_CONDITION, .what = "page cache before a load",
        .later = true, .words = WORDS("any", "cold"), .fallback = "any",
        .help = "cold drops the model from the page cache before each launch"),
    ROW("cooldown", cooldown_s, SECONDS, .results_key = "cooldown_s", .role = SB_CONDITION,
        .what = "pause before launches and runs", .later = true, .max = 86400,
        .words = WORDS("auto"), .fallback = "0",
        .help = "seconds before each launch and run; auto = until cool again"),
    ROW("turns", turns, INT, .role = SB_CONDITION, .what = "turns", .later = true, .min = 2,
        .max = SB_MOST_TURNS, .words = WORDS("off"), .absent = SB_TURNS_OFF, .fallback = "off",
        .help = "of a conversation that is played, the context kept"),
    ROW("turn_tokens", turn_tokens, INT, .role = SB_CONDITION, .what = "tokens of a turn",
        .later = true, .idle = without_turns, .min = 1, .max = 1000000, .absent = 1200,
        .fallback = "1200", .help = "new tokens that each turn adds; an agent's"),
};
const size_t sb_n_settings = sizeof sb_settings / sizeof *sb_settings;

static const void *member_of(const struct sb_setting *s, const struct sb_protocol *p) {
    return (const char *)p + s->offset;
}

static int int_of(const struct sb_setting *s, const struct sb_protocol *p) {
    bool is_bool = s->size == sizeof(bool);
    return is_bool ? *(const bool *)member_of(s, p) : *(const int *)member_of(s, p);
}

static double number_of(const struct sb_setting *s, const struct sb_protocol *p) {
    return *(const double *)member_of(s, p);
}

/* A list: its values, as a config or a fingerprint names them. Files of early versions lack
 * depths: they measured at none. */
static struct sb_strv values_of(const struct sb_setting *s, const struct sb_protocol *p) {
    struct sb_strv v = {0};
    bool prompts = s->type == SB_SETTING_PROMPTS || s->type == SB_SETTING_PROMPT;
    for (size_t i = 0; prompts && i < p->n_prompts; i++)
        sb_strv_add(&v, p->prompts[i].sha256 ? p->prompts[i].sha256 : "unknown");
    if (s->type == SB_SETTING_INTS) {
        size_t n = *(const size_t *)(const void *)((const char *)p + s->count_offset);
        const int *x = *(int *const *)member_of(s, p);
        for (size_t i = 0; i < n; i++)
            sb_strv_take(&v, sb_asprintf("%d", x[i]));
        if (n == 0)
            sb_strv_add(&v, s->fallback);
    }
    if (s->type == SB_SETTING_LINES)
        sb_strv_copy(&v, member_of(s, p));
    return v;
}

void sb_setting_print(const struct sb_setting *s, const struct sb_protocol *p, struct sb_buf *ret) {
    struct sb_strv list = values_of(s, p);
    const char *text = s->type == SB_SETTING_TEXT ? *(char *const *)member_of(s, p) : NULL;
    switch (s->type) {
    case SB_SETTING_TEXT: sb_buf_adds(ret, text ? text : ""); break;
    case SB_SETTING_INT:
        if (s->words && int_of(s, p) < 0)
            sb_buf_adds(ret, s->words[0]);
        else
            sb_buf_addf(ret, "%d", int_of(s, p));
        break;
    case SB_SETTING_SHARE:
        if (number_of(s, p) > 0)
            sb_buf_addf(ret, "%.10g%%", 100 * number_of(s, p));
        else
            sb_buf_adds(ret, s->words[0]);
        break;
    case SB_SETTING_SECONDS:
        if (number_of(s, p) < 0)
            sb_buf_adds(ret, s->words[0]);
        else
            sb_buf_addf(ret, "%.10g", number_of(s, p));
        break;
    case SB_SETTING_WORD:
    case SB_SETTING_SWITCH: sb_buf_adds(ret, s->words[int_of(s, p)]); break;
    case SB_SETTING_PROMPT:
    case SB_SETTING_PROMPTS:
    case SB_SETTING_INTS:
    case SB_SETTING_LINES:
        for (size_t i = 0; i < list.n; i++)
            sb_buf_addf(ret, "%s%s", i ? " " : "", list.item[i]);
        break;
    }
    sb_strv_release(&list);
}

static char *printed(const struct sb_setting *s, const struct sb_protocol *p) {
    struct sb_buf b = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    sb_setting_print(s, p, &b);
    return b.len ? sb_buf_detach(&b) : sb_strdup("");
}

bool sb_setting_same(const struct sb_setting *s, const struct sb_protocol *a,
                     const struct sb_protocol *b) {
    if (s->idle && s->idle(a) && s->idle(b))
        return true;
    char *text_a = printed(s, a), *text_b = printed(s, b);
    bool same = strcmp(text_a, text_b) == 0;
    free(text_a);
    free(text_b);
    return same;
}

bool sb_protocol_same(const struct sb_protocol *a, const struct sb_protocol *b, enum sb_role role) {
    for (size_t i = 0; i < sb_n_settings; i++)
        if (sb_settings[i].role == role && !sb_setting_same(&sb_settings[i], a, b))
            return false;
    return true;
}

void sb_protocol_differences(const struct sb_protocol *a, const struct sb_protocol *b,
                             enum sb_role role, struct sb_strv *ret) {
    for (size_t i = 0; i < sb_n_settings; i++) {
        const struct sb_setting *s = &sb_settings[i];
        if (s->role != role || sb_setting_same(s, a, b))
            continue;
        char *from = printed(s, a), *to = printed(s, b);
        sb_strv_take(ret, sb_asprintf("%s: %s → %s", s->key, from, to));
        free(from);
        free(to);
    }
}

/* The lists first, a line a value, then the rest. */
void sb_protocol_fingerprint(const struct sb_protocol *p, struct sb_strv *ret) {
    for (size_t i = 0; i < sb_n_settings; i++) {
        const struct sb_setting *s = &sb_settings[i];
        struct sb_strv values = values_of(s, p);
        bool usual = s->later && values.n == 1 && strcmp(values.item[0], s->fallback) == 0;
        for (size_t k = 0; s->role == SB_CONDITION && !usual && k < values.n; k++)
            sb_strv_take(ret, sb_asprintf("%s=%s", s->mark, values.item[k]));
        sb_strv_release(&values);
    }
    for (size_t i = 0; i < sb_n_settings; i++) {
        const struct sb_setting *s = &sb_settings[i];
        if (s->role != SB_CONDITION || s->count_offset || (s->idle && s->idle(p)))
            continue;
        char *value = printed(s, p);
        if (!s->later || strcmp(value, s->fallback) != 0)
            sb_strv_take(ret, sb_asprintf("%s=%s", s->key, value));
        free(value);
    }
}

void sb_protocol_repetition(const struct sb_protocol *p, struct sb_strv *ret) {
    for (size_t i = 0; i < sb_n_settings; i++) {
        const struct sb_setting *s = &sb_settings[i];
        if (s->role != SB_REPETITION || (s->idle && s->idle(p)))
            continue;
        char *value = printed(s, p);
        sb_strv_take(ret, sb_asprintf("%s=%s", s->key, value));
        free(value);
    }
}

static int *copied(const int *list, size_t n) {
    int *copy = sb_alloc(n, sizeof *copy);
    if (n)
        memcpy(copy, list, n * sizeof *copy);
    return copy;
}

void sb_protocol_copy(struct sb_protocol *dst, const struct sb_protocol *src) {
    *dst = *src;
    dst->title = sb_strdup(src->title);
    dst->header = (struct sb_strv){0};
    sb_strv_copy(&dst->header, &src->header);
    dst->prompts = sb_alloc(src->n_prompts, sizeof *dst->prompts);
    for (size_t i = 0; i < src->n_prompts; i++)
        dst->prompts[i] = (struct sb_prompt_ref){.file = sb_strdup(src->prompts[i].file),
                                                 .label = sb_strdup(src->prompts[i].label),
                                                 .sha256 = sb_strdup(src->prompts[i].sha256)};
    dst->depths = copied(src->depths, src->n_depths);
    dst->slots = copied(src->slots, src->n_slots);
}

/* ---- the places that it measures -------------------------------------------------------------- */

static size_t at_least_one(size_t n) {
    return n ? n : 1;
}

size_t sb_protocol_n_places(const struct sb_protocol *p) {
    return at_least_one(p->n_prompts) * at_least_one(p->n_depths) * at_least_one(p->n_slots);
}

struct sb_at sb_protocol_place(const struct sb_protocol *p, size_t i) {
    size_t slots = at_least_one(p->n_slots), depths = at_least_one(p->n_depths);
    return (struct sb_at){.prompt = (int)(i / slots / depths),
                          .depth = p->n_depths ? p->depths[i / slots % depths] : 0,
                          .slots = p->n_slots ? p->slots[i % slots] : 1};
}

int sb_protocol_most_slots(const struct sb_protocol *p) {
    int most = 1;
    for (size_t i = 0; i < p->n_slots; i++)
        most = p->slots[i] > most ? p->slots[i] : most;
    return most;
}
