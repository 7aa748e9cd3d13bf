/* Like with like: the settings in which ranked backends differ, since half of what looks like a
 * backend's speed may be its KV cache or its batch. */
#include "like.h"

#include <stdlib.h>
#include <string.h>

#include "stratobench/results_tune.h"

#define WORDS_MAX 3
static const struct setting {
    const char *name;                           /* for people */
    const char *key;                            /* of the config; NULL: only an option sets it */
    const char *options[WORDS_MAX];             /* of llama-server, which may stand in args */
    const char *fallback;                       /* what the server does of itself */
    const char *(*of)(const struct sb_cell *c); /* where the cell itself tells */
    bool if_tuned; /* a matter of the machine, not of fairness, unless one of them was tuned */
} settings[] = {
    {"KV cache", "cache_type", {"-ctk", "--cache-type-k"}, "f16", NULL, false},
    {"flash attention", "flash_attn", {"-fa", "--flash-attn"}, "auto", NULL, false},
    {"ubatch", "ubatch", {"-ub", "--ubatch-size"}, "512", NULL, false},
    {"batch", "batch", {"-b", "--batch-size"}, "2048", NULL, false},
    {"threads", "threads", {"-t", "--threads"}, "its own choice", NULL, true},
    {"drafts", "spec", {"--spec-type"}, "none", NULL, false},
    {"clock", NULL, {NULL}, NULL, sb_cell_clock, false},
};

static bool is_option(const struct setting *s, const char *word) {
    for (size_t i = 0; i < WORDS_MAX && s->options[i]; i++)
        if (strcmp(s->options[i], word) == 0)
            return true;
    return false;
}

/* The value in a cell's fingerprint; args come last and win. NULL when the cell says nothing of how
 * it was made. */
static const char *value_of(const struct setting *s, const struct sb_cell *c) {
    static const char arg[] = "arg=";
    const struct sb_strv *lines = &c->fingerprint_of;
    if (s->of)
        return s->of(c);
    if (c->backend.url)
        return NULL; /* whoever runs it knows */
    const char *value = lines->n ? s->fallback : NULL;
    size_t key = s->key ? strlen(s->key) : 0;
    for (size_t i = 0; i < lines->n; i++) {
        const char *line = lines->item[i];
        if (key && strncmp(line, s->key, key) == 0 && line[key] == '=')
            value = line + key + 1;
        else if (strncmp(line, arg, strlen(arg)) == 0 && is_option(s, line + strlen(arg)))
            value = i + 1 < lines->n && strncmp(lines->item[i + 1], arg, strlen(arg)) == 0
                        ? lines->item[i + 1] + strlen(arg)
                        : "on";
    }
    return value;
}

/* What a setting is on each backend. */
struct compared {
    const struct sb_rank *rank;
    char **values; /* one a backend; NULL: it finished nothing, or says nothing */
    bool tuned;    /* on some of them */
};

static bool has_word(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, "/"), at += *at == '/')
        if (strncmp(at, word, n) == 0 && (at[n] == '/' || !at[n]))
            return true;
    return false;
}

/* "1024/512" where models differ: keys and args are the backend's, but what was tuned is the cell's. */
static struct compared compare_backends(const struct setting *s, const struct sb_rank *r) {
    struct compared c = {r, sb_alloc(r->n_backends, sizeof *c.values), false};
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct sb_rank_cell *cell = &r->cells[i];
        const char *value = cell->finished ? value_of(s, cell->cell) : NULL;
        char **all = &c.values[cell->backend];
        c.tuned |= value && s->key && sb_cell_chosen(cell->cell, s->key);
        if (!value || (*all && has_word(*all, value)))
            continue;
        char *longer = *all ? sb_asprintf("%s/%s", *all, value) : sb_strdup(value);
        free(*all);
        *all = longer;
    }
    return c;
}

static void release_values(struct compared *c) {
    for (size_t i = 0; i < c->rank->n_backends; i++)
        free(c->values[i]);
    free(c->values);
}

static bool has_value(const struct compared *c, size_t backend, const char *value) {
    return c->values[backend] && strcmp(c->values[backend], value) == 0;
}

/* "KV cache (ROCm q4_0; Vulkan, CPU f16)": the backends of each value, in their order. */
static void add_values(const struct setting *s, const struct compared *c, enum sb_style style,
                       struct sb_buf *ret) {
    size_t values = 0;
    sb_buf_addf(ret, "%s (", s->name);
    for (size_t first = 0; first < c->rank->n_backends; first++) {
        const char *value = c->values[first];
        bool named = !value;
        for (size_t b = 0; b < first && !named; b++)
            named = has_value(c, b, value);
        if (named)
            continue;
        sb_buf_adds(ret, values++ ? "; " : "");
        for (size_t b = first; b < c->rank->n_backends; b++) {
            if (!has_value(c, b, value))
                continue;
            sb_buf_adds(ret, b > first ? ", " : "");
            sb_style_add(ret, style, c->rank->backends[b].label);
        }
        sb_buf_adds(ret, " ");
        sb_style_add(ret, style, value);
    }
    sb_buf_adds(ret, c->tuned ? "; tuned)" : ")");
}

static bool differs(const struct compared *c) {
    const char *first = NULL;
    for (size_t b = 0; b < c->rank->n_backends; b++) {
        const char *value = c->values[b];
        if (first && value && strcmp(first, value) != 0)
            return true;
        first = first ? first : value;
    }
    return false;
}

void sb_like_with_like(const struct sb_rank *r, enum sb_style style, struct sb_buf *ret) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct compared c = compare_backends(&settings[i], r);
        if (differs(&c) && (!settings[i].if_tuned || c.tuned)) {
            sb_buf_adds(ret, n++ ? ", " : "Not like with like: ");
            add_values(&settings[i], &c, style, ret);
        }
        release_values(&c);
    }
    sb_buf_adds(ret, n ? ".\n\n" : "");
}
