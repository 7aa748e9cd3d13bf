#include "results_fields.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stratobench/file.h"

enum {
    MAX_VALUES = 8 << 20, /* JSON values in a file: what a parsed one takes in memory is bounded */
};

struct reader {
    const char *file;
    struct sb_buf *error;
};

/* Where in the document: a list from the innermost key outwards. */
struct place {
    const struct place *within; /* NULL: the document itself */
    const char *key;            /* NULL: an element */
    size_t index;
};

static void print_place(struct sb_buf *b, const struct place *p) {
    if (!p)
        return;
    print_place(b, p->within);
    if (p->key)
        sb_buf_addf(b, "%s%s", p->within ? "." : "", p->key);
    else
        sb_buf_addf(b, "[%zu]", p->index);
}

SB_PRINTF(3, 4)
static bool fail(const struct reader *r, const struct place *p, const char *fmt, ...) {
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    sb_buf_addf(r->error, "%s: ", r->file);
    print_place(r->error, p);
    sb_buf_addf(r->error, "%s%s", p ? ": " : "", text ? text : "not readable");
    free(text);
    return false;
}

/* ---- Values --------------------------------------------------------------------------------- */

static bool read_number(const struct reader *r, const struct place *p, const cJSON *json,
                        double *ret) {
    if (!cJSON_IsNumber(json))
        return fail(r, p, "expected a number");
    if (!isfinite(json->valuedouble))
        return fail(r, p, "number out of range");
    *ret = json->valuedouble;
    return true;
}

static bool read_whole(const struct reader *r, const struct place *p, const cJSON *json,
                       long long least, long long most, long long *ret) {
    double x = NAN;
    if (!read_number(r, p, json, &x))
        return false;
    if (x != floor(x))
        return fail(r, p, "expected a whole number");
    if (x < (double)least)
        return least ? fail(r, p, "must be at least %lld", least)
                     : fail(r, p, "must not be negative");
    if (x > (double)most)
        return fail(r, p, "number out of range");
    *ret = (long long)x;
    return true;
}

static bool read_string(const struct reader *r, const struct place *p, const cJSON *json,
                        char **ret) {
    if (!cJSON_IsString(json))
        return fail(r, p, "expected a string");
    free(*ret);
    *ret = sb_strdup(json->valuestring);
    return true;
}

static bool read_time(const struct reader *r, const struct place *p, const cJSON *json,
                      char **ret) {
    struct tm tm = {0};
    if (!read_string(r, p, json, ret))
        return false;
    const char *end = strptime(*ret, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end || strlen(*ret) != strlen("2026-02-22T19:42:07Z"))
        return fail(r, p, "expected a time like 2026-02-22T19:42:07Z");
    return true;
}

static bool read_int(const struct reader *r, const struct place *p, const cJSON *json,
                     const struct field *f, void *base) {
    long long n = -1;
    bool word = f->words && cJSON_IsString(json) && strcmp(json->valuestring, f->words[0]) == 0;
    if (!word && !read_whole(r, p, json, f->least, INT_MAX, &n))
        return false;
    field_set_int(f, base, (int)n);
    return true;
}

static bool read_bool(const struct reader *r, const struct place *p, const cJSON *json,
                      const struct field *f, void *base) {
    if (!cJSON_IsBool(json))
        return fail(r, p, "expected true or false");
    field_set_int(f, base, cJSON_IsTrue(json));
    return true;
}

static bool read_word(const struct reader *r, const struct place *p, const cJSON *json,
                      const struct field *f, void *base) {
    if (!cJSON_IsString(json))
        return fail(r, p, "expected a string");
    struct sb_buf known = SB_BUF_INIT(256);
    for (int i = 0; f->words[i]; i++) {
        if (strcmp(json->valuestring, f->words[i]) == 0) {
            field_set_int(f, base, i);
            sb_buf_release(&known);
            return true;
        }
        sb_buf_addf(&known, "%s%s", i ? ", " : "", f->words[i]);
    }
    fail(r, p, "'%.40s' is none of %s", json->valuestring, sb_buf_str(&known));
    sb_buf_release(&known);
    return false;
}

/* A number such as 1e400 may hide anywhere in what is kept verbatim. */
static bool is_finite_throughout(const struct reader *r, const struct place *p, const cJSON *json) {
    const cJSON *child;
    size_t i = 0;
    double ignored = NAN;
    if (cJSON_IsNumber(json))
        return read_number(r, p, json, &ignored);
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, child->string, i++};
        if (!is_finite_throughout(r, &within, child))
            return false;
    }
    return true;
}

static bool read_json(const struct reader *r, const struct place *p, const cJSON *json,
                      cJSON **ret) {
    if (!cJSON_IsObject(json))
        return fail(r, p, "expected an object");
    if (!is_finite_throughout(r, p, json))
        return false;
    *ret = cJSON_Duplicate(json, true);
    return true;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static bool read_strings(const struct reader *r, const struct place *p, const cJSON *json,
                         struct sb_strv *ret) {
    const cJSON *child;
    size_t i = 0;
    if (!cJSON_IsArray(json))
        return fail(r, p, "expected an array");
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, NULL, i++};
        char *s = NULL;
        if (!read_string(r, &within, child, &s))
            return false;
        sb_strv_take(ret, s);
    }
    return true;
}

static bool read_pairs(const struct reader *r, const struct place *p, const cJSON *json,
                       struct sb_strv *ret) {
    const cJSON *child;
    if (!cJSON_IsObject(json))
        return fail(r, p, "expected an object");
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, child->string, 0};
        if (!cJSON_IsString(child))
            return fail(r, &within, "expected a string");
        sb_strv_take(ret, sb_asprintf("%s=%s", child->string, child->valuestring));
    }
    return true;
}

static bool read_shares(const struct reader *r, const struct place *p, const cJSON *json,
                        const struct field *f, void *base) {
    const cJSON *child;
    if (!cJSON_IsObject(json))
        return fail(r, p, "expected an object");
    struct sb_device_share *shares = sb_alloc((size_t)cJSON_GetArraySize(json), sizeof *shares);
    *(struct sb_device_share **)field_at(f, base) = shares;
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, child->string, 0};
        double mib = NAN;
        if (!read_number(r, &within, child, &mib))
            return false;
        shares[(*field_count(f, base))++] = (struct sb_device_share){sb_strdup(child->string), mib};
    }
    return true;
}

static bool read_ints(const struct reader *r, const struct place *p, const cJSON *json,
                      const struct field *f, void *base) {
    const cJSON *child;
    if (!cJSON_IsArray(json))
        return fail(r, p, "expected an array");
    int *numbers = sb_alloc((size_t)cJSON_GetArraySize(json), sizeof *numbers);
    *(int **)field_at(f, base) = numbers;
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, NULL, *field_count(f, base)};
        long long n;
        if (!read_whole(r, &within, child, 0, INT_MAX, &n))
            return false;
        numbers[(*field_count(f, base))++] = (int)n;
    }
    return true;
}

/* ---- Objects -------------------------------------------------------------------------------- */

static bool read_object(const struct reader *r, const struct place *p, const cJSON *json,
                        const struct object *o, void *base);

static bool read_array(const struct reader *r, const struct place *p, const cJSON *json,
                       const struct field *f, void *base) {
    const cJSON *child;
    size_t i = 0;
    if (!cJSON_IsArray(json))
        return fail(r, p, "expected an array");
    char *elements = field_resize(f, base, (size_t)cJSON_GetArraySize(json));
    cJSON_ArrayForEach(child, json) {
        struct place within = {p, NULL, i};
        if (!read_object(r, &within, child, f->object, elements + i++ * f->object->size))
            return false;
    }
    return true;
}

static bool read_field(const struct reader *r, const struct place *p, const cJSON *json,
                       const struct field *f, void *base) {
    void *member = field_at(f, base);
    long long n;
    switch (f->kind) {
    case FIELD_STRING:
        return read_string(r, p, json, member);
    case FIELD_TIME:
        return read_time(r, p, json, member);
    case FIELD_INT:
        return read_int(r, p, json, f, base);
    case FIELD_COUNT: /* whole numbers are exact in JSON's doubles up to 2^53 */
        return read_whole(r, p, json, 0, 1LL << 53, member);
    case FIELD_SIZE:
        if (!read_whole(r, p, json, 0, INT_MAX, &n))
            return false;
        *(size_t *)member = (size_t)n;
        return true;
    case FIELD_NUMBER:
        return read_number(r, p, json, member);
    case FIELD_BOOL:
        return read_bool(r, p, json, f, base);
    case FIELD_WORD:
        return read_word(r, p, json, f, base);
    case FIELD_STRINGS:
        return read_strings(r, p, json, member);
    case FIELD_PAIRS:
        return read_pairs(r, p, json, member);
    case FIELD_SHARES:
        return read_shares(r, p, json, f, base);
    case FIELD_INTS:
        return read_ints(r, p, json, f, base);
    case FIELD_JSON:
        return read_json(r, p, json, member);
    case FIELD_OBJECT:
        return read_object(r, p, json, f->object, member);
    case FIELD_ARRAY:
        return read_array(r, p, json, f, base);
    case FIELD_FIRST: /* when the whole array came before, it holds this one already */
        return *field_count(f, base) > 0 ||
               read_object(r, p, json, f->object, field_resize(f, base, 1));
    }
    return true;
}

/* The index of a key, or -1. Files list keys in the tables' order, so the search begins where
 * the last one ended. */
static int find_field(const struct object *o, int from, const char *key) {
    int n = (int)o->n_fields;
    for (int i = 0; i < n; i++)
        if (strcmp(o->fields[(from + i) % n].key, key) == 0)
            return (from + i) % n;
    return -1;
}

static bool read_object(const struct reader *r, const struct place *p, const cJSON *json,
                        const struct object *o, void *base) {
    uint64_t seen = 0, given = 0;
    const cJSON *child;
    int at = -1;
    if (!cJSON_IsObject(json))
        return fail(r, p, "expected an object");
    cJSON_ArrayForEach(child, json) {
        int found = find_field(o, at + 1, child->string);
        if (found < 0)
            continue;
        at = found;
        struct place within = {p, o->fields[at].key, 0};
        if (seen & UINT64_C(1) << at)
            return fail(r, &within, "is there twice");
        seen |= UINT64_C(1) << at;
        if (cJSON_IsNull(child))
            continue;
        given |= UINT64_C(1) << at;
        if (!read_field(r, &within, child, &o->fields[at], base))
            return false;
    }
    for (size_t i = 0; i < o->n_fields; i++) {
        struct place within = {p, o->fields[i].key, 0};
        if (o->fields[i].rules & FIELD_REQUIRED && !(given & UINT64_C(1) << i))
            return fail(r, &within, "missing");
    }
    return true;
}

/* ---- What the figures must satisfy ---------------------------------------------------------- */

static bool is_speed(double tps) {
    return isfinite(tps) && tps > 0;
}

/* Fills in the speeds that only the raw figures tell. A valid measured run must have both. */
static bool complete_run(const struct reader *r, const struct place *p,
                         const struct sb_results *doc, struct sb_run *run) {
    struct sb_run computed = *run;
    sb_run_speeds(&computed);
    if (isnan(run->pp_tps))
        run->pp_tps = computed.pp_tps;
    if (isnan(run->tg_tps))
        run->tg_tps = computed.tg_tps;
    if (run->prompt > 0 && (size_t)run->prompt >= doc->bench.n_prompts)
        return fail(r, &(struct place){p, "prompt", 0}, "bench lists %zu prompts only",
                    doc->bench.n_prompts);
    if (!run->valid || run->warmup)
        return true;
    if (!is_speed(run->pp_tps))
        return fail(r, &(struct place){p, "pp_tps", 0}, "a valid run needs a positive number");
    if (!is_speed(run->tg_tps))
        return fail(r, &(struct place){p, "tg_tps", 0}, "a valid run needs a positive number");
    return true;
}

static bool complete_cell(const struct reader *r, const struct place *p,
                          const struct sb_results *doc, struct sb_cell *c) {
    struct place runs = {p, "runs", 0};
    bool measured = false;
    for (size_t i = 0; i < c->n_runs; i++) {
        if (!complete_run(r, &(struct place){&runs, NULL, i}, doc, &c->runs[i]))
            return false;
        measured |= c->runs[i].valid && !c->runs[i].warmup;
    }
    if (c->status == SB_OK && !measured)
        return fail(r, p, "status is ok, but no run is valid");
    if (c->status == SB_OK && (c->pp_tps.n == 0 || c->tg_tps.n == 0))
        sb_cell_summarize(c);
    if (!c->model.label)
        c->model.label = sb_strdup(c->model.id);
    if (!c->backend.label)
        c->backend.label = sb_strdup(c->backend.id);
    return true;
}

static bool complete(const struct reader *r, struct sb_results *doc) {
    struct place cells = {NULL, "cells", 0};
    for (size_t i = 0; i < doc->n_cells; i++)
        if (!complete_cell(r, &(struct place){&cells, NULL, i}, doc, &doc->cells[i]))
            return false;
    return true;
}

/* ---- The text ------------------------------------------------------------------------------- */

static bool fail_at(const struct reader *r, const char *text, const char *at, const char *message) {
    size_t line = 1;
    const char *begin = text;
    for (const char *s = text; s < at; s++)
        if (*s == '\n') {
            line++;
            begin = s + 1;
        }
    sb_buf_addf(r->error, "%s:%zu:%td: %s", r->file, line, at - begin + 1, message);
    return false;
}

/* The end of the string that begins after its quote, or NULL when it holds a NUL, which would cut
 * it short once decoded. Its closing quote may be missing: the parser says so. */
static const char *skip_string(const char *s, const char *end) {
    for (; s < end && *s != '"'; s++) {
        if (*s != '\\')
            continue;
        if (end - s > 5 && memcmp(s, "\\u0000", 6) == 0)
            return NULL;
        s++;
    }
    return s;
}

/* What the parser does not limit: depth, the number of values, NUL characters. */
static bool within_limits(const struct reader *r, const char *text, size_t len) {
    const char *end = text + len;
    int depth = 0;
    size_t values = 0;
    for (const char *s = text; s < end; s++) {
        const char *begin = s;
        switch (*s) {
        case '\0':
            return fail_at(r, text, s, "a NUL character");
        case '"':
            s = skip_string(s + 1, end);
            if (!s)
                return fail_at(r, text, begin, "a string with a NUL character in it");
            break;
        case '[':
        case '{':
            if (++depth > SB_RESULTS_MAX_DEPTH)
                return fail_at(r, text, s, "nested too deeply");
            values++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        case ',':
            values++;
            break;
        default:
            break;
        }
    }
    return values <= MAX_VALUES ||
           fail_at(r, text, text, "more values than any results file holds");
}

static cJSON *parse_text(const struct reader *r, const char *text, size_t len) {
    const char *end = NULL;
    if (!within_limits(r, text, len))
        return NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, false);
    if (!json) {
        fail_at(r, text, end ? end : text, "not valid JSON");
        return NULL;
    }
    while (end < text + len && strchr(" \t\r\n", *end))
        end++;
    if (end == text + len)
        return json;
    fail_at(r, text, end, "more text after the end of the document");
    cJSON_Delete(json);
    return NULL;
}

static bool read_document(const struct reader *r, const cJSON *json, struct sb_results *ret) {
    if (!cJSON_IsObject(json))
        return fail(r, NULL, "expected an object");
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(json, "schema");
    if (!cJSON_IsString(schema))
        return fail(r, NULL, "no schema; this program reads '" SB_SCHEMA "'");
    if (strcmp(schema->valuestring, SB_SCHEMA) != 0)
        return fail(r, NULL, "schema is '%.40s'; this program reads '" SB_SCHEMA "'",
                    schema->valuestring);
    return read_object(r, NULL, json, &results_document, ret) && complete(r, ret);
}

int sb_results_parse(const char *name, const char *text, size_t len, struct sb_results *ret,
                     struct sb_buf *error) {
    struct reader r = {name, error};
    *ret = sb_results_empty();
    cJSON *json = parse_text(&r, text, len);
    bool ok = json && read_document(&r, json, ret);
    cJSON_Delete(json);
    if (!ok)
        sb_results_release(ret);
    return ok ? 0 : -EINVAL;
}

int sb_results_load(const char *path, struct sb_results *ret, struct sb_buf *error) {
    struct sb_buf text = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    *ret = sb_results_empty();
    int rc = sb_file_read(path, &text, error);
    if (rc == 0)
        rc = sb_results_parse(path, sb_buf_str(&text), text.len, ret, error);
    sb_buf_release(&text);
    return rc;
}
