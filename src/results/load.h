/* What the files that load results share: where in the document one is, and how it is said. */
#ifndef SB_RESULTS_LOAD_H
#define SB_RESULTS_LOAD_H

#include "json_read.h"
#include "stratobench/results.h"

struct reader {
    const char *file;
    struct json *json;
    struct sb_buf *error; /* empty while only the JSON itself has a problem */
};

/* Where in the document: a list from the innermost key outwards. */
struct place {
    const struct place *within; /* NULL: the document itself */
    const char *key;            /* NULL: an element */
    size_t index;
};

/* "FILE: cells[3].runs[1].prompt_ms: text"; false, so that it can be returned. */
bool load_fail(const struct reader *r, const struct place *p, const char *fmt, ...) SB_PRINTF(3, 4);

/* Figures and labels that the file leaves to be computed; what contradicts itself, or stands twice,
 * is refused (complete.c). */
bool load_complete(const struct reader *r, struct sb_results *doc);

#endif
