/* Where the order of the backends turns with the number of requests at once. */
#include "rank_parts.h"

#include <stdlib.h>

static bool is_measured(const struct sb_rank *r, int slots) {
    for (size_t i = 0; i < r->n_cells; i++)
        for (size_t p = 0; p < r->cells[i].cell->n_points; p++)
            if (r->cells[i].cell->points[p].at.slots == slots)
                return true;
    return false;
}

static void add_turn(struct sb_rank *r, const struct sb_rank *other) {
    if (other->second == SIZE_MAX || other->first == r->first ||
        other->lead.verdict != SB_VERDICT_FASTER)
        return;
    r->turns = sb_grow(r->turns, r->n_turns, sizeof *r->turns);
    r->turns[r->n_turns++] = (struct sb_rank_turn){other->workload.slots, other->first,
                                                   other->second, other->lead.ratio};
}

/* The backends have the same numbers in each: they are those of the set. */
void rank_find_turns(struct sb_rank *r, const struct sb_results *set, char *const *hidden) {
    if (r->workload.slots || r->workload.played)
        return;
    for (int slots = 1; slots <= SB_MOST_SLOTS; slots++) {
        struct sb_workload w = r->workload;
        struct sb_rank other;
        w.slots = slots;
        if (!is_measured(r, slots))
            continue;
        sb_rank(set, hidden, &w, &other);
        add_turn(r, &other);
        sb_rank_release(&other);
    }
}

void rank_add_turns(const struct rank_writer *w) {
    for (size_t i = 0; i < w->rank->n_turns; i++) {
        const struct sb_rank_turn *t = &w->rank->turns[i];
        sb_buf_addf(w->out, "; with %d at once ", t->slots);
        rank_add_backend(w, t->first);
        sb_buf_adds(w->out, " is ");
        sb_ratio_add(w->out, t->ratio);
        sb_buf_adds(w->out, " as fast as ");
        rank_add_backend(w, t->second);
    }
}

void rank_add_slots(struct sb_buf *b, const struct sb_workload *w) {
    if (w->slots > 1)
        sb_buf_addf(b, ", %d at once", w->slots);
    else if (w->slots == 1)
        sb_buf_adds(b, ", one at a time");
}
