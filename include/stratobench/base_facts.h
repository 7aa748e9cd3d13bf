/* Facts: what is known of a machine, named values in groups and lists, as a results file keeps
 * them.
 *
 * A tree of plain structs, so that the room which finds something out, the one which files it and
 * the one which shows it agree without knowing each other, or JSON. */
#ifndef STRATOBENCH_BASE_FACTS_H
#define STRATOBENCH_BASE_FACTS_H

#include <stddef.h>

enum sb_fact_kind {
    SB_FACT_NOTHING, /* JSON's null */
    SB_FACT_TEXT,
    SB_FACT_NUMBER,
    SB_FACT_SWITCH, /* number: 0 or 1 */
    SB_FACT_LIST,   /* of facts without a name */
    SB_FACT_GROUP,  /* of facts with one */
};

struct sb_fact {
    enum sb_fact_kind kind;
    char *name;                   /* NULL in a list, and of a whole tree */
    char *text;                   /* of TEXT, else NULL */
    double number;                /* of NUMBER and SWITCH */
    struct sb_fact *child, *last; /* of LIST and GROUP: the first and last in it; NULL = empty */
    struct sb_fact *next;         /* the one behind it in its list or group */
};

struct sb_fact *sb_facts_new(void);        /* an empty group */
void sb_facts_free(struct sb_fact *facts); /* a whole tree; NULL is one, too */
struct sb_fact *sb_facts_copy(const struct sb_fact *facts);

/* Adds one at the end of a list (name NULL) or group, which owns it; copies name and text. */
struct sb_fact *sb_fact_add(struct sb_fact *within, const char *name, enum sb_fact_kind kind);
struct sb_fact *sb_fact_add_text(struct sb_fact *within, const char *name, const char *text);
struct sb_fact *sb_fact_add_number(struct sb_fact *within, const char *name, double number);
/* Hangs a tree of its own into a group under that name; takes it. NULL adds nothing. */
void sb_fact_take(struct sb_fact *within, const char *name, struct sb_fact *facts);
/* The text of that name, whatever it was before. */
void sb_fact_set_text(struct sb_fact *within, const char *name, const char *text);

/* The first of that name; NULL when there is none, or no group. */
const struct sb_fact *sb_fact_of(const struct sb_fact *group, const char *name);
const char *sb_fact_text(const struct sb_fact *group, const char *name); /* or NULL */
double sb_fact_number(const struct sb_fact *group, const char *name);    /* or NaN */

#endif
