/* Which cells may be held against each other: what differs in them, and what they share. */
#include <string.h>

#include "answers.h"

static const char *fact_of(const struct sb_cell *c, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < c->fingerprint_of.n; i++)
        if (strncmp(c->fingerprint_of.item[i], name, n) == 0 && c->fingerprint_of.item[i][n] == '=')
            return c->fingerprint_of.item[i] + n + 1;
    return "";
}

/* The value of an option on the server's command line; "" = not given. */
static const char *argument_of(const struct sb_cell *c, const char *const *spellings) {
    const char *value = "";
    for (size_t i = 0; i + 1 < c->backend.argv.n; i++)
        for (const char *const *s = spellings; *s; s++)
            if (strcmp(c->backend.argv.item[i], *s) == 0)
                value = c->backend.argv.item[i + 1];
    return value;
}

static const char *or_f16(const char *type) {
    return *type ? type : "f16";
}

/* In what two cells of one model differ that makes their answers differ rightly, or NULL. */
const char *answers_setting(const struct sb_cell *a, const struct sb_cell *b) {
    static const char *const k[] = {"-ctk", "--cache-type-k", NULL};
    static const char *const v[] = {"-ctv", "--cache-type-v", NULL};
    static const char *const draft[] = {"-md", "--model-draft", "--spec-draft-model", NULL};
    static const char *const spec[] = {"--spec-type", NULL};
    const char *qa = a->model.quantization, *qb = b->model.quantization;
    if (qa && qb && strcmp(qa, qb) != 0)
        return "quantization";
    if (strcmp(fact_of(a, "model_header"), fact_of(b, "model_header")) != 0 ||
        strcmp(fact_of(a, "model_bytes"), fact_of(b, "model_bytes")) != 0)
        return "model file";
    if (strcmp(or_f16(argument_of(a, k)), or_f16(argument_of(b, k))) != 0 ||
        strcmp(or_f16(argument_of(a, v)), or_f16(argument_of(b, v))) != 0)
        return "KV cache type";
    if (strcmp(argument_of(a, draft), argument_of(b, draft)) != 0 ||
        strcmp(argument_of(a, spec), argument_of(b, spec)) != 0)
        return "speculative decoding";
    return NULL;
}

static bool same_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool answers_independent(const struct sb_cell *a, const struct sb_cell *b) {
    return !same_text(a->backend.device, b->backend.device) ||
           !same_text(a->backend.server_version, b->backend.server_version);
}
