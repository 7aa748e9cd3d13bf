/* The results document as data: one table of fields a JSON object. Loading, saving, emptying and
 * releasing all walk these tables, so that they cannot disagree. */
#ifndef STRATOBENCH_RESULTS_FIELDS_H
#define STRATOBENCH_RESULTS_FIELDS_H

#include "stratobench/results.h"

enum field_kind {                /* the member's type; how it looks in JSON; what "absent" is */
                  FIELD_STRING,  /* char *; NULL */
                  FIELD_TIME,    /* char *, RFC 3339 UTC; NULL */
                  FIELD_INT,     /* int; field.absent. With words, words[0] stands for -1 */
                  FIELD_COUNT,   /* long long, never negative in the file; -1 */
                  FIELD_SIZE,    /* size_t; 0 */
                  FIELD_NUMBER,  /* double; NaN */
                  FIELD_SECONDS, /* double; 0. Less than 0 stands for words[0] */
                  FIELD_BOOL,    /* bool; field.absent */
                  FIELD_WORD,    /* an enum or bool, as words[value]; field.absent */
                  FIELD_STRINGS, /* struct sb_strv; empty */
                  FIELD_PAIRS,   /* struct sb_strv of "NAME=value", an object of strings; empty */
                  FIELD_SHARES,  /* array of struct sb_device_share, an object device -> MiB; empty
                                  */
                  FIELD_INTS,    /* array of int, none negative; empty */
                  FIELD_NUMBERS, /* array of double, NaN is null; empty */
                  FIELD_FACTS,   /* struct sb_fact *, any object, kept verbatim; NULL */
                  FIELD_OBJECT,  /* a struct in place; when its first field is absent */
                  FIELD_ARRAY,   /* array of structs; empty */
                  FIELD_FIRST,   /* the first element of an array that another field owns; when that
                                    is empty */
};

enum field_rule {
    FIELD_REQUIRED = 1 << 0, /* a file without it is refused */
    FIELD_ALWAYS = 1 << 1,   /* saved even when absent: the default, [] or {} */
    FIELD_SEVERAL = 1 << 2,  /* an array saved only when it has more than one element */
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset; /* of the member, or of the pointer to an array's elements */
    size_t size;   /* of the member */
    unsigned rules;
    int absent;
    int least;                   /* FIELD_INT: what is less is refused */
    size_t count_offset;         /* arrays: of their size_t count */
    const struct object *object; /* what an OBJECT, ARRAY or FIRST holds */
    const char *const *words;    /* NULL-terminated */
};

struct object {
    const struct field *fields; /* after the settings; at most 64 in all */
    size_t n_own;
    size_t size;
    bool one_line;          /* printed on one line */
    bool settings;          /* begins with a field for each of sb_settings, */
    size_t protocol_offset; /* whose struct sb_protocol lies there */
};

size_t object_n_fields(const struct object *o);
struct field object_field(const struct object *o, size_t i);

extern const struct object results_document, results_cell, results_run, results_slot_run,
    results_launch, results_answer, results_try;

static inline void *field_at(const struct field *f, const void *base) {
    return (char *)base + f->offset;
}
static inline size_t *field_count(const struct field *f, const void *base) {
    return (size_t *)(void *)((char *)base + f->count_offset);
}
/* The elements of an array. */
static inline char *field_elements(const struct field *f, const void *base) {
    return *(char **)field_at(f, base);
}
/* The value of an INT, BOOL or WORD, whatever the size of its member. */
int field_get_int(const struct field *f, const void *base);
void field_set_int(const struct field *f, void *base, int value);

/* Every member becomes absent. Init does not look at what was there; release frees it. */
void fields_init(const struct object *o, void *base);
void fields_release(const struct object *o, void *base);
bool field_is_absent(const struct field *f, const void *base);
/* One more element of an array, every member absent. */
void *field_add(const struct field *f, void *base);
void field_clear(const struct field *f, void *base);

/* As JSON, on one line. */
void results_print_fact(const struct sb_fact *f, struct sb_buf *ret);

#endif
