#include "fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

struct writer {
    struct sb_buf *b;
    int indent;    /* levels */
    bool one_line; /* within an object or array printed so */
};

/* ---- Values --------------------------------------------------------------------------------- */

/* The shortest digits that read back as the same number. */
static void write_number(struct sb_buf *b, double x) {
    char text[32];
    if (x == trunc(x) && fabs(x) < 1e15 && !(x == 0 && signbit(x))) {
        sb_buf_add_integer(b, (long long)x);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    sb_buf_adds(b, text);
}

/* ---- Layout --------------------------------------------------------------------------------- */

static void write_break(const struct writer *w, bool first) {
    if (!first)
        sb_buf_adds(w->b, w->one_line ? ", " : ",");
    if (w->one_line)
        return;
    sb_buf_adds(w->b, "\n");
    for (int i = 0; i < w->indent; i++)
        sb_buf_adds(w->b, "  ");
}

static void write_key(const struct writer *w, const char *key, bool first) {
    write_break(w, first);
    sb_buf_add_json(w->b, key);
    sb_buf_adds(w->b, ": ");
}

static struct writer write_open(const struct writer *w, const char *bracket, bool one_line) {
    sb_buf_adds(w->b, bracket);
    return (struct writer){w->b, w->indent + 1, w->one_line || one_line};
}

/* `empty`: nothing was written since the bracket was opened. */
static void write_close(const struct writer *inner, const char *bracket, bool empty) {
    struct writer outer = {inner->b, inner->indent - 1, inner->one_line};
    if (!empty)
        write_break(&outer, true);
    sb_buf_adds(inner->b, bracket);
}

/* ---- Fields --------------------------------------------------------------------------------- */

static void write_strings(const struct writer *w, const struct sb_strv *v) {
    struct writer in = write_open(w, "[", true);
    for (size_t i = 0; i < v->n; i++) {
        write_break(&in, i == 0);
        sb_buf_add_json(w->b, v->item[i]);
    }
    write_close(&in, "]", v->n == 0);
}

static void write_pairs(const struct writer *w, const struct sb_strv *v) {
    struct writer in = write_open(w, "{", true);
    for (size_t i = 0; i < v->n; i++) {
        const char *value = strchrnul(v->item[i], '=');
        char *name = sb_strndup(v->item[i], (size_t)(value - v->item[i]));
        write_key(&in, name, i == 0);
        sb_buf_add_json(w->b, *value ? value + 1 : "");
        free(name);
    }
    write_close(&in, "}", v->n == 0);
}

static void write_shares(const struct writer *w, const struct sb_device_share *s, size_t n) {
    struct writer in = write_open(w, "{", true);
    for (size_t i = 0; i < n; i++) {
        write_key(&in, s[i].device, i == 0);
        write_number(w->b, s[i].mib);
    }
    write_close(&in, "}", n == 0);
}

static void write_ints(const struct writer *w, const int *x, size_t n) {
    struct writer in = write_open(w, "[", true);
    for (size_t i = 0; i < n; i++) {
        write_break(&in, i == 0);
        sb_buf_add_integer(w->b, x[i]);
    }
    write_close(&in, "]", n == 0);
}

static void write_numbers(const struct writer *w, const double *x, size_t n) {
    struct writer in = write_open(w, "[", true);
    for (size_t i = 0; i < n; i++) {
        write_break(&in, i == 0);
        if (isfinite(x[i]))
            write_number(w->b, x[i]);
        else
            sb_buf_adds(w->b, "null");
    }
    write_close(&in, "]", n == 0);
}

static void write_fact(const struct writer *w, const struct sb_fact *f);

/* Lists on one line. */
static void write_facts(const struct writer *w, const struct sb_fact *f) {
    bool list = f->kind == SB_FACT_LIST;
    struct writer in = write_open(w, list ? "[" : "{", list);
    for (const struct sb_fact *c = f->child; c; c = c->next) {
        if (list)
            write_break(&in, c == f->child);
        else
            write_key(&in, c->name, c == f->child);
        write_fact(&in, c);
    }
    write_close(&in, list ? "]" : "}", !f->child);
}

static void write_fact(const struct writer *w, const struct sb_fact *f) {
    switch (f->kind) {
    case SB_FACT_NOTHING: sb_buf_adds(w->b, "null"); break;
    case SB_FACT_TEXT: sb_buf_add_json(w->b, f->text); break;
    case SB_FACT_NUMBER: write_number(w->b, f->number); break;
    case SB_FACT_SWITCH: sb_buf_adds(w->b, f->number != 0 ? "true" : "false"); break;
    case SB_FACT_LIST:
    case SB_FACT_GROUP: write_facts(w, f); break;
    }
}

void results_print_fact(const struct sb_fact *f, struct sb_buf *ret) {
    write_fact(&(struct writer){ret, 0, true}, f);
}

static void write_fields(const struct writer *w, const struct object *o, const void *base,
                         bool first);

static void write_object(const struct writer *w, const struct object *o, const void *base) {
    struct writer in = write_open(w, "{", o->one_line);
    write_fields(&in, o, base, true);
    write_close(&in, "}", false);
}

static void write_array(const struct writer *w, const struct field *f, const void *base) {
    size_t n = *field_count(f, base);
    struct writer in = write_open(w, "[", false);
    for (size_t i = 0; i < n; i++) {
        write_break(&in, i == 0);
        write_object(&in, f->object, field_elements(f, base) + i * f->object->size);
    }
    write_close(&in, "]", n == 0);
}

static void write_value(const struct writer *w, const struct field *f, const void *base) {
    const void *member = field_at(f, base);
    switch (f->kind) {
    case FIELD_STRING:
    case FIELD_TIME: sb_buf_add_json(w->b, *(char *const *)member); break;
    case FIELD_INT:
        if (f->words && field_get_int(f, base) < 0)
            sb_buf_add_json(w->b, f->words[0]);
        else
            sb_buf_add_integer(w->b, field_get_int(f, base));
        break;
    case FIELD_COUNT: sb_buf_add_integer(w->b, *(const long long *)member); break;
    case FIELD_SIZE: sb_buf_addf(w->b, "%zu", *(const size_t *)member); break;
    case FIELD_NUMBER: write_number(w->b, *(const double *)member); break;
    case FIELD_SECONDS:
        if (*(const double *)member < 0)
            sb_buf_add_json(w->b, f->words[0]);
        else
            write_number(w->b, *(const double *)member);
        break;
    case FIELD_BOOL: sb_buf_adds(w->b, field_get_int(f, base) ? "true" : "false"); break;
    case FIELD_WORD: sb_buf_add_json(w->b, f->words[field_get_int(f, base)]); break;
    case FIELD_STRINGS: write_strings(w, member); break;
    case FIELD_PAIRS: write_pairs(w, member); break;
    case FIELD_SHARES:
        write_shares(w, *(struct sb_device_share *const *)member, *field_count(f, base));
        break;
    case FIELD_INTS: write_ints(w, *(int *const *)member, *field_count(f, base)); break;
    case FIELD_NUMBERS: write_numbers(w, *(double *const *)member, *field_count(f, base)); break;
    case FIELD_FACTS:
        if (*(struct sb_fact *const *)member)
            write_facts(w, *(struct sb_fact *const *)member);
        else
            sb_buf_adds(w->b, "{}");
        break;
    case FIELD_OBJECT: write_object(w, f->object, member); break;
    case FIELD_ARRAY: write_array(w, f, base); break;
    case FIELD_FIRST: write_object(w, f->object, field_elements(f, base)); break;
    }
}

static void write_fields(const struct writer *w, const struct object *o, const void *base,
                         bool first) {
    for (size_t i = 0; i < object_n_fields(o); i++) {
        struct field f = object_field(o, i);
        bool needed = f.rules & FIELD_ALWAYS || (f.kind == FIELD_OBJECT && f.size == 0);
        if (!needed && field_is_absent(&f, base))
            continue;
        write_key(w, f.key, first);
        write_value(w, &f, base);
        first = false;
    }
}

char *sb_results_print(const struct sb_results *r) {
    struct sb_buf b = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    struct writer top = {&b, 0, false}, in = write_open(&top, "{", false);
    write_key(&in, "schema", true);
    sb_buf_add_json(&b, SB_SCHEMA);
    write_fields(&in, &results_document, r, false);
    write_close(&in, "}", false);
    sb_buf_adds(&b, "\n");
    if (!b.overflow)
        return sb_buf_detach(&b);
    sb_buf_release(&b);
    return NULL;
}

int sb_results_save(const struct sb_results *r, const char *path, struct sb_buf *error) {
    char *text = sb_results_print(r);
    int rc = -EFBIG;
    if (text)
        rc = sb_file_replace(path, text, strlen(text), error);
    else
        sb_buf_addf(error, "%s: results exceed %d MiB", path, SB_RESULTS_MAX_BYTES >> 20);
    free(text);
    return rc;
}
