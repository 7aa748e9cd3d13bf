#include "schedule.h"

#include <limits.h>
#include <stdlib.h>

#include "stratobench/config.h"

static bool waits(const struct sb_schedule *s, size_t i) {
    return !s->skip[i] && s->cells[i]->status == SB_PENDING;
}

static int done(const struct sb_schedule *s, size_t i) {
    const struct sb_cell *c = s->cells[i];
    return c->n_launches ? c->launches[c->n_launches - 1].launch : 0;
}

/* The launches that every waiting cell has had. */
static int rounds(const struct sb_schedule *s, bool *ret_between) {
    int least = INT_MAX, most = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!waits(s, i))
            continue;
        least = done(s, i) < least ? done(s, i) : least;
        most = done(s, i) > most ? done(s, i) : most;
    }
    *ret_between = least == most;
    return least;
}

bool sb_schedule_complete(const struct sb_schedule *s, size_t i) {
    static const struct sb_workload workload = SB_WORKLOAD_DEFAULT;
    int n = done(s, i);
    if (s->launches != SB_LAUNCHES_AUTO)
        return n >= s->launches;
    bool between;
    rounds(s, &between);
    if (!between || n < SB_LEAST_LAUNCHES)
        return false;
    if (n >= SB_MOST_LAUNCHES)
        return true;
    struct sb_settled *settled = sb_alloc(s->n, sizeof *settled);
    sb_settle(s->cells, s->n, &workload, settled);
    bool complete = settled[i].outlook != SB_OUTLOOK_OPEN;
    free(settled);
    return complete;
}

bool sb_schedule_next(const struct sb_schedule *s, size_t *ret_cell, int *ret_launch) {
    bool between;
    int made = rounds(s, &between);
    if (made == INT_MAX) /* no cell waits for a launch */
        return false;
    int round = made + 1;
    for (size_t k = 0; k < s->n; k++) {
        size_t i = round % 2 ? k : s->n - 1 - k;
        if (!waits(s, i) || done(s, i) >= round || sb_schedule_complete(s, i))
            continue;
        *ret_cell = i;
        *ret_launch = round;
        return true;
    }
    return false;
}
