#include "stratobench/base_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

static struct sb_fact *new_fact(enum sb_fact_kind kind) {
    struct sb_fact *f = sb_alloc(1, sizeof *f);
    f->kind = kind;
    return f;
}

struct sb_fact *sb_facts_new(void) {
    return new_fact(SB_FACT_GROUP);
}

static void free_content(struct sb_fact *f) {
    for (struct sb_fact *c = f->child, *next; c; c = next) {
        next = c->next;
        sb_facts_free(c);
    }
    free(f->text);
    f->text = NULL;
    f->child = f->last = NULL;
}

void sb_facts_free(struct sb_fact *facts) {
    if (!facts)
        return;
    free_content(facts);
    free(facts->name);
    free(facts);
}

static void append(struct sb_fact *within, const char *name, struct sb_fact *f) {
    f->name = sb_strdup(name);
    *(within->last ? &within->last->next : &within->child) = f;
    within->last = f;
}

struct sb_fact *sb_fact_add(struct sb_fact *within, const char *name, enum sb_fact_kind kind) {
    struct sb_fact *f = new_fact(kind);
    append(within, name, f);
    return f;
}

struct sb_fact *sb_fact_add_text(struct sb_fact *within, const char *name, const char *text) {
    struct sb_fact *f = sb_fact_add(within, name, SB_FACT_TEXT);
    f->text = sb_strdup(text);
    return f;
}

struct sb_fact *sb_fact_add_number(struct sb_fact *within, const char *name, double number) {
    struct sb_fact *f = sb_fact_add(within, name, SB_FACT_NUMBER);
    f->number = number;
    return f;
}

void sb_fact_take(struct sb_fact *within, const char *name, struct sb_fact *facts) {
    if (facts)
        append(within, name, facts);
}

void sb_fact_set_text(struct sb_fact *within, const char *name, const char *text) {
    struct sb_fact *f = (struct sb_fact *)sb_fact_of(within, name);
    if (!f) {
        sb_fact_add_text(within, name, text);
        return;
    }
    free_content(f);
    f->kind = SB_FACT_TEXT;
    f->text = sb_strdup(text);
}

struct sb_fact *sb_facts_copy(const struct sb_fact *facts) {
    if (!facts)
        return NULL;
    struct sb_fact *copy = new_fact(facts->kind);
    copy->text = sb_strdup(facts->text);
    copy->number = facts->number;
    for (const struct sb_fact *c = facts->child; c; c = c->next)
        append(copy, c->name, sb_facts_copy(c));
    return copy;
}

const struct sb_fact *sb_fact_of(const struct sb_fact *group, const char *name) {
    const struct sb_fact *f = group && name && group->kind == SB_FACT_GROUP ? group->child : NULL;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

const char *sb_fact_text(const struct sb_fact *group, const char *name) {
    const struct sb_fact *f = sb_fact_of(group, name);
    return f ? f->text : NULL;
}

double sb_fact_number(const struct sb_fact *group, const char *name) {
    const struct sb_fact *f = sb_fact_of(group, name);
    return f && f->kind == SB_FACT_NUMBER ? f->number : (double)NAN;
}
