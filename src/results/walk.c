/* Walking the fields of results: emptying, releasing, comparing with what is absent. */
#include "fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int field_get_int(const struct field *f, const void *base) {
    const void *at = field_at(f, base);
    return f->size == sizeof(bool) ? *(const bool *)at : *(const int *)at;
}

void field_set_int(const struct field *f, void *base, int value) {
    if (f->size == sizeof(bool))
        *(bool *)field_at(f, base) = value;
    else
        *(int *)field_at(f, base) = value;
}

static void init(const struct field *f, void *base) {
    if (f->kind == FIELD_OBJECT)
        fields_init(f->object, field_at(f, base));
    else if (f->kind == FIELD_INT || f->kind == FIELD_BOOL || f->kind == FIELD_WORD)
        field_set_int(f, base, f->absent);
    else if (f->kind == FIELD_COUNT)
        *(long long *)field_at(f, base) = -1;
    else if (f->kind == FIELD_NUMBER)
        *(double *)field_at(f, base) = NAN;
    else if (f->kind == FIELD_SECONDS)
        *(double *)field_at(f, base) = 0;
    else
        memset(field_at(f, base), 0, f->size);
    if (f->count_offset)
        *field_count(f, base) = 0;
}

void fields_init(const struct object *o, void *base) {
    for (size_t i = 0; i < object_n_fields(o); i++) {
        struct field f = object_field(o, i);
        init(&f, base);
    }
}

static void release_elements(const struct field *f, void *base) {
    char *elements = field_elements(f, base);
    size_t n = *field_count(f, base);
    for (size_t i = 0; f->object && i < n; i++)
        fields_release(f->object, elements + i * f->object->size);
    if (f->kind == FIELD_SHARES)
        for (size_t i = 0; i < n; i++)
            free(((struct sb_device_share *)(void *)elements)[i].device);
    free(elements);
}

static void release(const struct field *f, void *base) {
    switch (f->kind) {
    case FIELD_STRING:
    case FIELD_TIME: free(*(char **)field_at(f, base)); break;
    case FIELD_STRINGS:
    case FIELD_PAIRS: sb_strv_release(field_at(f, base)); break;
    case FIELD_FACTS: sb_facts_free(*(struct sb_fact **)field_at(f, base)); break;
    case FIELD_ARRAY:
    case FIELD_SHARES:
    case FIELD_INTS:
    case FIELD_NUMBERS: release_elements(f, base); break;
    default: /* owns nothing */ break;
    }
}

static void release_fields(const struct object *o, void *base) {
    for (size_t i = 0; i < object_n_fields(o); i++) {
        struct field f = object_field(o, i);
        if (f.kind == FIELD_OBJECT)
            release_fields(f.object, field_at(&f, base));
        else
            release(&f, base);
    }
}

void fields_release(const struct object *o, void *base) {
    release_fields(o, base);
    fields_init(o, base);
}

bool field_is_absent(const struct field *f, const void *base) {
    switch (f->kind) {
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_WORD: return field_get_int(f, base) == f->absent;
    case FIELD_COUNT: return *(const long long *)field_at(f, base) < 0;
    case FIELD_SIZE: return *(const size_t *)field_at(f, base) == 0;
    case FIELD_SECONDS: return *(const double *)field_at(f, base) == 0;
    case FIELD_NUMBER: return !isfinite(*(const double *)field_at(f, base));
    case FIELD_STRING:
    case FIELD_TIME:
    case FIELD_FACTS: return *(void *const *)field_at(f, base) == NULL;
    case FIELD_STRINGS:
    case FIELD_PAIRS: return ((const struct sb_strv *)field_at(f, base))->n == 0;
    case FIELD_OBJECT: {
        struct field first = object_field(f->object, 0);
        return field_is_absent(&first, field_at(f, base));
    }
    case FIELD_SHARES:
    case FIELD_INTS:
    case FIELD_NUMBERS:
    case FIELD_ARRAY:
    case FIELD_FIRST: return *field_count(f, base) <= (f->rules & FIELD_SEVERAL ? 1 : 0);
    }
    return true;
}

static size_t element_size(const struct field *f) {
    if (f->kind == FIELD_SHARES)
        return sizeof(struct sb_device_share);
    if (f->kind == FIELD_NUMBERS)
        return sizeof(double);
    return f->kind == FIELD_INTS ? sizeof(int) : f->object->size;
}

void *field_add(const struct field *f, void *base) {
    size_t size = element_size(f), n = (*field_count(f, base))++;
    char **elements = field_at(f, base);
    *elements = sb_grow(*elements, n, size);
    void *element = *elements + n * size;
    memset(element, 0, size);
    if (f->object)
        fields_init(f->object, element);
    return element;
}

void field_clear(const struct field *f, void *base) {
    release(f, base);
    *(void **)field_at(f, base) = NULL;
    *field_count(f, base) = 0;
}
