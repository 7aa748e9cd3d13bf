/* What the files that put a ranking into words share. */
#ifndef SB_RANK_PARTS_H
#define SB_RANK_PARTS_H

#include "stratobench/text.h"
#include "stratobench/verdict.h"

enum { MOST_NAMED = 3 }; /* models named in a sentence before "and N more" */

struct rank_writer {
    const struct sb_rank *rank;
    const struct sb_section *section; /* whose warnings are said; NULL = said elsewhere */
    enum sb_style style;
    struct sb_buf *out;
    size_t screen; /* its columns, for tables; 0 = no limit */
};

/* Ranks the set at each other number of requests at once (rank_slots.c). */
void rank_find_turns(struct sb_rank *r, const struct sb_results *set, char *const *hidden);
/* "; with 8 at once Vulkan is 1.31× as fast as ROCm" */
void rank_add_turns(const struct rank_writer *w);
/* ", 8 at once"; nothing where the workload does not state it. */
void rank_add_slots(struct sb_buf *b, const struct sb_workload *w);

void rank_add_plural(struct sb_buf *b, size_t n, const char *noun); /* "2 models" */
void rank_add_model(const struct rank_writer *w, size_t model);     /* its label, made safe */
void rank_add_backend(const struct rank_writer *w, size_t backend);
/* What to know when reading it, a list (rank_notes.c). */
void rank_add_notes(const struct rank_writer *w);

#endif
