#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fields.h"
#include "json_read.h"
#include "load.h"
#include "stratobench/base.h"

static void print_place(struct sb_buf *b, const struct place *p) {
    if (!p)
        return;
    print_place(b, p->within);
    if (p->key)
        sb_buf_addf(b, "%s%s", p->within ? "." : "", p->key);
    else
        sb_buf_addf(b, "[%zu]", p->index);
}

bool load_fail(const struct reader *r, const struct place *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *text = sb_vasprintf(fmt, ap);
    va_end(ap);
    sb_buf_addf(r->error, "%s: ", r->file);
    print_place(r->error, p);
    sb_buf_addf(r->error, "%s%s", p ? ": " : "", text);
    free(text);
    return false;
}

/* What comes next is of another kind, or no JSON at all: that is said with its line instead. */
static bool expected(const struct reader *r, const struct place *p, const char *what) {
    return json_skip(r->json) && load_fail(r, p, "expected %s", what);
}

/* ---- Values --------------------------------------------------------------------------------- */

static bool read_number(const struct reader *r, const struct place *p, double *ret) {
    char c = json_peek(r->json);
    double x = NAN;
    if (c != '-' && !(c >= '0' && c <= '9'))
        return expected(r, p, "a number");
    if (!json_number(r->json, &x))
        return false;
    if (!isfinite(x))
        return load_fail(r, p, "number out of range");
    *ret = x;
    return true;
}

static bool read_whole(const struct reader *r, const struct place *p, long long least,
                       long long most, long long *ret) {
    double x = NAN;
    if (!read_number(r, p, &x))
        return false;
    if (x != floor(x))
        return load_fail(r, p, "expected a whole number");
    if (x < (double)least)
        return least ? load_fail(r, p, "must be at least %lld", least)
                     : load_fail(r, p, "must not be negative");
    if (x > (double)most)
        return load_fail(r, p, "number out of range");
    *ret = (long long)x;
    return true;
}

static bool read_string(const struct reader *r, const struct place *p, char **ret) {
    if (json_peek(r->json) != '"')
        return expected(r, p, "a string");
    if (!json_string(r->json))
        return false;
    free(*ret);
    *ret = sb_strdup(sb_buf_str(r->json->scratch));
    return true;
}

static bool read_time(const struct reader *r, const struct place *p, char **ret) {
    struct tm tm = {0};
    if (!read_string(r, p, ret))
        return false;
    const char *end = strptime(*ret, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end || strlen(*ret) != strlen("2026-02-22T19:42:07Z"))
        return load_fail(r, p, "expected a time like 2026-02-22T19:42:07Z");
    return true;
}

static bool read_bool(const struct reader *r, const struct place *p, const struct field *f,
                      void *base) {
    char c = json_peek(r->json);
    if (c != 't' && c != 'f')
        return expected(r, p, "true or false");
    field_set_int(f, base, c == 't');
    return json_word(r->json, c == 't' ? "true" : "false");
}

static bool read_word(const struct reader *r, const struct place *p, const struct field *f,
                      void *base) {
    bool is_switch = strcmp(f->words[0], "off") == 0;
    if (is_switch && (json_peek(r->json) == 't' || json_peek(r->json) == 'f'))
        return read_bool(r, p, f, base); /* of an early version, which knew off and on */
    if (json_peek(r->json) != '"')
        return expected(r, p, "a string");
    if (!json_string(r->json))
        return false;
    struct sb_buf known = SB_BUF_INIT(256);
    int value = 0;
    for (; f->words[value]; value++) {
        if (strcmp(sb_buf_str(r->json->scratch), f->words[value]) == 0)
            break;
        sb_buf_addf(&known, "%s%s", value ? ", " : "", f->words[value]);
    }
    bool ok = f->words[value];
    if (ok)
        field_set_int(f, base, value);
    else
        load_fail(r, p, "'%.40s' is none of %s", sb_buf_str(r->json->scratch), sb_buf_str(&known));
    sb_buf_release(&known);
    return ok;
}

static bool read_int(const struct reader *r, const struct place *p, const struct field *f,
                     void *base) {
    long long n = -1;
    if (f->words && json_peek(r->json) == '"') {
        if (!json_string(r->json))
            return false;
        if (strcmp(sb_buf_str(r->json->scratch), f->words[0]) != 0)
            return load_fail(r, p, "expected a number or '%s'", f->words[0]);
    } else if (!read_whole(r, p, f->least, INT_MAX, &n)) {
        return false;
    }
    field_set_int(f, base, (int)n);
    return true;
}

static bool read_seconds(const struct reader *r, const struct place *p, const struct field *f,
                         double *ret) {
    if (json_peek(r->json) == '"') {
        *ret = -1;
        return json_string(r->json) && (strcmp(sb_buf_str(r->json->scratch), f->words[0]) == 0 ||
                                        load_fail(r, p, "expected a number or '%s'", f->words[0]));
    }
    return read_number(r, p, ret) && (*ret >= 0 || load_fail(r, p, "must not be negative"));
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static bool enter(const struct reader *r, const struct place *p, char open) {
    if (json_peek(r->json) != open)
        return expected(r, p, open == '[' ? "an array" : "an object");
    return json_enter(r->json, open);
}

static bool read_strings(const struct reader *r, const struct place *p, struct sb_strv *ret) {
    if (!enter(r, p, '['))
        return false;
    while (json_more(r->json, ']')) {
        char *s = NULL;
        if (!read_string(r, &(struct place){p, NULL, ret->n}, &s))
            return false;
        sb_strv_take(ret, s);
    }
    return !r->json->problem;
}

static bool read_pair(const struct reader *r, const struct place *p, struct sb_strv *ret) {
    char *value = NULL, *name = sb_strdup(sb_buf_str(r->json->scratch));
    bool ok = read_string(r, &(struct place){p, name, 0}, &value);
    if (ok)
        sb_strv_take(ret, sb_asprintf("%s=%s", name, value));
    free(name);
    free(value);
    return ok;
}

static bool read_pairs(const struct reader *r, const struct place *p, struct sb_strv *ret) {
    if (!enter(r, p, '{'))
        return false;
    while (json_more(r->json, '}'))
        if (!json_key(r->json) || !read_pair(r, p, ret))
            return false;
    return !r->json->problem;
}

static bool read_shares(const struct reader *r, const struct place *p, const struct field *f,
                        void *base) {
    if (!enter(r, p, '{'))
        return false;
    while (json_more(r->json, '}')) {
        if (!json_key(r->json))
            return false;
        struct sb_device_share *share = field_add(f, base);
        share->device = sb_strdup(sb_buf_str(r->json->scratch));
        if (!read_number(r, &(struct place){p, share->device, 0}, &share->mib))
            return false;
    }
    return !r->json->problem;
}

static bool read_ints(const struct reader *r, const struct place *p, const struct field *f,
                      void *base) {
    if (!enter(r, p, '['))
        return false;
    while (json_more(r->json, ']')) {
        struct place within = {p, NULL, *field_count(f, base)};
        long long n = 0;
        if (!read_whole(r, &within, 0, INT_MAX, &n))
            return false;
        *(int *)field_add(f, base) = (int)n;
    }
    return !r->json->problem;
}

static bool read_numbers(const struct reader *r, const struct place *p, const struct field *f,
                         void *base) {
    if (!enter(r, p, '['))
        return false;
    while (json_more(r->json, ']')) {
        struct place within = {p, NULL, *field_count(f, base)};
        double x = NAN;
        if (json_peek(r->json) == 'n' ? !json_word(r->json, "null") : !read_number(r, &within, &x))
            return false;
        *(double *)field_add(f, base) = x;
    }
    return !r->json->problem;
}

/* ---- What is kept verbatim ------------------------------------------------------------------- */

static bool read_fact(const struct reader *r, const struct place *p, struct sb_fact *ret);

/* Into a list or a group that is still empty. */
static bool read_facts(const struct reader *r, const struct place *p, struct sb_fact *ret) {
    bool group = ret->kind == SB_FACT_GROUP;
    if (!enter(r, p, group ? '{' : '['))
        return false;
    for (size_t i = 0; json_more(r->json, group ? '}' : ']'); i++) {
        if (group && !json_key(r->json))
            return false;
        const char *name = group ? sb_buf_str(r->json->scratch) : NULL;
        struct sb_fact *f = sb_fact_add(ret, name, SB_FACT_NOTHING);
        if (!read_fact(r, &(struct place){p, f->name, i}, f))
            return false;
    }
    return !r->json->problem;
}

static bool read_fact(const struct reader *r, const struct place *p, struct sb_fact *ret) {
    char c = json_peek(r->json);
    switch (c) {
    case '{': ret->kind = SB_FACT_GROUP; return read_facts(r, p, ret);
    case '[': ret->kind = SB_FACT_LIST; return read_facts(r, p, ret);
    case '"': ret->kind = SB_FACT_TEXT; return read_string(r, p, &ret->text);
    case 'n': return json_word(r->json, "null");
    case 't':
    case 'f':
        ret->kind = SB_FACT_SWITCH;
        ret->number = c == 't';
        return json_word(r->json, c == 't' ? "true" : "false");
    default: ret->kind = SB_FACT_NUMBER; return read_number(r, p, &ret->number);
    }
}

/* ---- Objects -------------------------------------------------------------------------------- */

static bool read_object(const struct reader *r, const struct place *p, const struct object *o,
                        void *base);

static bool read_array(const struct reader *r, const struct place *p, const struct field *f,
                       void *base) {
    field_clear(f, base); /* "prompts" has the first prompt, too */
    if (!enter(r, p, '['))
        return false;
    while (json_more(r->json, ']')) {
        struct place within = {p, NULL, *field_count(f, base)};
        if (!read_object(r, &within, f->object, field_add(f, base)))
            return false;
    }
    return !r->json->problem;
}

static bool read_field(const struct reader *r, const struct place *p, const struct field *f,
                       void *base) {
    void *member = field_at(f, base);
    long long n = 0;
    switch (f->kind) {
    case FIELD_STRING: return read_string(r, p, member);
    case FIELD_TIME: return read_time(r, p, member);
    case FIELD_INT: return read_int(r, p, f, base);
    case FIELD_COUNT: /* whole numbers are exact in JSON's doubles up to 2^53 */
        return read_whole(r, p, 0, 1LL << 53, member);
    case FIELD_SIZE:
        if (!read_whole(r, p, 0, INT_MAX, &n))
            return false;
        *(size_t *)member = (size_t)n;
        return true;
    case FIELD_NUMBER: return read_number(r, p, member);
    case FIELD_SECONDS: return read_seconds(r, p, f, member);
    case FIELD_BOOL: return read_bool(r, p, f, base);
    case FIELD_WORD: return read_word(r, p, f, base);
    case FIELD_STRINGS: return read_strings(r, p, member);
    case FIELD_PAIRS: return read_pairs(r, p, member);
    case FIELD_SHARES: return read_shares(r, p, f, base);
    case FIELD_INTS: return read_ints(r, p, f, base);
    case FIELD_NUMBERS: return read_numbers(r, p, f, base);
    case FIELD_FACTS:
        sb_facts_free(*(struct sb_fact **)member);
        *(struct sb_fact **)member = sb_facts_new();
        return read_facts(r, p, *(struct sb_fact **)member);
    case FIELD_OBJECT: return read_object(r, p, f->object, member);
    case FIELD_ARRAY: return read_array(r, p, f, base);
    case FIELD_FIRST: /* when the whole array came before, it holds this one already */
        return *field_count(f, base) > 0 ? json_skip(r->json)
                                         : read_object(r, p, f->object, field_add(f, base));
    }
    return true;
}

/* Reads a key and returns its index, or -1: none of ours, or none at all. Files list keys in the
 * tables' order, so the search begins where the last one ended. */
static int read_key(struct json *j, const struct object *o, int from) {
    int n = (int)object_n_fields(o);
    for (int i = 0; i < n; i++)
        if (json_key_is(j, object_field(o, (size_t)((from + i) % n)).key))
            return (from + i) % n;
    if (j->problem || !json_key(j))
        return -1;
    for (int i = 0; i < n; i++) /* with escapes in it */
        if (strcmp(object_field(o, (size_t)i).key, sb_buf_str(j->scratch)) == 0)
            return i;
    return -1;
}

static bool require_fields(const struct reader *r, const struct place *p, const struct object *o,
                           uint64_t given) {
    for (size_t i = 0; i < object_n_fields(o); i++) {
        struct field f = object_field(o, i);
        if (f.rules & FIELD_REQUIRED && !(given & UINT64_C(1) << i))
            return load_fail(r, &(struct place){p, f.key, 0}, "missing");
    }
    return true;
}

static bool read_object(const struct reader *r, const struct place *p, const struct object *o,
                        void *base) {
    uint64_t seen = 0, given = 0; /* a null was seen, but not given */
    int at = -1;
    if (!enter(r, p, '{'))
        return false;
    while (json_more(r->json, '}')) {
        int found = read_key(r->json, o, at + 1);
        if (r->json->problem)
            return false;
        bool null = json_peek(r->json) == 'n';
        if (found < 0 && !json_skip(r->json))
            return false;
        if (found < 0)
            continue;
        at = found;
        uint64_t bit = UINT64_C(1) << at;
        struct field f = object_field(o, (size_t)at);
        struct place within = {p, f.key, 0};
        if (seen & bit)
            return load_fail(r, &within, "is there twice");
        seen |= bit;
        given |= null ? 0 : bit;
        if (!(null ? json_word(r->json, "null") : read_field(r, &within, &f, base)))
            return false;
    }
    return !r->json->problem && require_fields(r, p, o, given);
}

/* ---- The document --------------------------------------------------------------------------- */

/* Before anything else is looked at: another version may mean something else by it. */
static bool check_schema(const struct reader *r) {
    struct json *j = r->json;
    const char *begin = j->at;
    if (!enter(r, NULL, '{'))
        return false;
    while (json_more(j, '}')) {
        if (!json_key(j))
            return false;
        bool schema = strcmp(sb_buf_str(j->scratch), "schema") == 0 && json_peek(j) == '"';
        if (!json_skip(j))
            return false;
        if (!schema)
            continue;
        if (strcmp(sb_buf_str(j->scratch), SB_SCHEMA) != 0)
            return load_fail(r, NULL, "schema is '%.40s'; this program reads '" SB_SCHEMA "'",
                             sb_buf_str(j->scratch));
        j->at = begin;
        j->depth = 0;
        return true;
    }
    return !j->problem && load_fail(r, NULL, "no schema; this program reads '" SB_SCHEMA "'");
}

int sb_results_parse(const char *name, const char *text, size_t len, struct sb_results *ret,
                     struct sb_buf *error) {
    struct sb_buf scratch = SB_BUF_INIT(len + 1);
    struct json json = json_begin(text, len, SB_RESULTS_MAX_DEPTH, &scratch);
    struct reader r = {name, &json, error};
    *ret = sb_results_empty();
    bool ok = check_schema(&r) && read_object(&r, NULL, &results_document, ret) &&
              json_end(&json) && load_complete(&r, ret);
    if (json.problem) {
        sb_buf_addf(error, "%s:", name);
        json_print_position(&json, error);
        sb_buf_addf(error, ": %s", json.problem);
    }
    sb_buf_release(&scratch);
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
